"""Opening files and directories without following links.

In: paths that a user or a checkout chose. Out: open descriptors, or an OSError that names the part that is refused.
It imports nothing else of genai_iac, so that the emulator and the tool share it.

- Paths that are written to: a checkout may contain any link that a stranger committed. Once `.genai-iac/oci -> ~/.oci` in a checkout
  had `--local plan` replace the user's own `~/.oci/config`.
- Files that people name on the command line: regular files only, up to a size.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC  # of every directory on the way


class UnsafePathError(OSError):
    """A path that is not written to; `strerror` says which part of it, why, and what to do.

    Args:
        path: what is refused.
        reason: what is wrong and what to do, without a full stop.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(errno.ELOOP, reason, str(path))


def find_git_root(path: Path) -> Path | None:
    """The directory around the path that holds `.git`, without starting git; None where there is none."""
    here = path.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), None)


@contextmanager
def open_folder(path: Path, *, make: bool = False, private: bool = False, mode: int = 0o700) -> Iterator[int]:
    """A descriptor of that directory, every part of the way opened without following links.

    `make` makes what is missing, with that mode. `private`: the last directory is to be ours; group and others lose their access to it.
    Raises UnsafePathError for a link on the way or another user's directory, OSError for what the system refuses.

    Args:
        path: relative paths begin at the current directory.
        make: create what is missing.
        private: restrict the last directory to this user.
        mode: of created directories, before the umask.

    Yields:
        A descriptor, closed on exit. Use it with `dir_fd`, so that nothing can be exchanged
            in between.
    """
    parts = path.parts
    current = os.open("/" if path.is_absolute() else ".", _OPEN)
    try:
        for depth, part in enumerate(parts):
            if part == "/":
                continue
            below = _enter(current, path, depth, mode if make else None)
            os.close(current)
            current = below
        if private:
            _make_private(current, path)
        yield current
    finally:
        os.close(current)


def check_folder(path: Path, *, make: bool = False, private: bool = False, mode: int = 0o700) -> None:
    """The same for what has to be opened by its path. Raises UnsafePathError.

    Args:
        path: relative paths begin at the current directory.
        make: create what is missing.
        private: restrict the last directory to this user.
        mode: of created directories, before the umask.
    """
    with open_folder(path, make=make, private=private, mode=mode):
        return


def check_file(path: Path) -> None:
    """Raises UnsafePathError when something is there that is no regular file, be it a link to one."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        if stat.S_ISDIR(mode):
            raise UnsafePathError(path, f"{path} is a directory; give the name of a file in it")
        what = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
        raise UnsafePathError(path, f"{path} is {what}; remove it")


def _enter(directory: int, path: Path, depth: int, make: int | None) -> int:
    part = path.parts[depth]
    try:
        with suppress(FileNotFoundError):
            return os.open(part, _OPEN | os.O_NOFOLLOW, dir_fd=directory)
        if make is not None:
            # Whatever exists under the name by now is judged by the `open` below.
            with suppress(FileExistsError):
                os.mkdir(part, make, dir_fd=directory)
        return os.open(part, _OPEN | os.O_NOFOLLOW, dir_fd=directory)
    except OSError as error:
        shown = Path(*path.parts[: depth + 1])
        # A link or another file: systems differ in which of the two they answer for a link.
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise OSError(error.errno, error.strerror, str(shown)) from error
    status = os.stat(part, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(shown))
    if _is_the_systems(status, path, depth):
        return os.open(part, _OPEN, dir_fd=directory)
    raise UnsafePathError(shown, f"{shown} is a symbolic link; remove it, or give the path that it leads to")


def _is_the_systems(status: os.stat_result, path: Path, depth: int) -> bool:
    """Whether the link came with the system (`/tmp` of macOS, `/var/run`), so that no checkout can have brought it."""
    return path.is_absolute() and (depth == 1 or (status.st_uid == 0 and os.geteuid() != 0))


def _make_private(directory: int, path: Path) -> None:
    status = os.fstat(directory)
    if status.st_uid != os.geteuid():
        raise UnsafePathError(path, f"{path} belongs to another user; remove it")
    if status.st_mode & 0o077:
        os.fchmod(directory, 0o700)


MIB = 1024 * 1024  # bytes
LARGEST_DOCUMENT = 32 * MIB  # of a snapshot or a plan: 10,000 resources take about 10 MiB


class InputFileError(Exception):
    """Why a file is not read, in words that follow its name and a colon."""


def read_input_file(path: Path, limit: int = LARGEST_DOCUMENT) -> bytes:
    """The bytes of a regular file, at most `limit` of them.

    Raises InputFileError for what cannot be read, for a directory, device, FIFO or socket, and for a longer file. Nothing is
    opened that is no regular file: opening a FIFO waits until somebody writes, and opening a device may do something.

    Args:
        path: as typed; symbolic links are followed, because a user named this path.
        limit: largest size in bytes.

    Returns:
        The whole content. One byte more than `limit` is read to notice a longer file.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputFileError("this is not a regular file; save it as a file first")
        # not blocking, because a FIFO may have come in its place since
        # O_NOCTTY: a terminal that is opened must not become the controlling one
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputFileError("this is not a regular file; save it as a file first")
            data = opened.read(limit + 1)
    except OSError as error:
        raise InputFileError((error.strerror or "cannot be read").lower()) from error
    except ValueError as error:
        raise InputFileError("not a path") from error
    if len(data) > limit:
        raise InputFileError(f"this is larger than {limit // MIB} MiB")
    return data
