"""A database file that an older version made is opened, and lacks nothing then."""

import sqlite3
from pathlib import Path

import pytest

from genai_iac.emulator import Emulator
from genai_iac.emulator.storage.database import DatabaseError


def tables(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {row[0] for row in rows}


def change(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_file_of_layout_2_gets_the_tables_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "local.db"
    with Emulator(path) as emulator:
        tenancy = emulator.tenancy
    complete = tables(path)
    change(path, "DROP TABLE inference_scripts", "DROP TABLE model_responses", "PRAGMA user_version = 2")
    for _ in range(2):
        with Emulator(path) as emulator:
            assert emulator.tenancy == tenancy
        assert tables(path) == complete


@pytest.mark.parametrize("version", [1, 99])
def test_a_file_of_an_unknown_layout_is_refused(tmp_path: Path, version: int) -> None:
    path = tmp_path / "local.db"
    Emulator(path).close()
    change(path, f"PRAGMA user_version = {version}")
    with pytest.raises(DatabaseError, match=f"layout {version}"):
        Emulator(path)


def test_a_file_from_before_audit_events_gets_their_table(tmp_path: Path) -> None:
    path = tmp_path / "local.db"
    Emulator(path).close()
    complete = tables(path)
    change(path, "DROP TABLE audit_events")
    Emulator(path).close()
    assert tables(path) == complete
