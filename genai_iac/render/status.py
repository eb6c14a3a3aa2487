"""Formats of `status`: each secret of a stack with its state, expiry, last use, sinks, and the phase of its rotation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from genai_iac.analysis.secret_status import SecretStatus
from genai_iac.render.common.attribute_values import moment, moment_for_people
from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.phrases import NAME_LIMIT, count, elapsed_words
from genai_iac.render.common.sanitize import columns, escape_control, named
from genai_iac.render.common.terminal import Terminal, Tone

_WORD_LIMIT = 40  # characters of a state, a mask, a step's name
_TONES: Mapping[str, Tone] = {"ACTIVE": "add", "EXPIRED": "danger", "REVOKED": "danger"}


def status_text(stack: str, entries: Iterable[SecretStatus], now: datetime, terminal: Terminal | None = None) -> str:
    """One block a key: the step of its rotation, then its secrets, what callers have first. The last line counts them."""
    terminal = terminal or Terminal()
    return terminal.join(_lines(stack, tuple(entries), now, terminal))


def status_json(stack: str, entries: Iterable[SecretStatus], now: datetime) -> str:
    """`{"format_version", "stack", "now", "secrets": [...]}`, indented; see `entry_document` for one secret."""
    secrets = [entry_document(entry, now) for entry in entries]
    return (
        write_json({"format_version": "1.0", "stack": stack, "now": moment(now), "secrets": secrets}, indent=2) + "\n"
    )


def entry_document(entry: SecretStatus, now: datetime) -> dict[str, Any]:
    """One secret as JSON data. Times are RFC 3339 in UTC; `hours_left` is null without an expiry, and once revoked or expired."""
    left = entry.left(now)
    return {
        "address": str(entry.address),
        "id": entry.id,
        "secret": entry.secret,
        "state": entry.state,
        "mask": entry.mask,
        "role": entry.role or None,
        "expires": moment(entry.expires) if entry.expires else None,
        "hours_left": None if left is None else round(left.total_seconds() / 3600, 2),
        "last_used": moment(entry.last_used) if entry.last_used else None,
        "sinks": list(entry.sinks),
        "rotation": entry.step or None,
        "project": entry.project or None,
    }


def life_words(entry: SecretStatus, now: datetime) -> str:
    """`expires in 12 days`, `expired 5 hours ago`, `never expires`. Whole units, rounded down; days only from two on."""
    if entry.expires is None:
        return "never expires"
    left = entry.expires - now
    if left.total_seconds() > 0:
        return f"expires in {elapsed_words(left)}"
    return f"expired {elapsed_words(-left)} ago"


def use_words(entry: SecretStatus, now: datetime) -> str:
    """`used 4 minutes ago`, or `never used`."""
    return f"used {elapsed_words(now - entry.last_used)} ago" if entry.last_used else "never used"


def part_words(entry: SecretStatus) -> str:
    """Its role in the sinks: `current`, `standby`, `pending`, or `stored` for an inactive one."""
    return "stored" if entry.role == "inactive" else escape_control(entry.role, _WORD_LIMIT)


def _lines(stack: str, entries: tuple[SecretStatus, ...], now: datetime, terminal: Terminal) -> Iterator[str]:
    yield from terminal.wrap(f"Stack {escape_control(stack, NAME_LIMIT)} at {moment_for_people(now)}", rest="      ")
    keys = 0
    for _, group in groupby(entries, key=lambda entry: (entry.address, entry.id)):
        keys += 1
        yield ""
        yield from _key_lines(tuple(group), now, terminal)
    yield ""
    yield terminal.paint(f"{count(keys, 'key')}, {count(len(entries), 'secret')}.", "strong")


def _key_lines(secrets: tuple[SecretStatus, ...], now: datetime, terminal: Terminal) -> Iterator[str]:
    step = escape_control(secrets[0].step, NAME_LIMIT) or "no rotation"
    project = f"  project {escape_control(secrets[0].project, NAME_LIMIT)}" if secrets[0].project else ""
    yield from terminal.wrap(f"{named(secrets[0].address)}  {step}{project}", rest="    ", tone="strong")
    rows = [_cells(entry, now) for entry in sorted(secrets, key=_first_what_callers_have)]
    widths = [max(columns(cell) for cell in column) for column in zip(*rows, strict=True)]
    for entry, row in zip(sorted(secrets, key=_first_what_callers_have), rows, strict=True):
        padded = "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True))
        yield from terminal.wrap(padded.rstrip(), "  ", "      ", _TONES.get(entry.state, "dim"))
        yield from _place_lines(entry, terminal)


def _first_what_callers_have(entry: SecretStatus) -> tuple[bool, bool, str]:
    return entry.role != "current", entry.state != "ACTIVE", entry.secret


def _cells(entry: SecretStatus, now: datetime) -> tuple[str, ...]:
    life = life_words(entry, now) if entry.state not in ("REVOKED", "DELETED") else ""
    return (
        escape_control(entry.secret, NAME_LIMIT),
        escape_control(entry.state, _WORD_LIMIT),
        part_words(entry),
        life,
        use_words(entry, now),
    )


def _place_lines(entry: SecretStatus, terminal: Terminal) -> Iterator[str]:
    mask = escape_control(entry.mask, _WORD_LIMIT)
    if entry.sinks:
        places = ", ".join(escape_control(place, NAME_LIMIT) for place in entry.sinks)
        yield from terminal.wrap(f"{mask} in {places}", "      ", "      ", "dim")
    elif entry.state == "ACTIVE":
        yield from terminal.wrap(f"{mask} is in no readable sink", "      ", "      ", "danger")
