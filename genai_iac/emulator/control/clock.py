"""Doors to the tenancy's own clock: read, advanced, set. It goes on ticking from wherever it is put."""

import sqlite3
from typing import Any

from genai_iac.emulator.control.request import ControlRequest
from genai_iac.emulator.http.errors import invalid
from genai_iac.emulator.storage.tenancy_state import read_tenancy_state, real_time, set_clock
from genai_iac.emulator.storage.time_format import format_duration, format_instant, parse_duration, parse_instant

_LATEST = 253_370_764_800_000  # the year 9999


def show_clock(visit: ControlRequest) -> dict[str, Any]:
    """`{"now": …, "offset": …}`; the offset is how far it is ahead of (or behind) this machine's."""
    world = read_tenancy_state(visit.connection)
    sign = "-" if world.offset < 0 else ""
    return {"now": format_instant(world.now), "offset": sign + format_duration(abs(world.offset))}


def change_clock(visit: ControlRequest) -> dict[str, Any]:
    """`{"advance": "30d"}` or `{"set": "2027-01-01T00:00:00Z"}`."""
    turn_clock(visit.connection, visit.object)
    return show_clock(visit)


def turn_clock(connection: sqlite3.Connection, change: dict[str, Any]) -> None:
    """Put the clock where the change says; ServiceError 400 when it says nothing sensible.

    Args:
        change: JSON object with one of the two members.
    """
    if set(change) not in ({"advance"}, {"set"}):
        raise invalid('The clock takes {"advance": "30d"} or {"set": "2027-01-01T00:00:00Z"}.')
    offset = read_tenancy_state(connection).offset
    try:
        if "advance" in change:
            offset += parse_duration(change["advance"])
        elif isinstance(change["set"], str):
            offset = parse_instant(change["set"]) - real_time()
        else:
            raise ValueError("set is a date-time")
    except (ValueError, OverflowError) as error:
        raise invalid(f"{error}.") from None
    if not 0 <= real_time() + offset < _LATEST:
        raise invalid("The clock runs from 1970 to 9998.")
    set_clock(connection, offset)
