"""The log of calls (what was asked of the tenancy, by whom, and how it ended), and retry tokens.

Control calls are not logged. The same request with the same retry token happens once. The answer to a retry token is kept for 24 hours of
the tenancy's time. One that holds a plaintext secret is kept twice: masked, and sealed under a key that only the token itself gives; the
file has neither the token nor the secret.
"""

import hashlib
import json
import sqlite3
from typing import Any

from msgspec import Struct

from genai_iac.emulator.http.responses import Answer, ServiceError, conflict, encode_body, invalid
from genai_iac.emulator.storage.secret_storage import decrypt, encrypt
from genai_iac.emulator.storage.time_format import DAY, format_instant

KEPT = 50_000  # the newest ones
_LONGEST = 1_000  # characters of a path, a query and a name: 50,000 lines of 64 KiB would fill a disk


class LoggedCall(Struct, frozen=True):
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


_LIFE = DAY  # as documented for opc-retry-token
_USED = (
    "The retry token you provided was used in an earlier request that resulted in a system update, but a subsequent "
    "operation has invalidated the token. Please retry with a different retry token."
)


class RetryToken:
    """One token as one caller used it for one operation.

    The same token of another caller, operation or region is another token.
    """

    def __init__(self, token: str, caller: str, operation: str, region: str, path: str, body: bytes) -> None:
        if not 1 <= len(token) <= 64:
            raise invalid("opc-retry-token must be 1 to 64 characters long.")
        self._token = token
        self._digest = hashlib.sha256("\n".join((caller, operation, region, token)).encode("utf-8")).digest()
        self._request = hashlib.sha256(path.encode("utf-8") + b"\n" + body).digest()

    def replay(self, connection: sqlite3.Connection, mode: str, now: int) -> Answer | None:
        """The answer given before, as `mode` (full, masked, invalidate) has it; None when the token is new.

        Raises:
            ServiceError: 409 when the token was used for another request, or what it made is
                gone.
        """
        row = connection.execute("SELECT * FROM retry_tokens WHERE token = ?", (self._digest,)).fetchone()
        if row is None or row["used"] + _LIFE <= now:
            return None
        if mode == "invalidate" or row["request"] != self._request or _is_gone(connection, row["resource"]):
            raise _invalidated()
        body = json.loads(row["masked"])
        if mode == "full" and row["sealed"] is not None:
            body = json.loads(decrypt(row["sealed"], self._token))
        return Answer(body, row["status"], json.loads(row["headers"]), resource=row["resource"])

    def store_answer(self, connection: sqlite3.Connection, answer: Answer, now: int) -> None:
        """Keep what was answered."""
        connection.execute("DELETE FROM retry_tokens WHERE used <= ?", (now - _LIFE,))
        masked = answer.body if answer.masked is None else answer.masked
        # The key for the sealed body is the token: only who sent it can have the value again.
        sealed = None if answer.masked is None else encrypt(encode_body(answer.body), self._token)
        connection.execute(
            "INSERT OR REPLACE INTO retry_tokens VALUES (?,?,?,?,?,?,?,?)",
            (
                self._digest,
                self._request,
                answer.resource,
                answer.status,
                json.dumps(dict(answer.headers)),
                json.dumps(masked),
                sealed,
                now,
            ),
        )


def _is_gone(connection: sqlite3.Connection, ocid: str) -> bool:
    if not ocid:
        return False
    row = connection.execute("SELECT state FROM resources WHERE id = ?", (ocid,)).fetchone()
    return row is None or row["state"] in ("DELETED", "DELETING")


def _invalidated() -> ServiceError:
    return conflict("InvalidatedRetryToken", _USED)
