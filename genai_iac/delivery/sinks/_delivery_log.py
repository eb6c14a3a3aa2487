"""What this machine delivered to the places of one key that can be looked into: to tell a value that was taken away here from one
that another machine holds, and to know a place that no manifest declares any more.

The file is `.genai-iac/deliveries.json`. It has names and masks, never values. Losing
it makes later plans more careful: what they cannot know counts as delivered, so less is
renewed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from genai_iac.core import Address, Delivery, LiveSecret, Record
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._atomic_file import (
    FileTarget,
    read_file,
    remove_temporary_files,
    replace_file,
    translating_os_errors,
)
from genai_iac.delivery.sinks._base import Context, Sink
from genai_iac.delivery.sinks._contents import record_as_data
from genai_iac.delivery.sinks._journal_reader import FORMAT, DeliveryNotes, LogEntry, parse_journal
from genai_iac.filesystem import check_folder, open_folder

_NAME = "deliveries.json"  # below the directory .genai-iac
_LOCK = "deliveries.lock"  # a file of its own: the log itself is replaced, and a lock on it would be on the old one
_PARSED: dict[str, _ParsedLog] = {}  # by path: the log as it was read or written last
_LIMIT = 16 * 1024 * 1024  # bytes; a note is about five hundred


@dataclass(frozen=True, slots=True)
class _ParsedLog:
    """The log as it was read or written last: each change of a large apply would read and write it whole otherwise."""

    content: bytes | None  # None: there is no file
    entries: DeliveryNotes
    lines: Mapping[str, str]  # how entries are written, of those that were written here
    signature: tuple[int, ...] | None = None  # of the file that was read; None: nobody asked for it since


def read_log(notes: Path) -> DeliveryNotes:
    """What was noted, by key; read again only when the file is another. Raises SinkError when the journal cannot be read.

    Args:
        notes: the directory `.genai-iac`; a missing one is an empty log.
    """
    if not notes.is_dir():
        return DeliveryNotes({})
    with _opened(notes) as target:
        signature = _signature(target)
        known = _PARSED.get(target.place)
        if known is None or known.signature != signature:
            # every key of a plan asks, and the journal of a thousand keys takes a while to read
            known = _PARSED[target.place] = replace(_read(target), signature=signature)
        return known.entries


def update_log(
    notes: Path,
    key: str,
    change: Callable[[LogEntry | None], LogEntry],
    find: Callable[[Mapping[str, LogEntry]], str | None],
) -> None:
    """Put a new note in the place of the old one, which lies where `find` tells; other processes wait meanwhile.

    Raises SinkError.

    Args:
        key: under which the new entry is stored.
        change: the new entry from the old one, None when there is none.
        find: the key of the old entry, which may be under a former address.
    """
    with translating_os_errors(str(notes), "make the directory for notes"):
        check_folder(notes, make=True, private=True)
    with _opened(notes) as target, _locked(target):
        # Under the lock, so a leftover can only be of a killed process.
        remove_temporary_files(target)
        before = _read(target)
        entries, lines = DeliveryNotes(before.entries), dict(before.lines)
        found = find(entries)
        if found is not None:
            lines.pop(found, None)
        entries[key] = change(entries.pop(found) if found is not None else None)
        content = _render(entries, lines).encode()
        replace_file(target, memoryview(content))
        _PARSED[target.place] = _ParsedLog(content, entries, lines)


def _signature(target: FileTarget) -> tuple[int, ...]:
    """What changes whenever the journal does: it is never written in place."""
    try:
        status = os.stat(target.name, dir_fd=target.directory, follow_symlinks=False)
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)


@contextmanager
def _opened(notes: Path) -> Iterator[FileTarget]:
    """The log's name in its open directory; a link in its path is refused."""
    with ExitStack() as stack:
        with translating_os_errors(str(notes), "open the directory for notes"):
            directory = stack.enter_context(open_folder(notes))
        yield FileTarget(directory, _NAME, str(notes / _NAME))


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


