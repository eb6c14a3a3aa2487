"""The SQLite file of a tenancy (opened, created, changed one whole transaction at a time), and new OCIDs: `ocid1.TYPE.oc1.[REGION].UNIQUE`.

Several processes may have the same file open. Write-ahead logging keeps it whole when any of them is killed, and every change waits
for the one write lock.
"""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genai_iac.filesystem import check_file

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base 32, as in real OCIDs


def make_ocid(kind: str, region: str = "") -> str:
    """A new OCID; things of Identity have no region in theirs.

    Args:
        kind: the second part, such as generativeaiapikey.
        region: long name; empty for Identity.
    """
    start = "amaaaaaa" if region else "aaaaaaaa"
    return f"ocid1.{kind}.oc1.{region}.{start}" + "".join(secrets.choice(_ALPHABET) for _ in range(52))


_VERSION = 3  # of the tables; stored as user_version
# what a file of layout 2 lacks; the rest of it is as it was
_TABLES_SINCE = {2: ("inference_scripts", "model_responses")}
_LATER = "audit_events"  # came without a new layout: earlier releases can still open the file
_WAIT = 30.0  # seconds for another process's transaction


class DatabaseError(Exception):
    """The file cannot be used as a tenancy; the message says why and what to do."""


class Database:
    """One connection, one transaction at a time. `write()` and `snapshot()` do not nest.

    Args:
        path: None keeps it in memory, for this process alone.

    Raises:
        DatabaseError: the file is something else, or of a version that cannot be read.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._write_lock = threading.Lock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite gives its journal the mode of the file, so the file is private before SQLite sees it
            for beside in ("", "-wal", "-shm", "-journal"):
                check_file(path.with_name(path.name + beside))
            path.touch(mode=0o600)
        # the connection is made in one thread and used in the server's
        self.connection = sqlite3.connect(
            str(path) if path else ":memory:", isolation_level=None, check_same_thread=False, timeout=_WAIT
        )
        self.connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise DatabaseError(f"{path} is not a local emulator ({error}); name another file or remove it") from error

    def close(self) -> None:
        """Close the connection; the file stays."""
        self.connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its first statement; rolled back on any exception.

        The lock is taken at the beginning: upgrading a read lock later could deadlock two
        processes.
        """
        with self._write_lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A transaction that only reads, and sees one moment of the file."""
        with self._write_lock:
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                self.connection.execute("COMMIT")

    def _prepare(self) -> None:
        # A process that is killed in the middle of a transaction leaves a file that the next
        # one can read.
        self.connection.execute("PRAGMA journal_mode = WAL")
        # A power cut may lose the last calls; it is test data.
        self.connection.execute("PRAGMA synchronous = NORMAL")
        if self._version() != _VERSION:
            self._make_tables()
        self._add_tables()

    def _make_tables(self) -> None:
        """All tables of a new file, and those of this layout that a file of an earlier one lacks."""
        with self.write() as connection:
            version = self._version()
            if version == 0:
                # Another program's database must not get tables of ours.
                if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    raise DatabaseError(f"{self.path} is a database of something else; name another file")
                _create_tables(connection)
            elif version in _TABLES_SINCE:
                _add_tables(connection, _TABLES_SINCE[version])
            elif version != _VERSION:
                raise DatabaseError(
                    f"{self.path} was made by another version of genai-iac (layout {version}); remove it to start afresh"
                )

    def _add_tables(self) -> None:
        """What a file of this layout that an earlier release made may lack."""
        with self.write() as connection:
            connection.execute(_UNFILLED)
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_LATER,)).fetchone() is None:
                _add_tables(connection, (_LATER,))

    def _version(self) -> int:
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])


_UNFILLED = "CREATE TABLE IF NOT EXISTS unfilled (n INTEGER PRIMARY KEY, variables TEXT NOT NULL)"


def encode_json(value: Any) -> str:
    """Compact JSON text for a column."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _statements() -> Iterator[str]:
    """The statements that make the tables; executescript would commit the transaction they are part of."""
    script = Path(__file__).with_name("schema.sql").read_text("utf-8")
    statement = ""
    for line in script.splitlines():
        statement += line.split("--")[0] + "\n"
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""


def _add_tables(connection: sqlite3.Connection, names: tuple[str, ...]) -> None:
    for statement in _statements():
        if statement.startswith(tuple(f"CREATE TABLE {name} " for name in names)):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _create_tables(connection: sqlite3.Connection) -> None:
    for statement in _statements():
        connection.execute(statement)
    connection.execute(
        "INSERT INTO world (one, tenancy, administrators) VALUES (1, ?, ?)", (make_ocid("tenancy"), make_ocid("group"))
    )
    connection.execute(f"PRAGMA user_version = {_VERSION}")
