"""The entries of the journal of deliveries; it is read as this version writes it, and as those before did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from genai_iac.core import Record
from genai_iac.delivery.sinks._contents import record_from_data

FORMAT = 2  # of the file; format 1 had no times of announcement


@dataclass(frozen=True, slots=True)
class LogEntry:
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
    seen: str = ""  # what a write-only place told of itself after the delivery, to notice another hand


class DeliveryNotes(dict[str, LogEntry]):
    """The journal's notes by key, and by the API key that they are about: each key of a plan asks for its own."""

    @cached_property
    def _about(self) -> Mapping[tuple[str, str] | str, dict[int, LogEntry]]:
        found: dict[tuple[str, str] | str, dict[int, LogEntry]] = {}
        for position, note in enumerate(self.values()):
            for about in ((note.owner, note.address), note.id):
                found.setdefault(about, {})[position] = note
        return found

    def about(self, whose: tuple[str, str], id: str | None) -> list[LogEntry]:
        """The notes of that owner and address, or of that OCID, in the journal's order."""
        found = self._about.get(whose, {}) | (self._about.get(id, {}) if id else {})
        return [found[position] for position in sorted(found)]


def parse_journal(content: bytes) -> Mapping[str, LogEntry] | int | None:
    """The notes by key; the number of a later format; None when it is no journal.

    Args:
        content: bytes of the file; a byte order mark is accepted.
    """
    try:
        data = json.loads(content.decode("utf-8-sig"))
        if data["format"] in range(1, FORMAT + 1):
            return {str(key): _note(note) for key, note in data["deliveries"].items()}
        if isinstance(data["format"], int) and data["format"] > FORMAT:
            return int(data["format"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None


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
