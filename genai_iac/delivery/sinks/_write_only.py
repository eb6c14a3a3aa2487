"""What write-only sinks have in common: this machine's journal says what was delivered from here and what may have been lost."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set

from msgspec.structs import replace

from genai_iac.core import Address, Delivery, Record, Role, SinkContents
from genai_iac.delivery.sinks._base import Context, Sink
from genai_iac.delivery.sinks._journal import read_log, update_log
from genai_iac.delivery.sinks._journal_entries import DeliveryNotes, LogEntry


class WriteOnlySink(Sink):
    """A sink whose values cannot be read back. What the journal does not mention counts as delivered, by another machine."""

    readable = False
    roles: frozenset[Role] = frozenset({"current"})
    _context: Context

    @property
    @abstractmethod
    def identity(self) -> Sequence[str]:
        """What distinguishes this place from others, beside the key."""

    def announce(self, secrets: tuple[str, ...]) -> None:
        moments = dict.fromkeys(secrets, self._context.now()) if self._context.now else {}
        self._note(
            lambda note: replace(
                note, announced=tuple(sorted({*note.announced, *secrets})), moments={**note.moments, **moments}
            )
        )

    def withdraw(self, secrets: frozenset[str]) -> None:
        self._note(lambda note: replace(note, announced=_without(note, secrets)))

    def settle(self, record: Record) -> None:
        self._note(lambda note: replace(note, records=(record,), announced=_without(note, {record.secret})))

    def rename(self, delivery: Delivery) -> None:
        del delivery  # the place keeps what it was given; only this machine's note of it is moved
        if self._find(read_log(self._context.notes)) is not None:
            self._note(lambda note: note)

    def _noted(self, shown: str | None = None) -> SinkContents:
        notes = read_log(self._context.notes)
        found = self._find(notes)
        if found is None and shown is None:
            return self._passed_over(notes)
        return noted_holding(notes[found] if found is not None else self._blank(), shown)

    def _find(self, notes: Mapping[str, LogEntry]) -> str | None:
        """Where its note is: under its address, or under a previous one of the same key."""
        keys = [self._key_of(address) for address in (self._context.address, *self._context.previous)]
        found = [key for key in keys if key in notes]
        own = [key for key in found if notes[key].id == self._context.id]
        return next(iter(own or found), None)

    def _passed_over(self, notes: DeliveryNotes) -> SinkContents:
        """A place that the notes do not mention, because its entry is new or its command was corrected, did not get what
        this machine brought to the key's other places, nor what was lost on the way to them."""
        blank = self._blank()
        addresses = dict.fromkeys((self._context.address, *self._context.previous))
        mine = [note for address in addresses for note in notes.about((blank.owner, str(address)), None)]
        others = [note for note in mine if note.id in ("", blank.id)]
        return SinkContents(
            self._context.address,
            blank.id,
            (),
            whole=False,
            lost=tuple(name for note in others for name in note.announced),
            announced={name: moment for note in others for name, moment in note.moments.items()},
            elsewhere=frozenset((record.secret, record.mask) for note in others for record in note.records),
        )

    def _note(self, change: Callable[[LogEntry], LogEntry]) -> None:
        address = self._context.address

        def changed(note: LogEntry | None) -> LogEntry:
            return change(replace(note, address=str(address)) if note else self._blank())

        update_log(self._context.notes, self._key_of(address), changed, self._find)

    def _blank(self) -> LogEntry:
        return LogEntry(self.place, str(self._context.address), self._context.owner, self._context.id or "")

    def _key_of(self, address: Address) -> str:
        parts = [self._context.owner, str(address), *self.identity]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def noted_holding(note: LogEntry, shown: str | None = None) -> SinkContents:
    """What this machine delivered, as far as a text that the check printed bears it out. What another machine did is not known here."""
    records = tuple(record for record in note.records if shown is None or record.mask in shown)
    return SinkContents(
        Address.parse(note.address),
        note.id,
        records,
        note.base_url,
        whole=False,
        lost=note.announced,
        announced=note.moments,
    )


def delivered_entry(note: LogEntry, delivery: Delivery, records: tuple[Record, ...]) -> LogEntry:
    waiting = _without(note, {record.secret for record in records})
    return replace(note, id=delivery.id, base_url=delivery.base_url, records=records, announced=waiting)


def _without(note: LogEntry, arrived: Set[str]) -> tuple[str, ...]:
    return tuple(secret for secret in note.announced if secret not in arrived)
