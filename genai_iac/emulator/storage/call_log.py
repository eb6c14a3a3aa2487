"""The log of calls: what was asked of the tenancy, by whom, and how it ended. Control calls are not in it."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from genai_iac.emulator.storage.time_format import format_instant

KEPT = 50_000  # the newest ones
_LONGEST = 1_000  # characters of a path, a query and a name: 50,000 lines of 64 KiB would fill a disk


@dataclass(frozen=True)
class LoggedCall:
    """One call. `status` 0: the connection was cut before any answer."""

    at: int  # milliseconds of the tenancy's time
    service: str
    operation: str  # empty when no operation was at the path
    method: str
    path: str
    query: str  # as sent
    region: str
    principal: str  # name of the caller; empty for an unknown one
    status: int
    code: str  # OCI's error code; empty for a success
    unfilled: tuple[str, ...] = ()  # variables that a condition asked for and no request here carries


def log_call(connection: sqlite3.Connection, call: LoggedCall) -> None:
    """Append one.

    Old calls are removed every thousand calls, not at each one.
    """
    cursor = connection.execute(
        "INSERT INTO calls (at, service, operation, method, path, query, region, principal, status, code)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            call.at,
            call.service,
            call.operation,
            call.method[:_LONGEST],
            call.path[:_LONGEST],
            call.query[:_LONGEST],
            call.region[:_LONGEST],
            call.principal[:_LONGEST],
            call.status,
            call.code,
        ),
    )
    number = cursor.lastrowid or 0
    if call.unfilled:
        connection.execute("INSERT OR REPLACE INTO unfilled VALUES (?, ?)", (number, " ".join(call.unfilled)))
    if number % 1000 == 0:
        for table in ("calls", "unfilled"):
            connection.execute(f"DELETE FROM {table} WHERE n <= ?", (number - KEPT,))  # noqa: S608


def list_calls(connection: sqlite3.Connection, last: int | None = None) -> list[dict[str, Any]]:
    """All calls in order, or the last few.

    Args:
        last: how many; None gives all.
    """
    query = (
        "SELECT c.*, u.variables FROM (SELECT * FROM calls ORDER BY n DESC LIMIT ?) c LEFT JOIN unfilled u USING (n)"
    )
    query += " ORDER BY n"
    return [_show(row) for row in connection.execute(query, (last if last is not None else -1,))]


def clear_calls(connection: sqlite3.Connection) -> None:
    """Forget them all; the next one is number 1.

    Tests number their calls from 1, so the counter starts again.
    """
    connection.execute("DELETE FROM calls")
    connection.execute("DELETE FROM unfilled")
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'calls'")


def _show(row: sqlite3.Row) -> dict[str, Any]:
    shown = dict(row)
    shown["at"] = format_instant(row["at"])
    shown["unfilled"] = (shown.pop("variables") or "").split()
    return shown
