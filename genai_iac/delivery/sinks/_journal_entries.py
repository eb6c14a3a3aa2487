"""The entries of the journal of deliveries, as text: written as format 3, read as every format before.

The first line is `{"format": 3}`; each other line is one change, `{"key": KEY, "note": {...}}`, and the last one of a key counts.
`was` in a line names the key under which the note was before. Formats 1 and 2 were one object, written whole for each change: with a
thousand keys that were three thousand times a thousand notes. A last line without its end belongs to a write that was cut off, and
is passed over. docs/formats.md has the fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import Struct, field

from genai_iac.core import Record
from genai_iac.delivery.sinks._contents import record_as_data, record_from_data

FORMAT = 3  # of the file; format 1 had no times of announcement, and format 2 was one object too


class LogEntry(Struct, frozen=True):
    """One place for one key: what was delivered, and what was about to be created for it and never confirmed."""

    place: str  # for people who read the file
    address: str  # of the key, as text
    owner: str
    id: str  # the key's OCID; empty when it was never learned
    base_url: str = ""
    records: tuple[Record, ...] = ()  # what the last delivery left there
    announced: tuple[str, ...] = ()  # secrets whose delivery was never confirmed
    moments: Mapping[str, datetime] = field(default_factory=dict)  # when each was announced, by the tenancy's clock
    brought: tuple[tuple[str, str], ...] = ()  # names and masks that ever arrived there from here, the newest last
    entry: Mapping[str, Any] = field(default_factory=dict)  # the entry of deliverTo; none for exec sinks
    root: str = ""  # the manifests' directory that a file's path starts from
    seen: str = ""  # what a write-only place showed after the delivery, to notice another writer


class DeliveryNotes(dict[str, LogEntry]):
    """The journal's notes by key, by the API key that they are about and by place: each key of a plan asks for its own, and another
    thread may be putting one here meanwhile."""

    def __init__(self, notes: Mapping[str, LogEntry] | None = None) -> None:
        super().__init__()
        self._about: dict[tuple[str, ...] | str, dict[str, LogEntry]] = {}
        for key, note in (notes or {}).items():
            self.put(key, note)

    def put(self, key: str, note: LogEntry, was: str | None = None) -> None:
        """Put a note in the place of the one under that key, and of the one under `was`."""
        for old in (key, was):
            if old is not None and old in self:
                for about in _subjects(self.pop(old)):
                    self._about[about].pop(old, None)
        self[key] = note
        for about in _subjects(note):
            self._about.setdefault(about, {})[key] = note

    def about(self, whose: tuple[str, str], id: str | None) -> list[LogEntry]:
        """The notes of that owner and address, or of that OCID, in the order of their keys."""
        found = self._about.get(whose, {}) | (self._about.get(id, {}) if id else {})
        return [found[key] for key in sorted(found)]

    def at(self, place: str) -> list[LogEntry]:
        """The notes of that place, for whatever key, the oldest first."""
        return [*self._about.get((place,), {}).values()]


def _subjects(note: LogEntry) -> tuple[tuple[str, ...] | str, ...]:
    return (note.owner, note.address), note.id, (note.place,)


class ParsedJournal(NamedTuple):
    """The notes of a journal, how many lines of changes it has, and whether a line may follow them."""

    notes: DeliveryNotes
    lines: int
    continues: bool


def parse_journal(content: bytes) -> ParsedJournal | int | None:
    """What a journal says; the number of a later format; None when it is no journal.

    Args:
        content: bytes of the file; a byte order mark is accepted.
    """
    try:
        text = content.decode("utf-8-sig")
        head, _, rest = text.partition("\n")
        form = _format_of_lines(head)
        if form == FORMAT:
            return _parse_lines(rest)
        data: Any = json.loads(text) if form is None else {"format": form}
        if data["format"] in range(1, FORMAT):
            notes = DeliveryNotes({str(key): _note(note) for key, note in data["deliveries"].items()})
            return ParsedJournal(notes, len(notes), continues=False)
        if isinstance(data["format"], int) and data["format"] > FORMAT:
            return int(data["format"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None


def _format_of_lines(head: str) -> int | None:
    """The format that a first line of its own names; None for a journal that is one object."""
    try:
        data = json.loads(head)
    except ValueError:
        return None
    return data["format"] if isinstance(data, dict) and data.keys() == {"format"} else None


def _parse_lines(text: str) -> ParsedJournal:
    *lines, last = text.split("\n")
    notes = DeliveryNotes()
    for line in lines:
        data = json.loads(line)
        notes.put(str(data["key"]), _note(data["note"]), data.get("was"))
    return ParsedJournal(notes, len(lines), continues=not last)


def _note(data: Mapping[str, Any]) -> LogEntry:
    texts = {name: str(data[name]) for name in ("place", "address", "owner", "id", "base_url")}
    announced = [_announced(one) for one in data["announced"]]
    return LogEntry(
        **texts,
        records=tuple(record_from_data(record) for record in data["records"]),
        announced=tuple(name for name, _ in announced),
        moments={name: moment for name, moment in announced if moment is not None},
        brought=tuple((str(name), str(mask)) for name, mask in data.get("brought") or ()),
        entry=dict(data.get("entry") or {}),
        root=str(data.get("root") or ""),
        seen=str(data.get("seen") or ""),
    )


def _announced(data: Any) -> tuple[str, datetime | None]:
    if isinstance(data, str):  # format 1 had no moments
        return data, None
    moment = datetime.fromisoformat(data["at"]) if data.get("at") else None
    return str(data["secret"]), moment if moment is None or moment.tzinfo else None


def render_change(key: str, note: LogEntry, was: str | None = None) -> str:
    data = {"key": key, "note": _data(note), **({"was": was} if was not in (None, key) else {})}
    return f"{json.dumps(data)}\n"


def render_journal(notes: Mapping[str, LogEntry]) -> str:
    """The whole journal, a line for each note, sorted."""
    return "".join((f'{{"format": {FORMAT}}}\n', *(render_change(key, notes[key]) for key in sorted(notes))))


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
