"""One file, several processes: each sees what the others did at once, and any of them may be killed at any moment."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import oci
import openai
import pytest

from genai_iac.emulator import DatabaseError, Emulator, Running, running

from .clients import CHAT_ANY, Clients, chat, refusal

SERVE = """
import sys
from pathlib import Path
from genai_iac.emulator import serve
serve(Path(sys.argv[1]), 0, on_ready=lambda url: print(url, flush=True))
"""


@contextmanager
def served(db: Path) -> Iterator[tuple[subprocess.Popen[str], Clients]]:
    """Another process that serves the file."""
    with subprocess.Popen([sys.executable, "-c", SERVE, str(db)], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            url = child.stdout.readline().strip()
            assert url
            config = db.parent / "oci" / "config"
            tenancy = str(oci.config.from_file(str(config))["tenancy"])
            yield child, Clients(Running(url, config, tenancy, "us-ashburn-1"))
        finally:
            child.kill()


def test_two_servers_on_one_file_are_one_tenancy(tmp_path: Path) -> None:
    db = tmp_path / "local.db"
    with served(db) as (_, there), running(db) as tenancy:
        here = Clients(tenancy)
        assert here.root == there.root
        ocid = there.compartment("shared")
        key = here.key(ocid)
        client = there.openai(key.keys[0].key)
        with pytest.raises(openai.AuthenticationError):
            chat(client)
        policy = here.policy("chat", CHAT_ANY)
        assert chat(client)
        assert chat(here.openai(key.keys[0].key))
        there.identity().delete_policy(policy.id)
        with pytest.raises(openai.AuthenticationError):
            chat(here.openai(key.keys[0].key))
        here.control("POST", "clock", {"advance": "100d"})
        assert there.ai().get_api_key(key.id).data.keys[0].state == "EXPIRED"
        there.control("POST", "settings", {"limits": {"apiKeyCount": 1}})
        body = {"compartmentId": ocid, "displayName": "more", "keyDetails": [{"keyName": "one"}]}
        assert refusal(here.ai().create_api_key, body)[1] == "LimitExceeded"
        here.control("POST", "faults", {"operation": "ListGroups", "effect": {"status": 503}})
        assert refusal(there.identity().list_groups, there.root)[0] == 503
        assert there.control("GET", "calls") == here.control("GET", "calls")
        there.principal("ci", "Administrators")
        assert Clients(tenancy, "ci").identity().list_groups(here.root).data


def test_writes_from_two_processes_do_not_lose_one_another(tmp_path: Path) -> None:
    db = tmp_path / "local.db"
    with served(db) as (_, there), running(db) as tenancy:
        here = Clients(tenancy)

        def make(clients: Clients, prefix: str) -> None:
            for number in range(25):
                clients.group(f"{prefix}{number}")

        threads = [threading.Thread(target=make, args=pair) for pair in ((here, "here"), (there, "there"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        names = {item.name for item in here.identity().list_groups(here.root, limit=1000).data}
        assert len(names) == 51


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    db = tmp_path / "local.db"
    with running(db) as tenancy:
        clients = Clients(tenancy)
        clients.principal("ci", "Administrators")
        clients.policy("chat", CHAT_ANY)
        value = clients.key(clients.compartment("kept")).keys[0].key
        config, other = clients.config(), Clients(tenancy, "ci").config()
    with running(db) as tenancy:
        clients = Clients(tenancy)
        assert clients.config() == config
        assert Clients(tenancy, "ci").config() == other
        assert [item.name for item in Clients(tenancy, "ci").identity().list_compartments(clients.root).data] == [
            "kept"
        ]
        assert chat(clients.openai(value))


@pytest.mark.parametrize("moment", [0.01, 0.03, 0.05, 0.08, 0.13])
def test_killed_at_any_write_the_file_is_whole(tmp_path: Path, moment: float) -> None:
    db = tmp_path / "local.db"
    answered: list[str] = []
    with served(db) as (child, there):
        identity = there.identity()

        def work() -> None:
            number = 0
            while True:
                number += 1
                body = {"compartmentId": there.root, "name": f"g{number}", "description": "-"}
                try:
                    answered.append(identity.create_group(body).data.name)
                except (oci.exceptions.RequestException, oci.exceptions.ConnectTimeout):
                    return

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(moment)
        os.kill(child.pid, signal.SIGKILL)
        thread.join()
    connection = sqlite3.connect(db)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    with running(db) as tenancy:
        clients = Clients(tenancy)
        names = {item.name for item in clients.identity().list_groups(clients.root, limit=1000).data}
        assert names >= set(answered)  # what was answered is there
        assert len(names) - 1 - len(answered) <= 1  # and at most the one that was not
        clients.group("after")


def test_files_that_are_no_tenancy(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(DatabaseError, match="not a local emulator"):
        Emulator(text)
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    with pytest.raises(DatabaseError, match="something else"):
        Emulator(other)
    newer = tmp_path / "newer.db"
    Emulator(newer).close()
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DatabaseError, match="another version"):
        Emulator(newer)


def test_tenancies_of_one_process_are_apart() -> None:
    with running() as first, running() as second:
        assert first.tenancy != second.tenancy
        Clients(first).compartment("only-here")
        assert Clients(second).identity().list_compartments(second.tenancy).data == []
        assert (
            refusal(
                Clients(Running(second.url, first.config_file, first.tenancy, "us-ashburn-1")).identity().list_regions
            )[0]
            == 401
        )
