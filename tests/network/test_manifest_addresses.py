"""No address that a manifest names is connected to or looked up: some URLs with every run, each in every place with `-m matrix`."""

from __future__ import annotations

import copy
import random
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from conftest import Project, Tenancy
from figures import note_figure
from plan_apply.manifests import compartment, document, key, policy

from .hostile_addresses import Trace, addresses, traced

Path_ = tuple[Any, ...]
SECRETS = [{"name": "key-one", "expires": "90d"}, {"name": "key-two", "expires": "120d"}]
VAULT, MASTER = "ocid1.vault.oc1.us-chicago-1.a.b", "ocid1.key.oc1.us-chicago-1.a.b"
DOCUMENTS: list[dict[str, Any]] = [
    document(
        "Stack",
        "loop",
        {
            "region": "us-chicago-1",
            "tags": {"team": "ml"},
            "variables": {"owner": {"default": "ml", "description": "d", "pattern": "^.*$"}},
        },
    ),
    compartment("home", description="d", tags={"a": "b"}),
    document("Project", "chat", {"compartment": "home", "description": "d"}),
    key(
        "app",
        secrets=SECRETS,
        description="d",
        displayName="app",
        region="us-chicago-1",
        project="chat",
        endpoint="openai/v1",
        tags={"c": "d"},
        rotation={"every": "60d", "verify": {"model": "xai.grok-4"}},
        deliverTo=[
            {"file": {"path": "secrets/app.env", "format": "dotenv", "env": {"key": "OPENAI_API_KEY"}}},
            {"vault": {"vault": VAULT, "key": MASTER, "name": "app", "compartment": "home"}},
            {"exec": {"command": ["./deliver.sh"], "check": ["./check.sh"]}},
        ],
    ),
    policy("p", compartment="home", statements=["allow group ${var.owner} to inspect policies in compartment home"]),
    policy("q", grants=[{"apiKey": "app", "apis": ["chat"], "models": ["xai.grok-4"]}]),
]


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every text in the documents, and of every name of a tag or variable."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*path, name))
    if isinstance(value, str) and path[-1] not in ("apiVersion", "kind"):
        yield path


PLACES = list(places(DOCUMENTS))


def filled(path: Path_, url: str) -> str:
    """The manifests with that text in that place."""
    documents = copy.deepcopy(DOCUMENTS)
    parent: Any = documents
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = url
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)


@pytest.fixture(name="trap")
def listen() -> Iterator[socket.socket]:
    """A listener on this machine that nobody may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        yield trap


def pairs(trap: socket.socket, count: int | None) -> list[tuple[Path_, str]]:
    every = [(place, url) for place in PLACES for url in addresses(trap.getsockname()[1])]
    return every if count is None else random.Random("addresses").sample(every, count)


def test_there_are_enough_of_them() -> None:
    assert len(set(addresses(1))) >= 60 and len(PLACES) >= 35


@pytest.mark.parametrize("count", [16, pytest.param(None, marks=pytest.mark.matrix)], ids=["some", "every"])
def test_with_an_emulator_nothing_else_is_connected_to(
    project: Project, tenancy: Tenancy, trap: socket.socket, count: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validate, then plan: the emulator is the only address that is called."""
    monkeypatch.setattr("genai_iac.oci_client.retry._LONGEST", 0.001)
    home = urlsplit(tenancy.url)
    tried = pairs(trap, count)
    for place, url in tried:
        project.write(filled(place, url))
        with traced() as trace:
            if project.run("validate", code=None).code == 0:
                project.run("plan", code=None)
        assert {one[:2] for one in trace.connected} <= {(home.hostname, home.port)}, (place, url, trace)
        assert set(trace.looked_up) <= {home.hostname}, (place, url, trace)
    with pytest.raises(BlockingIOError):
        trap.accept()
    note_figure(len(tried), "URLs in a place, none called")


@pytest.mark.parametrize("count", [12, pytest.param(None, marks=pytest.mark.matrix)], ids=["some", "every"])
def test_without_an_emulator_only_hosts_of_oci_are_looked_up(
    offline: Project, tenancy: Tenancy, trap: socket.socket, count: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name is answered and nothing connected to here; each that is asked for belongs to OCI."""
    monkeypatch.setattr("genai_iac.oci_client.retry._LONGEST", 0.001)
    offline.environ["GENAI_IAC_CONFIG_FILE"] = str(tenancy.config_file)
    tried = pairs(trap, count)
    seen: set[str] = set()
    for place, url in tried:
        offline.write(filled(place, url))
        with traced(blocked=True) as trace:
            if offline.run("validate", code=None).code == 0:
                offline.run("plan", code=None)
        assert strangers(trace) == [], (place, url)
        seen.update(trace.looked_up)
    assert seen, "not even OCI was called"
    note_figure(len(tried), "URLs in a place, none called")


def strangers(trace: Trace) -> list[Any]:
    """What is no host of OCI's."""
    hosts = [one for one in trace.looked_up if not re.fullmatch(r"[a-z-]+(\.[a-z0-9-]+)*\.oraclecloud\.com", one)]
    return [*hosts, *trace.connected]


def test_the_manifests_are_good_and_are_planned(project: Project, tenancy: Tenancy) -> None:
    project.write(yaml.safe_dump_all(DOCUMENTS, sort_keys=False))
    project.run("validate")
    ran = project.run("plan", code=None)
    assert "CreateApiKey" in ran.out or "group ml" in ran.err, ran


def test_a_connection_to_elsewhere_would_be_seen(trap: socket.socket) -> None:
    with traced() as trace, socket.create_connection(trap.getsockname()):
        pass
    assert trace.connected == [trap.getsockname()]
    with traced(blocked=True) as trace, pytest.raises(OSError, match="no names"):
        socket.create_connection(("evil.example", 443))
    assert strangers(trace) == ["evil.example"]


@pytest.mark.parametrize(
    "url", ["https://evil.example/openai/v1", "https://inference.generativeai.evil.example/openai/v1"]
)
def test_an_endpoint_of_a_key_is_refused_before_the_first_write(project: Project, tenancy: Tenancy, url: str) -> None:
    index = next(path for path in PLACES if path[-1] == "endpoint")
    project.write(filled(index, url))
    ran = project.run("apply", "--auto-approve", code=3)
    assert "is no endpoint of OCI Generative AI" in " ".join(ran.err.split())
    assert tenancy.writes() == []
