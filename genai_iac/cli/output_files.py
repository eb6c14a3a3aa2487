"""Files that verbs write for people: whole or not at all, and where asked never over one that is there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from genai_iac.core.errors import UsageError


def write_file(file: Path, data: bytes, flag: str = "--out") -> None:
    """Write one file, in the place of one that is there. Raises UsageError that names the flag."""
    try:
        _replace(file, data)
    except OSError as error:
        raise UsageError(f"{flag} {file}: {error.strerror}") from error


def write_new_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a directory that is made when it is not there; the names are ours and relative.

    Raises UsageError before the first is written when any of them, or a link of its name, is there already.
    """
    there = [name for name in files if os.path.lexists(folder / name)]
    if there:
        raise UsageError(
            f"{', '.join(str(folder / name) for name in there)} {'is' if len(there) == 1 else 'are'} there already; "
            "nothing was written",
            hint="give an empty directory",
        )
    try:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if not (folder / name).parent.resolve().is_relative_to(folder.resolve()):
                raise UsageError(f"{(folder / name).parent} is a link out of {folder}", hint="remove the link")
            with (folder / name).open("x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from error


def _replace(file: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
