"""What this machine delivered to the readable places of one key.

So a value that was taken away here is distinguished from one that another machine holds, and a place is known that no manifest declares
any more.

It is in the journal of deliveries (`_journal.py`), which has names and masks, never values. Losing it makes later plans more careful:
what they cannot know counts as delivered, so less is renewed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import Address, Delivery, LiveSecret, Record
from genai_iac.delivery.sinks._base import Context, Sink
from genai_iac.delivery.sinks._journal import read_log, update_log
from genai_iac.delivery.sinks._journal_entries import LogEntry

_REMEMBERED = 32  # values a place; a rotation brings one in weeks
# The announcement is written before the call, by the tenancy's clock; an apply with many changes may take an hour.
_EARLY, _LATE = (
    timedelta(minutes=2),
    timedelta(hours=1),
)  # creation or renewal follows its announcement within this time


class Memory(Struct, frozen=True):
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


class DeliveryLog(Struct, frozen=True, dict=True):
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
        delivered = [note.entry for note in self._own() if note.entry and note.records and note.id == id]
        now = {_place_of(entry) for entry in declared} if delivered else set()
        yield from (entry for entry in delivered if _place_of(entry) not in now)

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

    @cached_property
    def _root(self) -> str:
        return self.context.real_root or str(self.context.root.resolve())


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
    """What distinguishes one place from another: not its format, not its names."""
    return json.dumps(
        {
            word: {
                name: value for name, value in settings.items() if name not in ("format", "env", "key", "compartment")
            }
            for word, settings in entry.items()
        },
        sort_keys=True,
    )
