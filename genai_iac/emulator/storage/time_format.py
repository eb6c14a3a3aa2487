"""Instants and durations as the tenancy keeps them: whole milliseconds since 1970, in UTC. Pure.

The wire form is RFC 3339 with milliseconds; any offset and up to nine fractional digits are read.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from functools import lru_cache

DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000
SECOND = 1_000

_UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d))", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 200 * 366 * DAY  # longer durations are typing errors


def parse_instant(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 date-time with an offset; ValueError when it is not one.

    Fractions beyond milliseconds are cut.
    """
    match = _INSTANT.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an RFC 3339 date-time with an offset, such as 2027-01-01T00:00:00Z")
    year, month, day, hour, minute, second, fraction, _, sign, off_hour, off_minute = match.groups()
    offset = timedelta(hours=int(off_hour or 0), minutes=int(off_minute or 0)) * (-1 if sign == "-" else 1)
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=timezone(offset))
    return (moment - _EPOCH) // timedelta(milliseconds=1) + int((fraction or "0").ljust(3, "0")[:3])


def format_instant(moment: int) -> str:
    """`2027-01-01T00:00:00.000Z`."""
    return f"{_format_second(moment // SECOND)}.{moment % SECOND:03d}Z"


def to_datetime(moment: int) -> datetime:
    """The same instant as an aware datetime."""
    # Not fromtimestamp: that depends on the platform's range.
    return _EPOCH + timedelta(milliseconds=moment)


def format_http_date(moment: int) -> str:
    """The form of the HTTP `Date` header (RFC 9110)."""
    return format_datetime(to_datetime(moment - moment % 1000), usegmt=True)


@lru_cache(maxsize=4096)
def _format_second(second: int) -> str:
    return to_datetime(second * SECOND).strftime("%Y-%m-%dT%H:%M:%S")


def parse_duration(value: str | int | float) -> int:
    """Milliseconds of `90d`, `1h30m`, `50ms`, or a number of seconds; ValueError when it is not a duration.

    Args:
        value: a number is in seconds.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{value!r} is not a duration")
    if not isinstance(value, str):
        length = round(value * SECOND) if abs(value) < _LONGEST else _LONGEST + 1
    elif re.fullmatch(r"\d+(?:\.\d+)?", value):
        length = round(float(value) * SECOND)
    else:
        if not re.fullmatch(rf"(?:{_DURATION.pattern})+", value):
            raise ValueError(f"{value!r} is not a duration; write it as 50ms, 10s, 5m, 12h or 30d")
        length = round(sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(value)))
    if not 0 <= length <= _LONGEST:
        raise ValueError(f"{value!r} is not between 0 and two hundred years")
    return length


def format_duration(length: int) -> str:
    """The shortest single-unit form: 98000 becomes `98s`.

    Args:
        length: milliseconds.
    """
    for unit in ("d", "h", "m", "s"):
        if length and length % _UNITS[unit] == 0:
            return f"{length // _UNITS[unit]}{unit}"
    return f"{length}ms" if length else "0s"
