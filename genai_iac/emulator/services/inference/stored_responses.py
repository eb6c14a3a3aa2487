"""Responses kept so that they can be fetched, deleted and continued with `previous_response_id`.

They belong to the tenancy, as the key or user that made them does; only the newest are kept."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genai_iac.emulator.storage.database import encode_json

KEPT = 1_000  # responses of one tenancy


@dataclass(frozen=True)
class Said:
    """A conversation up to here: the texts in order, and the calls of tools by id (to the tool's name)."""

    texts: tuple[str, ...] = ()  # of all messages, oldest first
    calls: Mapping[str, str] = field(default_factory=dict)


def store_response(connection: sqlite3.Connection, response: dict[str, Any], said: Said) -> None:
    """Keep a response; the oldest go when there are too many."""
    text = encode_json({"texts": said.texts, "calls": said.calls})
    cursor = connection.execute(
        "INSERT INTO model_responses (id, body, said) VALUES (?,?,?)", (response["id"], encode_json(response), text)
    )
    connection.execute("DELETE FROM model_responses WHERE seq <= ?", ((cursor.lastrowid or 0) - KEPT,))


def find_response(connection: sqlite3.Connection, identity: str) -> tuple[dict[str, Any], Said] | None:
    """A response and the conversation it ended."""
    row = connection.execute("SELECT body, said FROM model_responses WHERE id = ?", (identity,)).fetchone()
    if row is None:
        return None
    said = json.loads(row["said"])
    return json.loads(row["body"]), Said(tuple(said["texts"]), said["calls"])


def delete_response(connection: sqlite3.Connection, identity: str) -> None:
    """Forget a response."""
    connection.execute("DELETE FROM model_responses WHERE id = ?", (identity,))
