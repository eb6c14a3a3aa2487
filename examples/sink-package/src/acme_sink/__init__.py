"""A genai-iac sink that keeps the secrets of API keys in a SQLite database, one row a key."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from genai_iac.core import Delivery, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import (
    ENV_SCHEMA,
    Contents,
    Context,
    Sink,
    check_contents,
    fill_delivery,
    read_json,
    read_names,
    render_json,
)

PATIENCE = 5.0  # seconds for another program that writes


class SqliteSink(Sink):
    """`acme.sqlite: {database, name, env}`. The row's text is one JSON object: the values, and the records beside them."""

    word = "acme.sqlite"
    readable = True
    # `validate` refuses, with the place in the manifest, what this refuses; descriptions and examples are its hints
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["database", "name"],
        "properties": {
            "database": {
                "type": "string",
                "pattern": r"^[A-Za-z0-9_-]+\.db$",
                "description": "A file beside the manifests.",
                "examples": ["keys.db"],
            },
            "name": {"type": "string", "minLength": 1, "description": "The name of the row.", "examples": ["chat-app"]},
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        # opening a sink touches nothing
        self._file = Path(context.root, settings["database"])
        self._name = settings["name"]
        self._names = read_names(self.word, settings)
        self._context = context

    @property
    def place(self) -> str:
        return f"acme.sqlite {self._name} in {self._file.name}"

    def prove(self) -> None:
        # a transaction that is rolled back: it finds a full disk and a read-only file, and leaves no trace
        self.read()
        if self._file.exists():
            with self._database() as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute("CREATE TABLE IF NOT EXISTS proof (name TEXT)")
                database.rollback()

    def read(self) -> SinkContents | None:
        held = self._held()
        return held.holding_as(self._names) if held else None

    def take(self, secret: str, mask: str) -> Secret | None:
        held = self._held()
        return held.value(secret, mask) if held else None

    def write(self, delivery: Delivery) -> None:
        held = self._held()
        if not delivery.items:
            if held:
                with self._database() as database, database:
                    database.execute("DELETE FROM keys WHERE name = ?", (self._name,))
            return
        # an item without a value keeps the one that is held; SinkError when it is not
        wanted = fill_delivery(delivery, held, self._context, self.place, self._names)
        self._store(render_json(wanted))
        if self._held() != wanted:
            raise SinkError(f"{self.place} does not read back as it was written", hint="see who else writes to it")

    def _store(self, text: Secret) -> None:
        try:
            self._file.touch(mode=0o600)  # SQLite would let everybody read it; its journal gets the same mode
        except OSError as error:
            raise SinkError(f"{self.place}: {error.strerror}", hint="correct that, then apply again") from None
        with self._database() as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, text TEXT NOT NULL)")
            # the only place that opens the value: it is an argument of the call, and no local of a frame that may raise
            database.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", (self._name, text.reveal()))

    def _held(self) -> Contents | None:
        """What the row holds of this key. SinkError when it holds another key's secrets, or what is not ours."""
        text = self._text()
        return check_contents(read_json(text) if text else None, self._context, self.place)

    def _text(self) -> Secret | None:
        if not self._file.exists():
            return None
        with self._database() as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone():
                return None
            row = database.execute("SELECT text FROM keys WHERE name = ?", (self._name,)).fetchone()
        return Secret.document(row[0]) if row else None

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._file, timeout=PATIENCE)) as database:
                yield database
        except sqlite3.Error as error:
            raise SinkError(f"{self.place}: {error}", hint="correct that, then apply again") from None
