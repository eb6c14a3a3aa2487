"""Directories on the way to a file, opened one by one so that no link, however fast it is swapped in, can lead a write elsewhere.

`open(path)` resolves links at the moment of the call, so a check before it can be
outrun. Opening each directory relative to its parent with O_NOFOLLOW leaves no such
moment (tests/sinks/test_file_attacks.py,
test_links_swapped_in_while_writing_lead_nothing_outside).
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._atomic_file import translating_os_errors

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC  # O_DIRECTORY: a file in a directory's place is an error at once
_MAKING = threading.Lock()  # a rehearsal takes away the directories it made, under the hands of nobody who writes there


@dataclass(frozen=True, slots=True)
class Opened:
    """The last directory of a walk, as a descriptor, and what the walk had to make on the way: (parent, name), outermost first."""

    directory: int  # open descriptor, valid inside the `with` block only
    made: list[tuple[int, str]] = field(default_factory=list)

    def undo(self) -> None:
        """Remove the directories that were made, as far as they are empty.

        Used after a rehearsal, and when a write fails.
        """
        for parent, name in reversed(self.made):
            with suppress(OSError):
                os.rmdir(name, dir_fd=parent)


@contextmanager
def open_directory(root: Path, parts: Sequence[str], place: str, *, make: bool) -> Iterator[Opened | None]:
    """Walk from the root (whatever it is) through real directories of ours only; None when one is missing and none is to be made.

    Made directories are 0700, and go again when the walk or what follows fails; existing ones are never changed. Raises SinkError for a
    link, another user's directory, or one that others may write to (unless it is sticky). Threads that may create one wait for each other.

    Args:
        root: the manifests' directory, which may itself be reached through links.
        parts: names below it, outermost first.
        place: the sink's name, for messages.
        make: create what is missing.
    """
    with ExitStack() as descriptors:
        if make:
            descriptors.enter_context(_MAKING)
        with translating_os_errors(place, f"open {root}"):
            opened = Opened(os.open(root, _OPEN))
        descriptors.callback(_close, opened.directory)
        try:
            for depth, name in enumerate(parts, start=1):
                shown = "/".join(parts[:depth])
                if make:
                    _make(opened, name, shown, place)
                child = _enter(opened.directory, name, shown, place)
                if child is None:
                    yield None
                    return
                descriptors.callback(_close, child)
                _check_directory(child, shown, place)
                opened = replace(opened, directory=child)
            yield opened
        except BaseException:
            opened.undo()
            raise


def _make(opened: Opened, name: str, shown: str, place: str) -> None:
    """Create the directory if it is missing, remember that, and make it last through a power cut."""
    with translating_os_errors(place, f"make the directory {shown}"), suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=opened.directory)
        opened.made.append((opened.directory, name))
        os.fsync(opened.directory)


def _enter(directory: int, name: str, shown: str, place: str) -> int | None:
    """Open a child directory; None when it is missing. Raises SinkError for a link."""
    with translating_os_errors(place, f"open the directory {shown}"):
        try:
            return os.open(name, _OPEN | os.O_NOFOLLOW, dir_fd=directory)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
    raise SinkError(f"{place}: {shown} is a symbolic link or not a directory", hint="deliver below real directories")


def _check_directory(directory: int, shown: str, place: str) -> None:
    """Raises SinkError for a directory in which another user could replace the file."""
    with translating_os_errors(place, f"look at the directory {shown}"):
        status = os.fstat(directory)
    if status.st_uid not in (os.geteuid(), 0):
        raise SinkError(f"{place}: {shown} belongs to another user", hint=f"run as its owner, or chown {shown}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
        raise SinkError(f"{place}: other users may write to {shown}", hint=f"chmod go-w {shown}")


def _close(descriptor: int) -> None:
    with suppress(OSError):  # nothing was written through it
        os.close(descriptor)
