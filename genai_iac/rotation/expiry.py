"""`expires` of a secret: an exact date-time, or a duration that starts when the secret is created or renewed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from genai_iac.core import Lifetime

LIFE = re.compile(r"([1-9][0-9]{0,4})([hd])")  # a whole number of hours or days; `d` is 24 hours
# RFC 3339; the offset is required
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})")
DEFAULT = "90d"  # what the API itself gives when nothing is asked for

# One schema for both forms: editors show it, and `read_expiry` decides by the text
# which form it is. JSON Schema patterns know no `\d` of ASCII digits alone, hence the
# replacement.
EXPIRES_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "description": "A date-time is exact (changing it later renews the value); "
    "a duration such as 90d or 12h is the lifetime set at creation or renewal.",
    "pattern": f"^({LIFE.pattern}|{_MOMENT.pattern})$".replace("\\d", "[0-9]"),
    "default": DEFAULT,
    "examples": ["90d", "2027-06-30T00:00:00Z"],
}


def read_duration(text: str) -> timedelta:
    """Read `90d` or `12h`. Raises ValueError for anything else.

    Args:
        text: a number from 1 to 99999 and a unit; `90d` is 2160 hours.
    """
    match = LIFE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write 90d or 12h")
    return timedelta(**{"d": {"days": int(match[1])}, "h": {"hours": int(match[1])}}[match[2]])


def read_expiry(text: str) -> Lifetime | str:
    """Read `expires`: a Lifetime for a duration, else the date-time as RFC 3339 in UTC with `Z`.

    One form for all date-times, because a plan compares them as text: `+02:00` and `Z` of the same moment are no difference.
    Raises ValueError for a date that does not exist.
    """
    if LIFE.fullmatch(text):
        return Lifetime(text, read_duration(text))
    return write_moment(datetime.fromisoformat(text))


def write_moment(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`; fractions of a second only when there are any. `moment` must be aware.

    Raises:
        ValueError: never for an aware value; a naive one would be taken for local time.
    """
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
