"""What a door of the control API is given, and how it is declared."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_iac.emulator.http.errors import unparsable
from genai_iac.emulator.http.requests import Incoming, parse_json


@dataclass(frozen=True)
class ControlRequest:
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


@dataclass(frozen=True)
class ControlRoute:
    """What a method at a path does: JSON to answer with, or None. `profiles`: the client files are written anew after."""

    function: Callable[[ControlRequest], Any]
    writes: bool = False  # needs the write lock
    profiles: bool = False
