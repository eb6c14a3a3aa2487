"""A real file system of a few kilobytes that can be filled and locked; only root may mount one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def why_not(place: Path) -> str:
    """Why nothing can be mounted there; empty when it can."""
    tried = subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        subprocess.run(["umount", str(place)], check=True)
    return tried.stderr.strip()


class Volume:
    """A small file system of its own where the sinks are, with what was there before."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.mkdir(mode=0o700, exist_ok=True)
        before = shutil.copytree(place, place.with_name("before"))
        _mount("-t", "tmpfs", "-o", "size=256k,mode=0700", "none", str(place))
        shutil.copytree(before, place, dirs_exist_ok=True)
        shutil.rmtree(before)

    def fill(self) -> None:
        with suppress(OSError), (self._place / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        (self._place / "ballast").unlink()

    def lock(self) -> None:
        _mount("-o", "remount,ro", str(self._place))

    def unlock(self) -> None:
        _mount("-o", "remount,rw", str(self._place))


@contextmanager
def mounted(place: Path) -> Iterator[Volume]:
    """A volume there while this is open."""
    volume = Volume(place)
    try:
        yield volume
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
