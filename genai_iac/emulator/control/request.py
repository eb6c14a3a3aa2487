"""One request of the control API, the description of a route, and the token that the API asks for.

The token is given, or random and kept in a private file beside the database.
"""

import hmac
import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from genai_iac.emulator.http.requests import Incoming, parse_json
from genai_iac.emulator.http.responses import ServiceError, unparsable
from genai_iac.emulator.storage.secret_storage import create_private
from genai_iac.filesystem import check_file


class ControlRequest(Struct, frozen=True):
    """One control call inside one open transaction. `directory` is where the client profiles are, if anywhere."""

    connection: sqlite3.Connection
    request: Incoming
    directory: Path | None
    home_region: str | None  # given at start, for a reset
    allow_kill: bool = False

    @property
    def value(self) -> Any:
        """The JSON in the body."""
        return parse_json(self.request.body)

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object in the body."""
        value = self.value
        if not isinstance(value, dict):
            raise unparsable("The body is to be a JSON object.")
        return value


class ControlRoute(Struct, frozen=True):
    """What a method at a path does: JSON to answer with, or None. `profiles`: the client files are written anew after."""

    function: Callable[[ControlRequest], Any]
    writes: bool = False  # needs the write lock
    profiles: bool = False


VARIABLE = "GENAI_IAC_CONTROL_TOKEN"


def choose_token(given: str | None, database: Path | None) -> str:
    """The given token, else that of the environment (GENAI_IAC_CONTROL_TOKEN), else the one kept for this database.

    Args:
        given: of --control-token.
        database: None makes one for this process.
    """
    token = given or os.environ.get(VARIABLE)
    if token:
        return token
    if database is None:
        return _make()
    path = token_file(database)
    check_file(path)
    create_private(path, _make().encode("ascii"))
    return path.read_text("ascii").strip()


def token_file(database: Path) -> Path:
    """Where the random token of that database is kept, mode 0600."""
    return database.with_name(database.name + ".control-token")


def check_token(request: Incoming, token: str) -> None:
    """Raises ServiceError 401 unless the request carries `Authorization: Bearer TOKEN`.

    Args:
        request: any method and path.
        token: the expected one.
    """
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    # compared in constant time: the port is open to every user of the machine
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.strip().encode(), token.encode()):
        raise ServiceError(
            401,
            "NotAuthenticated",
            "The control API asks for the header Authorization: Bearer TOKEN; local serve prints the token when it starts.",
            {"www-authenticate": "Bearer"},
        )


def _make() -> str:
    return secrets.token_urlsafe(24)