def _read(target: FileTarget) -> _ParsedLog:
    """Read and parse the log; the same bytes once. Raises SinkError for a file of another form or of a newer version."""
    view = read_file(target, _LIMIT)
    content = None if view is None else bytes(view)
    known = _PARSED.get(target.place)
    if known is not None and known.content == content:
        return known
    found = {} if content is None else parse_journal(content)
    if found is None:
        raise SinkError(
            f"{target.place} is not a journal that genai-iac wrote",
            hint="move it away: what cannot be looked into from here then counts as delivered",
        )
    if isinstance(found, int):
        raise SinkError(
            f"{target.place} was written by a newer genai-iac (format {found}; this one reads up to {FORMAT})",
            hint="use that version, or a later one",
        )
    parsed = _PARSED[target.place] = _ParsedLog(content, DeliveryNotes(found), {})
    return parsed


def _render(entries: Mapping[str, LogEntry], lines: dict[str, str]) -> str:
    """One entry per line, sorted, so that people can read a diff of it; `lines` are those known already, and all afterwards."""
    for key in entries.keys() - lines.keys():
        lines[key] = f"{json.dumps(key)}: {json.dumps(_data(entries[key]))}"
    notes = ",\n".join(lines[key] for key in sorted(entries))
    return f'{{"format": {FORMAT}, "deliveries": {{\n{notes}\n}}}}\n'


def _data(note: LogEntry) -> dict[str, Any]:
    return {
        "place": note.place,
        "address": note.address,
        "owner": note.owner,
        "id": note.id,
        "base_url": note.base_url,
        "records": [record_as_data(record) for record in note.records],
        "announced": [
            {"secret": name, "at": note.moments[name].astimezone(UTC).isoformat() if name in note.moments else None}
            for name in note.announced
        ],
        **({"brought": [list(pair) for pair in note.brought]} if note.brought else {}),
        **({"entry": note.entry, "root": note.root} if note.entry else {}),
        **({"seen": note.seen} if note.seen else {}),
    }


_REMEMBERED = 32  # values a place; a rotation brings one in weeks
# The announcement is written before the call, by the tenancy's clock; an apply with many changes may take an hour.
_EARLY, _LATE = (
    timedelta(minutes=2),
    timedelta(hours=1),
)  # creation or renewal follows its announcement within this time


@dataclass(frozen=True, slots=True)
class Memory:
    """What this machine knows of one key's deliveries.

    Decides between "lost" (this machine had it) and "elsewhere" (another machine may have
    it).
    """

    brought: frozenset[tuple[str, str]]  # names and masks
    announced: Mapping[str, datetime | None]  # perhaps created by this machine, and never confirmed

    def knows(self, secret: LiveSecret) -> bool:
        """Whether that very value was made or delivered from here, so that where it is not, it is lost."""
        if (secret.name, secret.mask) in self.brought:
            return True
        return secret.name in self.announced and is_of_announcement(secret, self.announced[secret.name])


def is_of_announcement(secret: LiveSecret, at: datetime | None) -> bool:
    """Whether a value may be the one announced at that moment; another run's is older or much later.

    Args:
        at: time of the announcement; None in old logs, which then counts as fitting.
    """
    return at is None or secret.created is None or at - _EARLY <= secret.created <= at + _LATE


