"""When working secrets expire, as an iCalendar object (RFC 5545) that a calendar program subscribes to or imports again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from genai_iac.analysis.secret_status import SecretStatus
from genai_iac.render.common.attribute_values import moment_for_people
from genai_iac.render.common.phrases import NAME_LIMIT
from genai_iac.render.common.sanitize import escape_control, named

_OCTETS = 75  # of one line, without its end (RFC 5545, 3.1)
_ALARMS = ("P14D", "P2D")  # how long before the death a calendar reminds
_PLACES_LIMIT = 2000  # characters


def calendar_text(stack: str, entries: tuple[SecretStatus, ...], now: datetime) -> str:
    """One event a working secret, at the moment it dies, with two reminders. A secret keeps its UID when it is renewed: its event moves.

    Args:
        stack: its name, for the calendar's title.
        entries: of any state; only working secrets that expire become events.
        now: the service's clock, for DTSTAMP.
    """
    lines = [line for content in _contents(stack, entries, now) for line in _fold(content)]
    return "".join(f"{line}\r\n" for line in lines)


def _contents(stack: str, entries: tuple[SecretStatus, ...], now: datetime) -> Iterator[str]:
    name = _text(f"Secrets of {escape_control(stack, NAME_LIMIT)}")
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield "PRODID:-//genai-iac//expiry//EN"
    yield "CALSCALE:GREGORIAN"
    yield "METHOD:PUBLISH"
    yield f"NAME:{name}"  # RFC 7986; the next line is what was read before it
    yield f"X-WR-CALNAME:{name}"
    for entry in entries:
        if entry.state == "ACTIVE" and entry.expires is not None:
            yield from _event(entry, entry.expires, now)
    yield "END:VCALENDAR"


def _event(entry: SecretStatus, expires: datetime, now: datetime) -> Iterator[str]:
    what = f"{named(entry.address)} {escape_control(entry.secret, NAME_LIMIT)} expires"
    yield "BEGIN:VEVENT"
    yield f"UID:{_uid(entry)}"
    yield f"DTSTAMP:{_moment(now)}"
    yield f"DTSTART:{_moment(expires)}"
    yield f"SUMMARY:{_text(what)}"
    yield f"DESCRIPTION:{_text(_details(entry, expires))}"
    yield "CATEGORIES:genai-iac"
    yield "TRANSP:TRANSPARENT"
    for before in _ALARMS:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        yield f"TRIGGER:-{before}"
        yield f"DESCRIPTION:{_text(what)}"
        yield "END:VALARM"
    yield "END:VEVENT"


def _details(entry: SecretStatus, expires: datetime) -> str:
    places = escape_control(", ".join(entry.sinks), _PLACES_LIMIT) or "no readable sink"
    told = [
        f"{escape_control(entry.mask, NAME_LIMIT)} stops working at {moment_for_people(expires)}.",
        f"It is in {places}.",
        f"Rotation: {escape_control(entry.step, NAME_LIMIT) or 'none'}.",
        escape_control(entry.id, NAME_LIMIT),
    ]
    return "\n".join(told)


def _uid(entry: SecretStatus) -> str:
    return hashlib.sha256(f"{entry.id}\n{entry.secret}".encode("utf-8", "replace")).hexdigest()[:32] + "@genai-iac"


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """A TEXT value: backslash, semicolon, comma and line feed escaped. A folded line must not begin like a CI runner's command."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return escaped.replace("::", ":\\\\x3a")


def _fold(content: str) -> Iterator[str]:
    """Lines of at most 75 octets; what continues begins with one space, and no letter is cut in two."""
    line, used = "", 0
    for letter in content:
        size = len(letter.encode())
        if used + size > _OCTETS:
            yield line
            line, used = " ", 1
        line, used = line + letter, used + size
    yield line
