"""What time will bring: work that is due later, done by whichever request comes first after that."""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from genai_iac.emulator.control.settings import EmulatorSettings, decode_settings, encode_settings
from genai_iac.emulator.storage.database import encode_json
from genai_iac.emulator.storage.time_format import parse_duration, parse_instant


class TenancyState(Struct, frozen=True):
    """A moment of the tenancy."""

    tenancy: str  # OCID
    administrators: str  # OCID of the group
    now: int  # milliseconds, the tenancy's own clock
    offset: int  # ahead of the real one
    settings: EmulatorSettings
    policy_generation: int  # changes with every policy write
    faults: int  # how many are armed; 0 skips looking for them

    @property
    def home(self) -> str:
        """The home region."""
        return self.settings.homeRegion


def read_tenancy_state(connection: sqlite3.Connection) -> TenancyState:
    """The world as of this transaction.

    `now` moves on by itself: the clock is an offset from this machine's.
    """
    row = connection.execute("SELECT * FROM world").fetchone()
    return TenancyState(
        row["tenancy"],
        row["administrators"],
        real_time() + row["clock_offset"],
        row["clock_offset"],
        decode_settings(row["settings"]),
        row["policy_generation"],
        row["faults"],
    )


def real_time() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000


def set_clock(connection: sqlite3.Connection, offset: int) -> None:
    """Put the tenancy's clock this many milliseconds ahead of the real one."""
    connection.execute("UPDATE world SET clock_offset = ?", (offset,))


_LATEST = 253_370_764_800_000  # the year 9999


def change_offset(connection: sqlite3.Connection, change: Mapping[str, Any]) -> None:
    """Put the clock where the change says. Raises ValueError when it says nothing sensible.

    Args:
        change: `advance`, a duration, or `set`, a date-time.
    """
    if set(change) not in ({"advance"}, {"set"}):
        raise ValueError('The clock takes {"advance": "30d"} or {"set": "2027-01-01T00:00:00Z"}')
    offset = read_tenancy_state(connection).offset
    try:
        if "advance" in change:
            offset += parse_duration(change["advance"])
        elif isinstance(change["set"], str):
            offset = parse_instant(change["set"]) - real_time()
        else:
            raise ValueError("set is a date-time")
    except OverflowError as error:
        raise ValueError(str(error)) from None
    if not 0 <= real_time() + offset < _LATEST:
        raise ValueError("The clock runs from 1970 to 9998")
    set_clock(connection, offset)


def store_settings(connection: sqlite3.Connection, settings: EmulatorSettings) -> None:
    """Keep what differs from the defaults.

    Defaults that change in a later release reach old files that way.
    """
    defaults = encode_settings(EmulatorSettings())
    changed = {name: value for name, value in encode_settings(settings).items() if value != defaults[name]}
    connection.execute("UPDATE world SET settings = ?", (encode_json(changed),))


def bump_policies(connection: sqlite3.Connection) -> None:
    """Make every process compile its policies again."""
    connection.execute("UPDATE world SET policy_generation = policy_generation + 1")


class ScheduledJob(Struct, frozen=True):
    """A piece of work whose time has come: what to do it to, and what was noted when it was put off."""

    connection: sqlite3.Connection
    world: TenancyState
    target: str  # OCID
    detail: dict[str, Any]


Work = Callable[[ScheduledJob], None]


def schedule(connection: sqlite3.Connection, due: int, work: str, target: str, **detail: Any) -> None:
    """Do `work` to `target` at `due` (milliseconds) or later, never within the request that asks for it.

    Args:
        due: milliseconds of the tenancy's time.
        work: key of the table of works.
        detail: JSON data for it.
    """
    connection.execute(
        "INSERT INTO pending (due, work, target, detail) VALUES (?,?,?,?)", (due, work, target, encode_json(detail))
    )


def run_due_jobs(connection: sqlite3.Connection, world: TenancyState, works: Mapping[str, Work]) -> None:
    """Do all that is due.

    Args:
        works: by name; each runs inside the caller's transaction.
    """
    rows = connection.execute("SELECT * FROM pending WHERE due <= ? ORDER BY due, seq", (world.now,)).fetchall()
    for row in rows:
        # Removed first: a job that schedules itself again must not be removed with it.
        connection.execute("DELETE FROM pending WHERE seq = ?", (row["seq"],))
        works[row["work"]](ScheduledJob(connection, world, row["target"], json.loads(row["detail"])))
