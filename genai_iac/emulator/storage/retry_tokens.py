"""Retry tokens: the same request with the same token happens once.

The answer is kept for 24 hours of the tenancy's time. One that holds a plaintext secret is kept twice: masked, and
sealed under a key that only the token itself gives; the file knows neither the token nor the secret."""

import hashlib
import json
import sqlite3

from genai_iac.emulator.http.errors import ServiceError, conflict, invalid
from genai_iac.emulator.http.responses import Answer, encode_body
from genai_iac.emulator.storage.secret_storage import decrypt, encrypt
from genai_iac.emulator.storage.time_format import DAY

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

    def remember(self, connection: sqlite3.Connection, answer: Answer, now: int) -> None:
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
