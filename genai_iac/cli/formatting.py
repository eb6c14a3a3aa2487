"""The walk of `fmt`: every file is laid out before the first is written, and each is replaced whole."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from genai_iac.errors import IacError, ManifestError, Problem, UsageError
from genai_iac.layout import lay_out
from genai_iac.manifest.decode import decode
from genai_iac.manifest.files import ENVIRONMENTS, File, Place, find_place, read_file, read_files


@dataclass(frozen=True, slots=True)
class Reformatted:
    """One file: what people call it, where it really is, and its text."""

    name: str
    file: Path
    before: str
    after: str


def find_changes(path: str) -> list[Reformatted]:
    """Every manifest and environment of a path as it is and as it is to be. Raises ManifestError with all that cannot be read."""
    place = find_place(path)
    problems: list[Problem] = []
    found: dict[Path, Reformatted] = {}
    for file in _all_files(place):
        text = file if isinstance(file, Problem) else decode(file.data, file.name)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        assert isinstance(file, File)
        try:
            real = (place.root / file.key).resolve()
            found[real] = Reformatted(file.name, real, text, lay_out(text, file.name))
        except ManifestError as error:
            problems.extend(error.problems)
    if problems:
        raise ManifestError(problems)
    return list(found.values())


def write_changes(changes: Iterable[Reformatted]) -> None:
    """Replace the files. Raises UsageError for one that cannot be written, IacError for one that was changed meanwhile."""
    for change in changes:
        try:
            if change.file.read_bytes() != change.before.encode():
                raise IacError(f"{change.name} was changed while it was being formatted", hint="run it again")
            _replace(change.file, change.after.encode())
        except OSError as error:
            raise UsageError(f"{change.name}: {error.strerror}") from error


def _all_files(place: Place) -> Iterator[File | Problem]:
    yield from read_files(place, sys.stdin.buffer if place.only == "-" else None)
    folder = place.root / ENVIRONMENTS
    if place.only is None and folder.is_dir():
        names = sorted(file.name for file in folder.iterdir() if file.suffix in (".yaml", ".yml"))
        yield from (read_file(place, f"{ENVIRONMENTS}/{name}") for name in names if not name.startswith("."))


def _replace(file: Path, data: bytes) -> None:
    """The new text with the old mode. The file was reached without links, so none is followed here."""
    mode = file.stat().st_mode & 0o777
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            os.fchmod(descriptor, mode)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
