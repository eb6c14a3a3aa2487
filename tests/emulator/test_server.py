"""The server inside another process: it starts and stops fast, and leaves no trace in its host process."""

import asyncio
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import oci
import pytest
from counting import PATIENCE

from genai_iac.emulator import Emulator, running, serve, shell_exports, write_client_config

from .clients import CHICAGO, Clients, control
from .test_processes import served


def test_start_and_stop_leave_no_trace(tmp_path: Path) -> None:
    with running(tmp_path / "a.db"):  # makes the key, imports what is needed
        pass
    loggers = {name: (item.level, list(item.handlers), item.propagate) for name, item in _loggers().items()}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    threads = threading.active_count()
    for _ in range(5):
        with running(tmp_path / "a.db") as tenancy:
            assert control(tenancy.url, "GET", "health")["status"] == "ok"
    assert threading.active_count() == threads
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert {name: (item.level, list(item.handlers), item.propagate) for name, item in _loggers().items()} == loggers
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{tenancy.url}/_local/health")


def _loggers() -> dict[str, logging.Logger]:
    return {
        name: item for name, item in logging.root.manager.loggerDict.items() if isinstance(item, logging.Logger)
    } | {"root": logging.root}


def test_nothing_is_logged_or_printed(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG), running() as tenancy:
        control(tenancy.url, "GET", "health")
        place = tenancy.url.removeprefix("http://").split(":")
        with socket.create_connection((place[0], int(place[1]))) as line:
            line.sendall(b"NONSENSE\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 400")
    assert [record for record in caplog.records if record.name.startswith(("uvicorn", "genai_iac"))] == []
    assert capfd.readouterr() == ("", "")


def test_a_port_that_is_taken_is_an_error() -> None:
    with running() as tenancy:
        port = int(tenancy.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), running(port=port):
            pass


def test_an_error_in_the_block_comes_through() -> None:
    with pytest.raises(ZeroDivisionError), running():
        _ = 1 / 0


def test_it_runs_beside_an_event_loop_of_the_host() -> None:
    async def host() -> str:
        with running() as tenancy:
            return str((await asyncio.to_thread(control, tenancy.url, "GET", "health"))["status"])

    assert asyncio.run(host()) == "ok"


def test_an_open_connection_does_not_hold_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genai_iac.emulator.http.server._GRACE", 10 * PATIENCE)
    with running() as tenancy:
        place = tenancy.url.removeprefix("http://").split(":")
        line = socket.create_connection((place[0], int(place[1])))
        line.sendall(b"GET /_local/health HTTP/1.1\r\n")
        started = time.perf_counter()
    assert time.perf_counter() - started < PATIENCE
    line.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_cleanly_on_a_signal(tmp_path: Path, number: int) -> None:
    with served(tmp_path / "local.db") as (child, there):
        there.compartment("made")
        os.kill(child.pid, number)
        assert child.wait(5) == 0
        assert child.stdout is not None
        assert child.stdout.read() == ""
    assert not list(tmp_path.glob("*-wal")), "the last one out folds the log into the file"


def test_serve_is_for_loopback_only(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "example.com", ""):
        with pytest.raises(ValueError, match="loopback"):
            serve(tmp_path / "local.db", 0, host)
    assert not (tmp_path / "local.db").exists()


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with running(tmp_path / "deep" / "local.db") as tenancy:
            Clients(tenancy).principal("ci")
            files = [path for path in tmp_path.rglob("*") if path.is_file()]
            assert {path.name for path in files} >= {"local.db", "config", "administrator.pem", "ci.pem"}
            for path in files:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            assert tenancy.config_file == (tmp_path / "deep" / "oci" / "config").resolve()
            assert stat.S_IMODE(tenancy.config_file.parent.stat().st_mode) == 0o700
    finally:
        os.umask(old)


