"""The sink is held to what every sink promises."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import acme_sink
import pytest
from acme_sink import SqliteSink

from genai_iac.testing import SinkContract, SinkHarness
from genai_iac.testing.sink_harness import delivery, item


class SqliteHarness(SinkHarness):
    entry: ClassVar[Mapping[str, Any]] = {"acme.sqlite": {"database": "keys.db", "name": "chat-app"}}
    sink = SqliteSink

    def consumer(self) -> str | None:
        """What a program reads that knows nothing of genai-iac."""
        if not (self.root / "keys.db").exists():
            return None
        with closing(sqlite3.connect(self.root / "keys.db")) as database:
            row = database.execute("SELECT text FROM keys WHERE name = 'chat-app'").fetchone()
        return json.loads(row[0]).get("OPENAI_API_KEY") if row else None

    def outside(self) -> object:
        """The rows: how SQLite lays them out in its file is no difference."""
        if not (self.root / "keys.db").exists():
            return None
        with closing(sqlite3.connect(self.root / "keys.db")) as database:
            there = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone()
            return database.execute("SELECT * FROM keys").fetchall() if there else None

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Another program writes: SQLite lets others read meanwhile."""
        file = self.root / "keys.db"
        there = file.exists()
        connection = closing(sqlite3.connect(file, isolation_level=None))
        with connection as database, mock.patch.object(acme_sink, "PATIENCE", 0.0):
            database.execute("BEGIN IMMEDIATE")
            yield
        if not there:
            file.unlink()


class TestSqliteSink(SinkContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return SqliteHarness(tmp_path)

    def test_other_users_cannot_read_the_values(self, harness: SinkHarness) -> None:
        harness.open().write(delivery(item("key-one", "a", "current")))
        assert (harness.root / "keys.db").stat().st_mode & 0o077 == 0
