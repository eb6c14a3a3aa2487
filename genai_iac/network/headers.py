"""The headers of an answer, read so that none of them can make a call fail: what is not well-formed is forgotten.

A `Date` that was no date once undid a committed CreateApiKey, and both values were lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_LONGEST = 2048  # characters of a value; page tokens are the longest that OCI sends
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OCID = re.compile(r"ocid1\.[a-z0-9]+\.[A-Za-z0-9_.-]{1,240}")  # of a work request
_SECONDS = re.compile(r"[0-9]{1,4}")  # `retry-after`; its other form, a date, is not read


@dataclass(frozen=True, slots=True)
class Headers:
    """Those headers that this tool uses. None: not sent, or nothing that can be used."""

    etag: str | None = None  # for `if-match`
    request_id: str | None = None  # `opc-request-id`, for support requests
    work_request: str | None = None  # OCID of the work request that a write began
    next_page: str | None = None  # token of the next page; None: the last one
    location: str | None = None  # of a resource or a redirect
    retry_after: float | None = None  # seconds
    date: datetime | None = None  # with a time zone


def read_headers(sent: Any) -> Headers:
    """What can be used of a mapping of headers. Never raises.

    Args:
        sent: headers of requests, urllib3 or a dictionary; names in any case.
    """
    found = dict(_pairs(sent))
    work_request = found.get("opc-work-request-id", "")
    return Headers(
        etag=_text(found.get("etag")),
        request_id=_text(found.get("opc-request-id"), 200),
        work_request=work_request if _OCID.fullmatch(work_request) else None,
        next_page=_text(found.get("opc-next-page")),
        location=_text(found.get("location"), 500),
        retry_after=_seconds(found.get("retry-after")),
        date=_date(found.get("date")),
    )


def _pairs(sent: Any) -> Iterator[tuple[str, str]]:
    if isinstance(sent, Mapping):
        for name, value in sent.items():
            if isinstance(name, str) and isinstance(value, str):
                yield name.lower(), value.strip()


def _text(value: str | None, longest: int = _LONGEST) -> str | None:
    return value if value and len(value) <= longest and _PRINTABLE.fullmatch(value) else None


def _seconds(value: str | None) -> float | None:
    return float(value) if value and _SECONDS.fullmatch(value) else None


def _date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
        # "-0000" gives a moment without a zone; the year 1 or 9999 leaves the calendar in the conversion
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
