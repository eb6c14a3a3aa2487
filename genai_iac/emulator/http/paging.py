"""Pages of a list: how many, in what order, and where the next one starts.

A page token is where the last page ended, so what is added or deleted meanwhile neither repeats nor hides a row."""

import base64
import binascii
import json
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import ServiceError, invalid
from genai_iac.emulator.storage.resources import ResourceQuery, Resources, StoredResource

_Row = TypeVar("_Row")

DEFAULT_LIMIT = 100  # rows of a page that asks for no number
MAX_LIMIT = 1000  # rows; more are refused


class Order(Struct, frozen=True):
    """The words a service has for sorting: by time, by name, and which is the default way of each."""

    time: str = "TIMECREATED"  # value of sortBy
    name: str = "NAME"  # value of sortBy


def read_limit(request: Incoming) -> int:
    """How many rows are asked for at most."""
    given = request.one("limit")
    if given is None:
        return DEFAULT_LIMIT
    if not (given.isascii() and given.isdigit() and len(given) <= 9 and 1 <= int(given) <= MAX_LIMIT):
        raise invalid(f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return int(given)


def list_page(
    resources: Resources, wanted: ResourceQuery, request: Incoming, order: Order
) -> tuple[list[StoredResource], str | None]:
    """One page and the token of the next, by the request's limit, page, sortBy and sortOrder.

    Args:
        wanted: which resources; its order and limit are replaced.
        order: the words of this service.

    Returns:
        The token is None on the last page.
    """
    limit = read_limit(request)
    by_name, descending = _read_order(request, order)
    page = request.one("page")
    after = None if page is None else open_token(page, by_name=by_name)
    # One row more than asked for shows whether there is another page.
    rows = resources.select(replace(wanted, by_name=by_name, descending=descending, after=after, limit=limit + 1))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], make_token(last.name if by_name else last.created, last.seq)


def slice_page(rows: list[_Row], request: Incoming) -> tuple[list[_Row], str | None]:
    """One page of rows that are all at hand already.

    For lists that are computed and not stored.
    """
    limit = read_limit(request)
    page = request.one("page")
    start = 0 if page is None else open_token(page, by_name=False)[1]
    return rows[start : start + limit], make_token(0, start + limit) if start + limit < len(rows) else None


def make_token(value: str | int, seq: int) -> str:
    """An opaque page token."""
    return base64.urlsafe_b64encode(json.dumps([value, seq]).encode("utf-8")).decode("ascii")


def open_token(token: str, *, by_name: bool) -> tuple[str | int, int]:
    """What `make_token` put into a page token; 400 for one that somebody made up."""
    try:
        value, seq = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        str(value).encode("utf-8")
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _bad_token() from None
    fits = isinstance(value, str if by_name else int) and isinstance(seq, int)
    if not fits or isinstance(seq, bool) or isinstance(value, bool) or not 0 <= seq < 2**62:
        raise _bad_token()
    # SQLite integers have 64 bits; a made-up token must give 400 and not an overflow.
    if isinstance(value, int) and abs(value) >= 2**62:
        raise _bad_token()
    return value, seq


def _bad_token() -> ServiceError:
    return ServiceError(400, "PaginationTokenFormat", "Wrong pagination token format.")


def _read_order(request: Incoming, order: Order) -> tuple[bool, bool]:
    key = request.one("sortBy") or order.time
    if key not in (order.time, order.name):
        raise invalid(f"sortBy must be {order.time} or {order.name}.")
    by_name = key == order.name
    # Without a direction names ascend and times descend, as in the services.
    way = request.one("sortOrder") or ("ASC" if by_name else "DESC")
    if way not in ("ASC", "DESC"):
        raise invalid("sortOrder must be ASC or DESC.")
    return by_name, way == "DESC"
