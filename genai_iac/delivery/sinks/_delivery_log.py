"""What this machine noted of deliveries to write-only sinks: no value, only what was meant and what arrived."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_iac.core import Record
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._atomic_file import (
    FileTarget,
    read_file,
    remove_temporary_files,
    replace_file,
    translating_os_errors,
)
from genai_iac.delivery.sinks._contents import record_as_data, record_from_data

_NAME = "deliveries.json"
_LOCK = "deliveries.lock"
_FORMAT = 1
_LIMIT = 16 * 1024 * 1024  # bytes; a note is about five hundred


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One place for one key: what was delivered, and what was about to be created for it and never confirmed."""

    place: str  # for people who read the file
    address: str
    owner: str
    id: str
    base_url: str = ""
    records: tuple[Record, ...] = ()
    announced: tuple[str, ...] = ()


def read_log(notes: Path) -> Mapping[str, LogEntry]:
    """What was noted, by key. Raises SinkError when the journal cannot be read."""
    if not notes.is_dir():
        return {}
    with _opened(notes) as spot:
        return _read(spot)


def update_log(notes: Path, key: str, change: Callable[[LogEntry | None], LogEntry]) -> None:
    """Put a new note in the place of the old one; other processes wait for their turn. Raises SinkError."""
    with translating_os_errors(str(notes), "make the directory for notes"):
        notes.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _opened(notes) as spot, _turn(spot):
        remove_temporary_files(spot)
        journal = dict(_read(spot))
        journal[key] = change(journal.get(key))
        replace_file(spot, memoryview(_render(journal).encode()))


@contextmanager
def _opened(notes: Path) -> Iterator[FileTarget]:
    with translating_os_errors(str(notes), "open the directory for notes"):
        directory = os.open(notes, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield FileTarget(directory, _NAME, str(notes / _NAME))
    finally:
        os.close(directory)


@contextmanager
def _turn(spot: FileTarget) -> Iterator[None]:
    with translating_os_errors(spot.place, "wait for other processes"):
        lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=spot.directory)
    try:
        with translating_os_errors(spot.place, "wait for other processes"):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read(spot: FileTarget) -> Mapping[str, LogEntry]:
    content = read_file(spot, _LIMIT)
    if content is None:
        return {}
    try:
        data = json.loads(bytes(content))
        if data["format"] == _FORMAT:
            return {key: _note(note) for key, note in data["deliveries"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise SinkError(
        f"{spot.place} is not a journal that genai-iac wrote",
        hint="move it away: what exec sinks hold then counts as delivered",
    )


def _render(journal: Mapping[str, LogEntry]) -> str:
    return (
        json.dumps(
            {"format": _FORMAT, "deliveries": {key: _data(note) for key, note in sorted(journal.items())}}, indent=1
        )
        + "\n"
    )


def _data(note: LogEntry) -> dict[str, Any]:
    return {
        "place": note.place,
        "address": note.address,
        "owner": note.owner,
        "id": note.id,
        "base_url": note.base_url,
        "records": [record_as_data(record) for record in note.records],
        "announced": list(note.announced),
    }


def _note(data: Mapping[str, Any]) -> LogEntry:
    texts = {name: str(data[name]) for name in ("place", "address", "owner", "id", "base_url")}
    records = tuple(record_from_data(record) for record in data["records"])
    return LogEntry(**texts, records=records, announced=tuple(map(str, data["announced"])))
