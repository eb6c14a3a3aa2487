"""The journal of deliveries as a file, `.genai-iac/deliveries.json`: what this machine was about to deliver, and what arrived.

A change adds a line. The file is written whole by the first change after another format, after a line that was cut off, and when
most of its lines are outdated, so an apply of many keys writes in proportion to their number.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._atomic_file import (
    FileTarget,
    append_to_file,
    read_file,
    remove_temporary_files,
    replace_file,
    translating_os_errors,
)
from genai_iac.delivery.sinks._journal_entries import (
    FORMAT,
    DeliveryNotes,
    LogEntry,
    ParsedJournal,
    parse_journal,
    render_change,
    render_journal,
)
from genai_iac.filesystem import open_folder

_NAME = "deliveries.json"  # below the directory .genai-iac
_LOCK = "deliveries.lock"  # a file of its own: the journal itself is replaced at times, and a lock on it would be on the old one
_LIMIT = 64 * 1024 * 1024  # bytes; a note is about five hundred
_SPARE = 100  # outdated lines that are never worth writing the file whole for


class _State(Struct):
    """The journal as it was read or written last, and which file that was."""

    journal: ParsedJournal
    signature: tuple[int, ...]  # empty: there is no file
    tidy: bool = False  # what killed writes left beside it was looked for
    changing: bool = (
        False  # a change of this process is being written: other processes wait, so the notes here are right
    )

    @property
    def appends(self) -> bool:
        """Whether a change is written as one more line: others may not read the file, and most lines still count."""
        outdated = self.journal.lines - len(self.journal.notes)
        private = bool(self.signature) and not self.signature[-1] & 0o077
        return private and self.journal.continues and outdated < len(self.journal.notes) + _SPARE


_KNOWN: dict[str, _State] = {}  # by path: each key of a plan asks, and each change of an apply
_ONE_AT_A_TIME = threading.RLock()  # the threads of an apply; the lock file is for other processes


def read_log(notes: Path) -> DeliveryNotes:
    """What was noted, by key; read again only when the file is another. Raises SinkError when the journal cannot be read.

    Args:
        notes: the directory `.genai-iac`; a missing one is an empty journal.
    """
    path = f"{notes}{os.sep}{_NAME}"
    known = _KNOWN.get(path)
    # the very file that was opened without following links before: each key asks several times, and waits for no other's change
    if known is not None and (known.changing or (known.signature and known.signature == _signature(path))):
        return known.journal.notes
    with _ONE_AT_A_TIME:
        if not notes.is_dir():
            return DeliveryNotes()
        with _opened(notes) as target:
            return _current(target).journal.notes


def update_log(
    notes: Path,
    key: str,
    change: Callable[[LogEntry | None], LogEntry],
    find: Callable[[Mapping[str, LogEntry]], str | None],
) -> None:
    """Put a new note in the place of the old one, which is where `find` says; other processes wait meanwhile.

    Raises SinkError.

    Args:
        key: under which the new entry is stored.
        change: the new entry from the old one, None when there is none.
        find: the key of the old entry, which may be under a former address.
    """
    with _ONE_AT_A_TIME, _opened(notes, make=True) as target, _locked(target):
        state = _current(target)
        if not state.tidy:  # under the lock, so a leftover can only be of a killed process
            remove_temporary_files(target)
        notes_of_all = state.journal.notes
        was = find(notes_of_all)
        note = change(notes_of_all[was] if was is not None else None)
        appends, state.changing = state.appends, True
        try:
            notes_of_all.put(key, note, was)
            if appends:
                append_to_file(target, render_change(key, note, was).encode(), _LIMIT)
            else:
                replace_file(target, memoryview(render_journal(notes_of_all).encode()))
        except BaseException:
            del _KNOWN[target.place]  # the file shows how far it came
            raise
        lines = state.journal.lines + 1 if appends else len(notes_of_all)
        _KNOWN[target.place] = _State(
            ParsedJournal(notes_of_all, lines, continues=True), _signature(target.name, target.directory), tidy=True
        )


def _current(target: FileTarget) -> _State:
    """The journal as the file is now. Raises SinkError for a file of another form or of a newer version."""
    # before the content: a change in between shows at the next look
    signature = _signature(target.name, target.directory)
    known = _KNOWN.get(target.place)
    if known is None or known.signature != signature:
        known = _KNOWN[target.place] = _State(_read(target), signature)
    return known


def _signature(name: str | Path, directory: int | None = None) -> tuple[int, ...]:
    """What differs after every change: the size where a line was added, the number of the file where it was replaced."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)


def _read(target: FileTarget) -> ParsedJournal:
    view = read_file(target, _LIMIT)
    found = ParsedJournal(DeliveryNotes(), 0, continues=False) if view is None else parse_journal(bytes(view))
    if found is None:
        raise SinkError(
            f"{target.place} is not a journal that genai-iac wrote",
            hint="move it away: what cannot be read from here then counts as delivered",
        )
    if isinstance(found, int):
        raise SinkError(
            f"{target.place} was written by a newer genai-iac (format {found}; this one reads up to {FORMAT})",
            hint="use that version, or a later one",
        )
    return found


@contextmanager
def _opened(notes: Path, *, make: bool = False) -> Iterator[FileTarget]:
    """The log's name in its open directory; a link in its path is refused."""
    with ExitStack() as stack:
        with translating_os_errors(str(notes), f"{'make' if make else 'open'} the directory for notes"):
            directory = stack.enter_context(open_folder(notes, make=make, private=make))
        yield FileTarget(directory, _NAME, f"{notes}{os.sep}{_NAME}")


@contextmanager
def _locked(target: FileTarget) -> Iterator[None]:
    """Hold the lock file while the log is read, changed and written."""
    with translating_os_errors(target.place, f"open {_LOCK} beside it, which may be no link"):
        lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=target.directory)
    try:
        with translating_os_errors(target.place, "wait for other processes"):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
