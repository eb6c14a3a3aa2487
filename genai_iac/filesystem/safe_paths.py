"""Paths that are written to, opened without following links: a checkout may contain any link that a stranger committed.

Once `.genai-iac/oci -> ~/.oci` in a checkout had `--local plan` replace the user's own `~/.oci/config`.
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
        what = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
        raise UnsafePathError(path, f"{path} is {what}; remove it")


def _enter(directory: int, path: Path, depth: int, make: int | None) -> int:
    part, shown = path.parts[depth], Path(*path.parts[: depth + 1])
    if make is not None:
        # Whatever exists under the name is judged by the `open` below.
        with suppress(FileExistsError):
            os.mkdir(part, make, dir_fd=directory)
    try:
        return os.open(part, _OPEN | os.O_NOFOLLOW, dir_fd=directory)
    except OSError as error:
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
