"""System calls that fail on demand: those of this process, seen where Python makes them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

CALLS = [
    (os, name)
    for name in (
        "open",
        "close",
        "fchmod",
        "fstat",
        "fsync",
        "mkdir",
        "readv",
        "rename",
        "rmdir",
        "scandir",
        "stat",
        "unlink",
        "write",
    )
] + [(fcntl, "flock")]


class Trap:
    """Counts system calls by name, and springs at one of them: before it has its effect, or after.

    `lasting`: at that one and all that come later, whatever their name. `below`: only calls in that directory count.
    """

    def __init__(
        self,
        name: str = "",
        nth: int = 0,
        error: BaseException | None = None,
        *,
        after: bool = False,
        lasting: frozenset[str] = frozenset(),
        below: Path | None = None,
    ) -> None:
        self.name, self.nth, self.error, self.after = name, nth, error, after
        self.lasting, self.below = lasting, below
        self.counts: dict[str, int] = {}
        self.sprung = False

    @contextmanager
    def set(self) -> Iterator[None]:
        with ExitStack() as patches:
            for module, name in CALLS:
                patches.enter_context(mock.patch.object(module, name, self._watched(name, getattr(module, name))))
            yield

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if not self._counts(arguments[0], options.get("dir_fd", options.get("src_dir_fd"))):
                return real(*arguments, **options)
            self.counts[name] = self.counts.get(name, 0) + 1
            if self.error is None or not self._springs(name):
                return real(*arguments, **options)
            self.sprung = True
            if self.after or name == "close":  # a descriptor is closed even when close fails
                with suppress(OSError):
                    real(*arguments, **options)
            raise self.error

        return call

    def _springs(self, name: str) -> bool:
        return (name, self.counts[name]) == (self.name, self.nth) or (self.sprung and name in self.lasting)

    def _counts(self, target: Any, directory: int | None) -> bool:
        """Whether a call is about something in the directory, told from its descriptor or path."""
        if self.below is None:
            return True
        if isinstance(target, int):
            path = _path_of(target)
        else:
            path = (Path.cwd() if directory is None else _path_of(directory)) / os.fsdecode(target)
        return path.is_relative_to(self.below)


def _path_of(descriptor: int) -> Path:
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return Path()