@dataclass(frozen=True)
class DeliveryLog:
    """The notes of one key. Every file is distinguished by the directory that its path starts from.

    Args:
        context: owner, address, OCID and directories of the key.
    """

    context: Context

    def memory(self) -> Memory:
        """Raises SinkError when the journal cannot be read."""
        notes = list(self._own())
        return Memory(
            frozenset(pair for note in notes for pair in (*note.brought, *_pairs(note.records))),
            {name: note.moments.get(name) for note in notes if note.entry for name in note.announced},
        )

    def announce(self, entry: Mapping[str, Any], sink: Sink, secrets: Iterable[str], now: datetime | None) -> None:
        """Log that values of these secrets are about to be created for that sink. Raises SinkError.

        Args:
            entry: of `deliverTo`.
            now: the tenancy's time; None when there is no tenancy.
        """
        names = tuple(secrets)
        moments = {} if now is None else dict.fromkeys(names, now)
        self._change(
            entry,
            sink,
            lambda note: replace(
                note, announced=tuple(sorted({*note.announced, *names})), moments={**note.moments, **moments}
            ),
        )

    def withdraw(self, entry: Mapping[str, Any], sink: Sink, secrets: Set[str]) -> None:
        """The service refused to make these values: nothing is on its way. Raises SinkError."""
        self._change(entry, sink, lambda note: _without(note, secrets))

    def delivered(self, entry: Mapping[str, Any], sink: Sink, delivery: Delivery) -> None:
        """LogEntry what a write left there. Raises SinkError.

        Confirms announcements of the same secrets.
        """
        records = tuple(item.record for item in delivery.items if item.record.role in sink.roles)
        self._change(
            entry,
            sink,
            lambda note: replace(
                _without(note, {record.secret for record in records}),
                id=delivery.id,
                base_url=delivery.base_url,
                records=records,
                brought=_remember(note, records),
            ),
        )

    def rename(self, entry: Mapping[str, Any], sink: Sink) -> None:
        """Bring the note of that entry from an address that the key had before to its present one. Raises SinkError."""
        known = read_log(self.context.notes)
        if any(self._key(address, entry) in known for address in self.context.previous):
            self._change(entry, sink, lambda note: note)

    def former(self, declared: Iterable[Mapping[str, Any]], id: str) -> Iterator[Mapping[str, Any]]:
        """The entries that this machine delivered to for that key and that are not declared any more. Raises SinkError.

        Args:
            declared: the entries of the manifest now.
            id: OCID of the key; entries of another key at the same address do not count.
        """
        now = {_place_of(entry) for entry in declared}
        for note in self._own():
            if note.entry and note.records and note.id == id and _place_of(note.entry) not in now:
                yield note.entry

    def _own(self) -> Iterator[LogEntry]:
        """The notes of this key whose files, if they are files, lie below this directory."""
        whose = (self.context.owner, str(self.context.address))
        root, journal = self._root, read_log(self.context.notes)
        for note in journal.about(whose, self.context.id):
            # Two checkouts that share a log have different files under the same relative path
            # (tests/sinks/test_delivery_log.py, test_two_checkouts_that_share_a_journal_have_files_of_their_own).
            if "file" not in note.entry or note.root == root:
                yield note

    def _change(self, entry: Mapping[str, Any], sink: Sink, change: Callable[[LogEntry], LogEntry]) -> None:
        context = self.context
        blank = LogEntry(
            sink.place, str(context.address), context.owner, context.id or "", entry=entry, root=self._root
        )
        # The entry may still be under a former address; it moves to the present one with this change.
        keys = [self._key(address, entry) for address in (context.address, *context.previous)]

        def changed(note: LogEntry | None) -> LogEntry:
            return replace(change(replace(note, address=blank.address) if note else blank), entry=entry)

        def find(journal: Mapping[str, LogEntry]) -> str | None:
            return next((key for key in keys if key in journal), None)

        update_log(context.notes, keys[0], changed, find)

    def _key(self, address: Address, entry: Mapping[str, Any]) -> str:
        """32 hex digits from owner, address, directory and sink; stable across versions of this tool."""
        parts = [self.context.owner, str(address), self._root, _place_of(entry)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    @property
    def _root(self) -> str:
        return str(self.context.root.resolve())


def _pairs(records: Iterable[Record]) -> tuple[tuple[str, str], ...]:
    return tuple((record.secret, record.mask) for record in records)


def _remember(note: LogEntry, records: tuple[Record, ...]) -> tuple[tuple[str, str], ...]:
    """What arrived stays known after it left the place: a value that is not there any more is lost, not elsewhere.

    At most 32 pairs are kept, the newest last.
    """
    known = dict.fromkeys((*note.brought, *_pairs(note.records)))
    for pair in _pairs(records):
        known.pop(pair, None)
    return (*known, *_pairs(records))[-_REMEMBERED:]


def _without(note: LogEntry, arrived: Set[str]) -> LogEntry:
    """The entry without these announcements."""
    return replace(
        note,
        announced=tuple(name for name in note.announced if name not in arrived),
        moments={name: moment for name, moment in note.moments.items() if name not in arrived},
    )


def _place_of(entry: Mapping[str, Any]) -> str:
    """What tells one place from another: not its format, not its names."""
    return json.dumps(
        {
            word: {
                name: value for name, value in settings.items() if name not in ("format", "env", "key", "compartment")
            }
            for word, settings in entry.items()
        },
        sort_keys=True,
    )
