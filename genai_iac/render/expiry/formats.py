"""When secrets expire, in the formats of other programs.

An iCalendar object (RFC 5545), to which a calendar program subscribes or which it imports again and again; and metrics in the
text exposition format of Prometheus, version 0.0.4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from genai_iac.analysis.secret_status import SecretStatus
from genai_iac.render.common.attribute_values import moment_for_people
from genai_iac.render.common.phrases import NAME_LIMIT
from genai_iac.render.common.sanitize import escape_control, named

_OCTETS = 75  # of one line, without its end (RFC 5545, 3.1)
_ALARMS = ("P14D", "P2D")  # how long before the expiry a calendar reminds
_PLACES_LIMIT = 2000  # characters


def calendar_text(stack: str, entries: tuple[SecretStatus, ...], now: datetime) -> str:
    """One event a working secret, at the moment it expires, with two reminders. A secret keeps its UID when it is renewed: its event moves.

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
    lines = [
        f"{escape_control(entry.mask, NAME_LIMIT)} stops working at {moment_for_people(expires)}.",
        f"It is in {places}.",
        f"Rotation: {escape_control(entry.step, NAME_LIMIT) or 'none'}.",
        escape_control(entry.id, NAME_LIMIT),
    ]
    return "\n".join(lines)


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


class _Metric(Struct, frozen=True):
    """One gauge: a sample for each secret that has a value for it."""

    name: str
    help: str
    value: Callable[[SecretStatus], float | None]  # None: no sample for that secret


# Names are an interface: dashboards and alerts use them.
_METRICS = (
    _Metric(
        "genai_iac_secret_expiry_timestamp_seconds",
        "When the secret expires, in seconds since 1970. For an alert, keep to state ACTIVE.",
        lambda entry: (
            entry.expires.timestamp() if entry.expires and entry.state not in ("REVOKED", "DELETED") else None
        ),
    ),
    _Metric(
        "genai_iac_secret_last_used_timestamp_seconds",
        "When a call last used the secret, in seconds since 1970. No sample: never.",
        lambda entry: entry.last_used.timestamp() if entry.last_used else None,
    ),
    _Metric(
        "genai_iac_secret_sinks",
        "How many places hold the secret, as far as they can be read.",
        lambda entry: float(len(entry.sinks)),
    ),
)


def metrics_text(stack: str, entries: tuple[SecretStatus, ...], now: datetime) -> str:
    """HELP, TYPE and one sample a secret and metric; the last metric is the tenancy's clock, by which a stale file is noticed."""
    return "".join(f"{line}\n" for line in _lines(stack, entries, now))


def _lines(stack: str, entries: Iterable[SecretStatus], now: datetime) -> Iterator[str]:
    entries = tuple(entries)
    for metric in _METRICS:
        yield from metric_head(metric.name, metric.help)
        for entry in entries:
            value = metric.value(entry)
            if value is not None:
                yield metric_sample(metric.name, _labels(stack, entry), value)
    yield from metric_head("genai_iac_read_timestamp_seconds", "When this was read, by the tenancy's clock.")
    yield metric_sample("genai_iac_read_timestamp_seconds", {"stack": stack}, now.timestamp())


def metric_head(name: str, help_text: str) -> Iterator[str]:
    """The lines HELP and TYPE of a gauge in Prometheus's text format."""
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} gauge"


def _labels(stack: str, entry: SecretStatus) -> Mapping[str, str]:
    return {
        "stack": stack,
        "address": str(entry.address),
        "id": entry.id,
        "secret": entry.secret,
        "state": entry.state,
        "role": entry.role,
    }


def metric_sample(name: str, labels: Mapping[str, str], value: float) -> str:
    """One sample in Prometheus's text format; the labels' values may be any text."""
    shown_labels = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
    return f"{name}{{{shown_labels}}} {value:.3f}".removesuffix(".000")


def _escape(text: str) -> str:
    """A label's value: backslash and quote escaped; there is no line feed left once it is visible."""
    return escape_control(text, NAME_LIMIT).replace("\\", "\\\\").replace('"', '\\"')
