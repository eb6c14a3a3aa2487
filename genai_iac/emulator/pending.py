"""What time will bring: work that is due later, done by whichever request comes first after that."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.emulator.database import encode_json
from genai_iac.emulator.world import World


@dataclass(frozen=True)
class Due:
    """A piece of work whose time has come: what to do it to, and what was noted when it was put off."""

    connection: sqlite3.Connection
    world: World
    target: str
    detail: dict[str, Any]


Work = Callable[[Due], None]


def schedule(connection: sqlite3.Connection, due: int, work: str, target: str, **detail: Any) -> None:
    """Do `work` to `target` at `due` (milliseconds) or later, never within the request that asks for it."""
    connection.execute(
        "INSERT INTO pending (due, work, target, detail) VALUES (?,?,?,?)", (due, work, target, encode_json(detail))
    )


def settle(connection: sqlite3.Connection, world: World, works: Mapping[str, Work]) -> None:
    """Do all that is due."""
    rows = connection.execute("SELECT * FROM pending WHERE due <= ? ORDER BY due, seq", (world.now,)).fetchall()
    for row in rows:
        connection.execute("DELETE FROM pending WHERE seq = ?", (row["seq"],))
        works[row["work"]](Due(connection, world, row["target"], json.loads(row["detail"])))
