"""`expires` as written: an exact date-time, or a life given at mint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from genai_iac.core import Lifetime

LIFE = re.compile(r"([1-9][0-9]{0,4})([hd])")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})")
DEFAULT = "90d"  # what the API itself gives when nothing is asked for

EXPIRES_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "description": "A date-time is exact (changing it later renews the value); "
    "a duration such as 90d or 12h is the lifetime set at creation or renewal.",
    "pattern": f"^({LIFE.pattern}|{_MOMENT.pattern})$".replace("\\d", "[0-9]"),
    "default": DEFAULT,
    "examples": ["90d", "2027-06-30T00:00:00Z"],
}


def read_duration(text: str) -> timedelta:
    """`90d` or `12h`; raises ValueError for anything else."""
    match = LIFE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write 90d or 12h")
    return timedelta(**{"d": {"days": int(match[1])}, "h": {"hours": int(match[1])}}[match[2]])


def read_expiry(text: str) -> Lifetime | str:
    """A Lifetime, or the exact moment in the one form that is compared and sent (UTC, `Z`).

    Raises ValueError for a day that no calendar has.
    """
    if LIFE.fullmatch(text):
        return Lifetime(text, read_duration(text))
    return write_moment(datetime.fromisoformat(text))


def write_moment(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`, seconds as far as they are there."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
