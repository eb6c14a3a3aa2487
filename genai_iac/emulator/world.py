"""What a request knows of its tenancy before it starts: identity, time, settings. Read inside each transaction, so
that no process ever acts on what another has changed since."""

import sqlite3
import time
from dataclasses import dataclass

from genai_iac.emulator.database import encode_json
from genai_iac.emulator.settings import Settings, decode_settings, encode_settings


@dataclass(frozen=True)
class World:
    """A moment of the tenancy."""

    tenancy: str
    administrators: str
    now: int  # milliseconds, the tenancy's own clock
    offset: int  # ahead of the real one
    settings: Settings
    policy_generation: int
    faults: int

    @property
    def home(self) -> str:
        """The home region."""
        return self.settings.homeRegion


def read_world(connection: sqlite3.Connection) -> World:
    """The world as of this transaction."""
    row = connection.execute("SELECT * FROM world").fetchone()
    return World(
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


def store_settings(connection: sqlite3.Connection, settings: Settings) -> None:
    """Keep what differs from the defaults."""
    defaults = encode_settings(Settings())
    changed = {name: value for name, value in encode_settings(settings).items() if value != defaults[name]}
    connection.execute("UPDATE world SET settings = ?", (encode_json(changed),))


def bump_policies(connection: sqlite3.Connection) -> None:
    """Tell every process that its compiled policies are old."""
    connection.execute("UPDATE world SET policy_generation = policy_generation + 1")
