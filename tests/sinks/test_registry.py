"""The registry of sinks: what is in it, what a manifest may say, and what installed packages may bring."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from genai_iac.core.errors import SinkError
from genai_iac.delivery import sinks
from genai_iac.delivery.sinks import SINKS, Context, Sink, entry_schema, find_sink, open_sink
from genai_iac.delivery.sinks.exec import ExecSink
from genai_iac.delivery.sinks.file import FileSink

from .packages import PLUGIN, install
from .samples import ADDRESS, OWNER
from .sink_harness import HARNESSES


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path, tmp_path / ".genai-iac", ADDRESS, OWNER)


def test_every_file_of_the_directory_is_registered() -> None:
    files = {path.stem for path in Path(sinks.__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    assert {sink.__module__.rsplit(".", 1)[1] for sink in SINKS.values()} == files
    assert all(word == sink.word for word, sink in SINKS.items())


def test_two_sinks_of_one_word_are_an_error() -> None:
    duplicate = ModuleType("twin")
    duplicate.Duplicate = type("Twin", (FileSink,), {"__module__": "twin"})  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"two sinks are called file: genai_iac\.delivery\.sinks\.file and twin"):
        sinks.register_sink([sys.modules[FileSink.__module__], duplicate])


def test_a_file_without_exactly_one_sink_is_an_error() -> None:
    with pytest.raises(TypeError, match="empty defines 0 sinks"):
        sinks.register_sink([ModuleType("empty")])


def test_importing_the_registry_is_cheap() -> None:
    heavy = ["oci", "subprocess", "jsonschema", "importlib.metadata", "yaml", "socket", "ssl"]
    script = f"import sys, genai_iac.delivery.sinks; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("harness", HARNESSES.values())
def test_the_schema_takes_what_the_sinks_take(harness: type[Any]) -> None:
    jsonschema.validate(harness.entry, dict(entry_schema()))


@pytest.mark.parametrize(
    "entry",
    [
        {},
        "file",
        {"file": "secrets/chat.env"},
        {"fiel": {"path": "secrets/chat.env"}},
        {"file": {}},
        {"file": {"path": "a.env"}, "exec": {"command": ["true"]}},
        {"file": {"path": "a.env", "mode": "0644"}},
        {"file": {"path": "a.env", "format": "yaml"}},
        {"file": {"path": "../a.env"}},
        {"file": {"path": "/a.env"}},
        {"file": {"path": "~/a.env"}},
        {"file": {"path": "a/../../b.env"}},
        {"exec": {"command": []}},
        {"exec": {"command": "gh secret set X"}},
        {"exec": {"command": [""]}},
        {"exec": {"command": ["a\0b"]}},
        {"exec": {"command": ["true"], "shell": True}},
        {"exec": {"command": ["true"], "timeout": 30}},
        {"exec": {"command": ["true"], "timeout": "0s"}},
        {"exec": {"command": ["true"], "timeout": "1h"}},
        {"vault": {"vault": "ocid1.vault", "key": "ocid1.key", "compartment": "chat"}},
        {"vault": {"vault": "ocid1.vault", "key": "ocid1.key", "compartment": "chat", "name": "a b"}},
        {"vault": {"vault": "ocid1.vault", "key": "ocid1.key", "compartment": "chat", "name": "a", "stage": "CURRENT"}},
    ],
    ids=json.dumps,
)
def test_the_schema_refuses_what_the_sinks_do_not_take(entry: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(entry, dict(entry_schema()))


def test_the_schema_is_a_schema_and_plain_data() -> None:
    schema = dict(entry_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_an_entry_names_one_place(context: Context) -> None:
    with pytest.raises(
        SinkError, match=r"names 2.*an entry of its own: one of aws, exec, file, github, hashicorp, kubernetes, vault"
    ):
        open_sink({"file": {"path": "a.env"}, "exec": {"command": ["true"]}}, context)


@pytest.mark.parametrize("word", ["fiel", "acme.nothing", "os.system", ""])
def test_an_unknown_word_is_an_error_that_lists_the_known_ones(word: str, context: Context) -> None:
    with pytest.raises(
        SinkError,
        match=r"no sink is called .*; write one of aws, exec, file, github, hashicorp, kubernetes, vault, or install",
    ):
        open_sink({word: {}}, context)


def test_a_third_party_brings_a_sink(installed: Path, context: Context) -> None:
    install(installed)
    sink = open_sink({"acme.ssm": {"parameter": "/chat"}}, context)
    assert isinstance(sink, Sink) and sink.place == "acme.ssm /chat"
    jsonschema.validate({"acme.ssm": {"parameter": "/chat"}}, dict(entry_schema()))
    with pytest.raises(SinkError, match=r"deliverTo\.acme\.ssm: 'parameter' is a required property"):
        open_sink({"acme.ssm": {}}, context)


def test_nothing_is_loaded_from_the_current_directory(
    tmp_path: Path, installed: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = install(tmp_path / "checkout")
    monkeypatch.chdir(checkout)
    for entry in ("", str(checkout), "."):
        monkeypatch.setattr(sys, "path", [entry, *sys.path])
        with pytest.raises(SinkError, match=r"no sink is called 'acme\.ssm'"):
            find_sink("acme.ssm")


def test_an_installed_sink_is_not_shadowed_by_the_current_directory(
    tmp_path: Path, installed: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(installed)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "acme_sink.py").write_text("raise RuntimeError('the checkout ran')")
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert find_sink("acme.ssm").word == "acme.ssm"
    assert sys.path[0] == ""


def test_a_built_in_sink_cannot_be_replaced(installed: Path, context: Context) -> None:
    install(installed, word="file")
    assert find_sink("file") is FileSink


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise RuntimeError('broken')", "cannot be loaded: RuntimeError: broken; reinstall its package"),
        ("", "cannot be loaded"),
        ("Acme = 3", "is not a sink with the word"),
        (PLUGIN.replace('"acme.ssm", False', '"acme.other", False'), "is not a sink with the word"),
    ],
)
def test_a_package_that_does_not_keep_its_word_is_an_error(installed: Path, code: str, why: str) -> None:
    install(installed, code=code)
    with pytest.raises(SinkError, match=why):
        find_sink("acme.ssm")


def test_two_packages_with_one_word_are_an_error(installed: Path) -> None:
    install(installed)
    install(installed, module="other_sink")
    with pytest.raises(
        SinkError, match=r"several packages bring a sink called 'acme\.ssm': acme_sink:Acme, other_sink:Acme"
    ):
        find_sink("acme.ssm")


def test_places_can_be_distinguished(context: Context) -> None:
    long = ["sh", "-c", "x" * 200]
    entries: list[dict[str, Any]] = [
        {"file": {"path": "a.env"}},
        {"file": {"path": "b.env"}},
        {"exec": {"command": ["true"]}},
        {"exec": {"command": long}},
        {"exec": {"command": [*long, "y"]}},
        {"vault": {"vault": "ocid1.vault.oc1..aaaaaa", "key": "k", "compartment": "c", "name": "a"}},
        {"vault": {"vault": "ocid1.vault.oc1..bbbbbb", "key": "k", "compartment": "c", "name": "a"}},
    ]
    places = [open_sink(entry, context).place for entry in entries]
    assert len(set(places)) == len(places)
    assert all(place.isprintable() and len(place) < 120 for place in places)
    assert places[0] == "file a.env" and places[2] == "exec true"


def test_a_place_is_one_line(context: Context) -> None:
    place = open_sink({"exec": {"command": ["sh", "-c", "one\ntwo\x1b[31m\u202ethree"]}}, context).place
    assert place.isprintable()


def test_what_needs_a_tenancy_says_so_without_one(context: Context) -> None:
    sink = open_sink(HARNESSES["vault"].entry, replace(context, vault=None))
    with pytest.raises(SinkError, match="can only be reached with a tenancy; run this with credentials"):
        sink.prove()


def test_the_roles_say_what_a_sink_keeps() -> None:
    assert ExecSink.roles == {"current"} and not ExecSink.readable
    assert FileSink.roles == {"current", "standby", "pending", "inactive"} and FileSink.readable
