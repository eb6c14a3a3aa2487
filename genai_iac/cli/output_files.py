"""Files that commands write for people: whole or not at all, and where asked never over one that exists."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from genai_iac.core.errors import UsageError
from genai_iac.filesystem import UnsafePathError, check_file, check_folder, open_folder


def write_file(file: Path, data: bytes, flag: str = "--out") -> None:
    """Write one file, in the place of one that is there; no link is followed. Raises UsageError that names the flag."""
    check_output_name(file, flag)
    try:
        check_file(file)
        with open_folder(file.parent) as folder:
            _replace(folder, file.name, data)
    except UnsafePathError as error:
        raise UsageError(f"{flag} {file} is refused: {error.strerror}") from error
    except FileNotFoundError as error:
        raise UsageError(
            f"{flag} {file}: {error.strerror}", hint=f"make its directory first: mkdir -p {file.parent}"
        ) from error
    except OSError as error:
        raise UsageError(
            f"{flag} {file}: {error.strerror}", hint=f"choose a file that can be written for {flag}"
        ) from error


def check_output_name(file: Path, flag: str = "--out") -> None:
    """Raises UsageError for a name that is a mistake.

    `-`: what is printed besides would be mixed with it, and a file called - is what nobody means. A YAML file that exists: no
    command writes YAML there, and `snapshot --out stack.yaml`, or a PATH behind --out, replaced the manifest.
    """
    if file.suffix.lower() in (".yaml", ".yml") and os.path.lexists(file):
        raise UsageError(
            f"{flag} {file}: a YAML file of that name exists, and it may be a manifest",
            hint=f"give another name to {flag}: what is written is not YAML",
        )
    if str(file) == "-":
        raise UsageError(
            f"{flag} -: this is written to a file only", hint="give the name of a file; standard output is for --format"
        )


def _refuse_dash(folder: Path, flag: str = "") -> None:
    if str(folder) == "-":
        raise UsageError(
            f"{flag} - is no directory", hint="give one by its name; only without it is standard output used"
        )


def rewrite_file(file: Path, before: bytes, after: bytes) -> bool:
    """Replace a file by another content, with its old mode; no link is followed. False when it does not hold `before` any more.

    Raises OSError, UnsafePathError for a link.
    """
    with open_folder(file.parent) as folder:
        descriptor = os.open(file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as stream:
            # One byte more than expected, so that an appended line is noticed.
            if stream.read(len(before) + 1) != before:
                return False
            # Without set-uid and sticky bits, which a rewritten file should not inherit.
            mode = os.fstat(descriptor).st_mode & 0o777
        _replace(folder, file.name, after, mode)
    return True


def make_folder(folder: Path, flag: str = "--out") -> None:
    """Make a directory and those on the way to it; no link is followed. Raises UsageError that names the flag."""
    _refuse_dash(folder, flag)
    try:
        check_folder(folder, make=True, mode=0o777)
    except OSError as error:
        raise UsageError(
            f"{flag} {folder}: {error.strerror}", hint=f"choose a directory that can be made for {flag}"
        ) from error


def write_new_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a directory that is made when it is not there; the names are ours and relative.

    Raises UsageError before the first is written when any of them, or a link of its name, is there already.
    """
    _refuse_dash(folder)
    there = [name for name in files if os.path.lexists(folder / name)]
    if there:
        raise UsageError(
            f"{', '.join(str(folder / name) for name in there)} {'is' if len(there) == 1 else 'are'} there already; "
            "nothing was written",
            hint="give an empty directory",
        )
    try:
        for name, text in files.items():
            with open_folder((folder / name).parent, make=True, mode=0o777) as inside:
                _create(inside, Path(name).name, text.encode())
    except UnsafePathError as error:
        raise UsageError(f"{folder} is refused: {error.strerror}") from error
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from error


def _create(folder: int, name: str, data: bytes, mode: int | None = None) -> None:
    # `O_EXCL`: nothing that is there already is opened, so no link can redirect the write.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o666, dir_fd=folder), "wb") as stream:
        stream.write(data)
        if mode is not None:
            os.fchmod(stream.fileno(), mode)


def _replace(folder: int, name: str, data: bytes, mode: int | None = None) -> None:
    # Beside the file, because a rename works within one file system only; cut to fit the
    # limit of 255 bytes for a name.
    temporary = f".{name[:100]}.{secrets.token_hex(8)}"
    try:
        _create(folder, temporary, data, mode)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise
