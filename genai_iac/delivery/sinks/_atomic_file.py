"""One small private file replaced at once or not at all: whatever fails, a reader sees the old content or the new, never half.

The steps are: temporary file in the same directory, content, fsync, rename, fsync of the directory. tests/sinks/test_file_kills.py ends
the process at each system call, and tests/sinks/test_file_failures.py makes each one fail.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct

from genai_iac.core.errors import SinkError

LIMIT = 64 * 1024  # bytes; contents are about a thousand
# O_EXCL and O_NOFOLLOW: a link or file that somebody prepared under the name is an
# error, never a target.
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO would wait for a writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# What a user can do about it; every other error gets "correct that".
_HINTS = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EROFS: "deliver to a place that can be written",
    errno.EACCES: "let this user write there",
    errno.EPERM: "let this user write there",
}


class FileTarget(Struct, frozen=True):
    """A name in an open directory, and what people call it. Nothing outside that directory is ever touched through it."""

    directory: int  # open descriptor; the name is resolved relative to it, whatever happens to its path
    name: str
    place: str  # for messages


@contextmanager
def translating_os_errors(place: str, step: str) -> Iterator[None]:
    """Turn an OSError of the step into a SinkError that names both and has a hint.

    Args:
        place: what people call the file.
        step: an infinitive, after "could not".
    """
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "correct that")
        raise SinkError(f"{place}: could not {step}: {error.strerror}", hint=f"{hint}, then apply again") from error


def replace_file(target: FileTarget, content: memoryview) -> None:
    """Give the file that content, mode 0600 from its first byte, and make it last through a power cut. Raises SinkError.

    The content is a view because the locals of a traceback show a view's address and not its bytes.

    Args:
        target: the file; an existing one is replaced, also when it is open elsewhere.
        content: written whole; short writes are continued.
    """
    with _temporary(target) as (temporary, descriptor):
        _write_all(target, descriptor, content)
        with translating_os_errors(target.place, "put the new file in place"):
            os.rename(temporary, target.name, src_dir_fd=target.directory, dst_dir_fd=target.directory)
    _flush_directory(target)


def append_to_file(target: FileTarget, content: bytes, limit: int) -> None:
    """Add that content to the end of an existing file, and make it last through a power cut. Raises SinkError.

    Whoever reads has to know a last line that was cut off, by a kill or a full disk. What was added before a failure is taken away
    again when the system allows it.

    Args:
        target: the file; it is regular, this user's, and not larger than `limit` bytes.
    """
    with translating_os_errors(target.place, "open the file to add to it"):
        descriptor = os.open(target.name, _APPEND, dir_fd=target.directory)
    try:
        status = os.fstat(descriptor)
        _check_file(target, status, limit)
        with translating_os_errors(target.place, "add to the file"):
            try:
                _write_bytes(descriptor, memoryview(content))
                os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, status.st_size)
                raise
    finally:
        _close(descriptor)


def check_replaceable(target: FileTarget) -> None:
    """Do every step of `replace_file` except the rename, with 4096 zero bytes, and leave nothing behind. Raises SinkError.

    This finds a full or read-only disk, a quota, and missing rights before OCI has created a value that could not be stored.

    Every step and not a permission check alone: a full disk or a quota shows only when bytes
    are written.
    """
    with _temporary(target) as (temporary, descriptor):
        _write_all(target, descriptor, memoryview(bytes(4096)))
        with translating_os_errors(target.place, "remove the temporary file"):
            os.unlink(temporary, dir_fd=target.directory)
    _flush_directory(target)


def remove_file(target: FileTarget) -> None:
    """Remove the file, lastingly. Raises SinkError.

    A missing file is no error.
    """
    with translating_os_errors(target.place, "remove the file"), suppress(FileNotFoundError):
        os.unlink(target.name, dir_fd=target.directory)
    _flush_directory(target)


def read_file(target: FileTarget, limit: int = LIMIT) -> memoryview | None:
    """The bytes of the file; None when there is none. Raises SinkError unless it is a regular file of this user's of `limit` bytes.

    Returns:
        A view, so that no bytes object with values stays in the frames of a traceback.
    """
    with translating_os_errors(target.place, "look at the file"):
        try:
            # opening a device can have effects, so the kind is looked at before as well as after
            _check_file(target, os.stat(target.name, dir_fd=target.directory, follow_symlinks=False), limit)
            descriptor = os.open(target.name, _READ, dir_fd=target.directory)
        except FileNotFoundError:
            return None
    try:
        with translating_os_errors(target.place, "read the file"):
            status = os.fstat(descriptor)
            _check_file(target, status, limit)
            return _read_all(descriptor, status.st_size)
    finally:
        _close(descriptor)


def remove_temporary_files(target: FileTarget) -> tuple[str, ...]:
    """Remove the temporary files that killed writes of this file left; returns their names. Raises SinkError.

    A temporary file of a write under way is locked by its process, so it is not removed.

    Names of other files' temporary files do not match: the prefix has a digest of this
    file's name.
    """
    with translating_os_errors(target.place, "look for temporary files"), os.scandir(target.directory) as entries:
        prefix = _prefix(target)
        names = sorted(entry.name for entry in entries if entry.name.startswith(prefix))
        names = [name for name in names if re.fullmatch("[0-9a-f]{16}", name.removeprefix(prefix))]
    return tuple(name for name in names if _remove_temporary_file(target, name))


@contextmanager
def _temporary(target: FileTarget) -> Iterator[tuple[str, int]]:
    """A new private file in the same directory, locked while this process runs. Gone at the end unless it was renamed."""
    name, descriptor = _create(target)
    try:
        yield name, descriptor
    except BaseException:
        with suppress(OSError):
            os.unlink(name, dir_fd=target.directory)
        raise
    finally:
        _close(descriptor)


def _create(target: FileTarget) -> tuple[str, int]:
    """A new temporary file under a name that no other process uses, with its locked descriptor."""
    while True:
        name = _prefix(target) + secrets.token_hex(8)
        try:
            descriptor = _open_private(target, name)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=target.directory)
            raise
        if descriptor is not None:
            return name, descriptor


def _open_private(target: FileTarget, name: str) -> int | None:
    """A new file, locked; None when another process removed it as a leftover between creation and lock."""
    with translating_os_errors(target.place, "create a temporary file"):
        descriptor = os.open(name, _CREATE, 0o600, dir_fd=target.directory)
    try:
        with translating_os_errors(target.place, "make the temporary file private"):
            os.fchmod(descriptor, 0o600)  # a umask may have taken more away
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # no link left: `remove_temporary_files` of another process was faster than our lock; try another name
            if os.fstat(descriptor).st_nlink:
                return descriptor
    except BaseException:
        _close(descriptor)
        raise
    _close(descriptor)
    return None


def _write_all(target: FileTarget, descriptor: int, content: memoryview) -> None:
    with translating_os_errors(target.place, "write the temporary file"):
        _write_bytes(descriptor, content)
    with translating_os_errors(target.place, "flush the temporary file"):
        os.fsync(descriptor)


def _write_bytes(descriptor: int, content: memoryview) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _flush_directory(target: FileTarget) -> None:
    """fsync the directory, so that the rename is on the disk."""
    # without this a power failure can undo the rename although the content was flushed
    with translating_os_errors(target.place, "flush the directory"):
        os.fsync(target.directory)


def _check_file(target: FileTarget, status: os.stat_result, limit: int) -> None:
    """Raises SinkError unless it is a regular file of this user within the limit. What others own may be a trap."""
    if not stat.S_ISREG(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
        raise SinkError(f"{target.place} is {kind}", hint="remove it, or deliver to another place")
    if status.st_uid != os.geteuid():
        raise SinkError(f"{target.place} belongs to another user", hint="run as its owner, or deliver to another place")
    if status.st_size > limit:
        raise SinkError(
            f"{target.place} was not written by genai-iac", hint="move it away, or deliver to another place"
        )


def _read_all(descriptor: int, size: int) -> memoryview:
    """Read into one buffer without intermediate bytes objects."""
    buffer, end = memoryview(bytearray(size)), 0
    while count := os.readv(descriptor, [buffer[end:]]):
        end += count
    return buffer[:end]


def _prefix(target: FileTarget) -> str:
    """How temporary names of this file begin; they start with a dot, so that most tools skip them."""
    return f".genai-iac-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]}-"


def _remove_temporary_file(target: FileTarget, name: str) -> bool:
    """Remove one leftover; False when it is in use, gone, or not ours.

    The lock distinguishes a killed process from a running one.
    """
    with translating_os_errors(target.place, f"remove the temporary file {name}"):
        try:
            status = os.stat(name, dir_fd=target.directory, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                return False
            descriptor = os.open(name, _READ, dir_fd=target.directory)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=target.directory)
        except (BlockingIOError, FileNotFoundError):
            return False
        finally:
            _close(descriptor)
    return True


def _close(descriptor: int) -> None:
    with suppress(OSError):  # what was written is flushed by now, so nothing can be lost here
        os.close(descriptor)