def test_the_configuration_satisfies_the_sdk_and_the_cli(tmp_path: Path) -> None:
    path = write_client_config(tmp_path / "local.db", tmp_path / "profiles")
    config = oci.config.from_file(str(path))
    oci.config.validate_config(config)
    assert path == (tmp_path / "profiles" / "config").resolve()
    assert Path(config["key_file"]).read_text().rstrip().endswith("OCI_API_KEY")
    assert write_client_config(tmp_path / "local.db", tmp_path / "profiles") == path
    assert oci.config.from_file(str(path)) == config
    other = write_client_config(tmp_path / "local.db", tmp_path / "elsewhere")
    with running(tmp_path / "local.db", oci_dir=tmp_path / "profiles") as tenancy:
        for file in (path, other):
            client = oci.identity.IdentityClient(oci.config.from_file(str(file)), service_endpoint=tenancy.url)
            assert client.get_tenancy(tenancy.tenancy).data.name == "local"


def test_racing_first_starts_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from genai_iac.emulator import write_client_config; "
        "write_client_config(Path(sys.argv[1]) / 'local.db', Path(sys.argv[1]) / 'oci')"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [child.wait(30) for child in children] == [0, 0, 0]
    with running(tmp_path / "local.db") as tenancy:
        assert Clients(tenancy).identity().list_regions().data


def test_exports_point_every_client_here(tmp_path: Path) -> None:
    path = write_client_config(tmp_path / "local.db", tmp_path / "oci")
    exports = shell_exports("http://127.0.0.1:4180", path)
    assert exports["OCI_CLI_ENDPOINT"] == exports["GENAI_IAC_ENDPOINT"] == "http://127.0.0.1:4180"
    assert exports["OCI_CLI_CONFIG_FILE"] == exports["OCI_CONFIG_FILE"] == exports["GENAI_IAC_CONFIG_FILE"] == str(path)
    overrides = dict(item.split("=", 1) for item in exports["CLIENT_HOST_OVERRIDES"].split(";"))
    assert overrides["oci_identity.IdentityClient"] == "http://127.0.0.1:4180"
    assert overrides["oci_generative_ai.GenerativeAiClient"] == "http://127.0.0.1:4180"
    assert exports["OPENAI_BASE_URL"] == "http://127.0.0.1:4180/r/us-ashburn-1/20231130/actions/v1"


def test_exports_for_a_region_reach_that_region(tmp_path: Path) -> None:
    with running(tmp_path / "local.db") as tenancy:
        clients = Clients(tenancy)
        key = clients.key(tenancy.tenancy)
        for region, found in ((CHICAGO, [key.id]), ("eu-frankfurt-1", [])):
            exports = shell_exports(tenancy.url, tenancy.config_file, region)
            overrides = dict(item.split("=", 1) for item in exports["CLIENT_HOST_OVERRIDES"].split(";"))
            assert {exports["OCI_CLI_REGION"], exports["OCI_REGION"], exports["TF_VAR_region"]} == {region}
            for endpoint in (exports["OCI_CLI_ENDPOINT"], overrides["oci_generative_ai.GenerativeAiClient"]):
                client = oci.generative_ai.GenerativeAiClient(clients.config(), service_endpoint=endpoint)
                assert [item.id for item in client.list_api_keys(tenancy.tenancy).data.items] == found
            assert exports["OPENAI_BASE_URL"] == f"{tenancy.url}/r/{region}/20231130/actions/v1"
            assert exports["GENAI_IAC_ENDPOINT"] == tenancy.url


def test_the_application_is_plain_asgi() -> None:
    import httpx

    async def talk(emulator: Emulator) -> int:
        transport = httpx.ASGITransport(app=emulator.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.get("/_local/health")).status_code

    with Emulator(home_region="eu-frankfurt-1") as emulator:
        assert emulator.config_file is None
        assert emulator.home_region == "eu-frankfurt-1"
        assert asyncio.run(talk(emulator)) == 200
        emulator.reset()
        assert emulator.home_region == "eu-frankfurt-1"


def test_ipv6_loopback_is_loopback(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from genai_iac.emulator import serve; "
        "serve(Path(sys.argv[1]), 0, '::1', on_ready=lambda url: print(url, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "local.db")], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        if not url:
            pytest.skip("this machine has no IPv6 loopback")
        assert url.startswith("http://[::1]:")
        assert control(url, "GET", "health")["status"] == "ok"
        child.terminate()
        assert child.wait(5) == 0
