"""The hashicorp sink against a fake of KV version 2: check-and-set, logins, refusals, and what other hands do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import open_sink

from .fake_hashicorp import ROLE, SECRET_ID, TOKEN
from .fake_http import Sent
from .samples import BASE_URL, KEY_ID, VALUES, delivery, item, mask
from .sink_harness import HashicorpHarness

KV = "secret/data/chat/app"
BOTH = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))


@pytest.fixture
def hashicorp_harness(tmp_path: Path) -> HashicorpHarness:
    return HashicorpHarness(tmp_path)


def test_the_data_are_fields_that_consumers_read(hashicorp_harness: HashicorpHarness) -> None:
    hashicorp_harness.open().write(BOTH)
    data = hashicorp_harness.api.newest(KV)
    assert data and data.pop("genai-iac")["id"] == KEY_ID
    assert data == {
        "OPENAI_API_KEY": VALUES["a"],
        "OPENAI_API_KEY_STANDBY": VALUES["b"],
        "OPENAI_BASE_URL": BASE_URL,
    }


def test_the_same_delivery_again_makes_no_version(hashicorp_harness: HashicorpHarness) -> None:
    hashicorp_harness.open().write(BOTH)
    hashicorp_harness.open().write(BOTH)
    assert len(hashicorp_harness.api.secrets[KV]) == 1


def test_a_writer_in_between_is_not_overwritten(hashicorp_harness: HashicorpHarness) -> None:
    hashicorp_harness.open().write(BOTH)
    sink, theirs = hashicorp_harness.open(), {"OPENAI_API_KEY": "of somebody else"}

    def meanwhile(sent: Sent) -> None:
        if sent.method == "POST":
            hashicorp_harness.api.secrets[KV].append(theirs)
            hashicorp_harness.api.failing = lambda sent: None

    hashicorp_harness.api.failing = meanwhile
    with pytest.raises(
        SinkError, match=r"could not write it: 400: check-and-set .* somebody else wrote .*: plan again"
    ):
        sink.write(delivery(item("key-one", "c", "current")))
    assert hashicorp_harness.api.newest(KV) == theirs
    with pytest.raises(SinkError, match="was not written by genai-iac"):
        hashicorp_harness.open().read()


def test_a_deleted_version_is_an_empty_place_that_can_be_written_again(hashicorp_harness: HashicorpHarness) -> None:
    hashicorp_harness.open().write(BOTH)
    hashicorp_harness.open().write(delivery())
    assert hashicorp_harness.open().read() is None and len(hashicorp_harness.api.secrets[KV]) == 1
    hashicorp_harness.open().write(BOTH)
    assert len(hashicorp_harness.api.secrets[KV]) == 2 and hashicorp_harness.consumer() == VALUES["a"]


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "OPENAI_BASE_URL"])
def test_an_edit_by_another_hand_is_seen(hashicorp_harness: HashicorpHarness, name: str) -> None:
    hashicorp_harness.open().write(BOTH)
    hashicorp_harness.api.secrets[KV].append({**(hashicorp_harness.api.newest(KV) or {}), name: "edited"})
    holding = hashicorp_harness.open().read()
    assert holding and "changed" in holding.damage
    assert holding.holds("key-one", mask("a")) is (name == "OPENAI_BASE_URL")
    hashicorp_harness.open().write(BOTH)
    healed = hashicorp_harness.open().read()
    assert healed and not healed.damage and hashicorp_harness.consumer() == VALUES["a"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"capabilities": ("read",)}, r"may not create, delete, update secret/data/chat/app; give its policy"),
        ({"capabilities": ()}, r"could not read it: 403: .*permission denied"),
        ({"sealed": True}, r"could not read it: 503: Vault is sealed; apply again later"),
        ({"tokens": set()}, r"403: .*invalid token"),
        ({"engines": {}}, r"could not (read it|look at its engine): 40"),
        ({"namespace": "team"}, r"403"),
    ],
)
def test_what_blocks_a_write_is_reported_before_a_value_is_created(
    hashicorp_harness: HashicorpHarness, change: dict[str, Any], why: str
) -> None:
    for name, value in change.items():
        setattr(hashicorp_harness.api, name, value)
    with pytest.raises(SinkError, match=why) as caught:
        hashicorp_harness.open().prove()
    assert "hashicorp secret/chat/app at 127.0.0.1" in str(caught.value) and caught.value.hint
    assert hashicorp_harness.api.changes == []


def test_an_engine_of_version_1_is_recognised(hashicorp_harness: HashicorpHarness) -> None:
    old = {"hashicorp": {**hashicorp_harness.entry["hashicorp"], "mount": "old"}}
    with pytest.raises(
        SinkError, match=r"old is an engine of type kv, version 1, not kv version 2; .*enable-versioning old"
    ):
        open_sink(old, hashicorp_harness.context).prove()


def test_a_namespace_goes_with_every_request(hashicorp_harness: HashicorpHarness) -> None:
    hashicorp_harness.api.namespace = "team/chat"
    named = {"hashicorp": {**hashicorp_harness.entry["hashicorp"], "namespace": "team/chat"}}
    sink = open_sink(named, hashicorp_harness.context)
    sink.prove()
    sink.write(BOTH)
    assert hashicorp_harness.consumer() == VALUES["a"] and "team/chat/secret/chat/app" in sink.place


def test_a_role_logs_in_once_for_all_requests(
    hashicorp_harness: HashicorpHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("VAULT_ROLE_ID", ROLE)
    with pytest.raises(
        SinkError, match="there is no token for it; set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"
    ):
        hashicorp_harness.open().read()
    monkeypatch.setenv("VAULT_SECRET_ID", "a wrong one")
    with pytest.raises(SinkError, match="could not log in with its AppRole: 400: invalid role or secret ID") as caught:
        hashicorp_harness.open().read()
    assert "a wrong one" not in str(caught.value)
    monkeypatch.setenv("VAULT_SECRET_ID", SECRET_ID)
    hashicorp_harness.api.asked.clear()
    hashicorp_harness.open().prove()
    hashicorp_harness.open().write(BOTH)
    assert (
        hashicorp_harness.api.asked.count("POST /v1/auth/approle/login") == 1
        and hashicorp_harness.consumer() == VALUES["a"]
    )


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (
            "https://vault.evil.example",
            "nobody but the manifest names vault.evil.example, .*--allow-sink-host vault.evil.example, or VAULT_ADDR",
        ),
        ("http://vault.example.com:8200", "is not asked without TLS"),
        ("https://169.254.169.254", "link-local"),
    ],
)
def test_the_manifest_alone_names_no_host(hashicorp_harness: HashicorpHarness, address: str, why: str) -> None:
    sink = open_sink({"hashicorp": {"address": address, "path": "chat/app"}}, hashicorp_harness.context)
    for attempt in (sink.prove, sink.read, lambda: sink.write(BOTH)):
        with pytest.raises(SinkError, match=why):
            attempt()
    assert hashicorp_harness.api.asked == []


def test_the_environment_allows_a_host(hashicorp_harness: HashicorpHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SinkError, match="nobody but the manifest names"):
        hashicorp_harness.open(sink_hosts=frozenset({"other.example"})).read()
    monkeypatch.setenv("VAULT_ADDR", hashicorp_harness.api.url)
    assert hashicorp_harness.open(sink_hosts=frozenset()).read() is None


@pytest.mark.parametrize("path", ["../sys/mounts", "a/../b", "/a", "a/", "a b", "a?b", "a%2fb", "."])
def test_a_path_stays_in_the_engine(hashicorp_harness: HashicorpHarness, path: str) -> None:
    for setting in ("path", "mount"):
        with pytest.raises(SinkError, match=f"deliverTo.hashicorp.{setting} .* is no path"):
            open_sink({"hashicorp": {**hashicorp_harness.entry["hashicorp"], setting: path}}, hashicorp_harness.context)


def test_credentials_are_in_no_error(hashicorp_harness: HashicorpHarness) -> None:
    hashicorp_harness.api.failing = lambda sent: (500, {"errors": [f"your token was {sent.headers['x-vault-token']}"]})
    with pytest.raises(SinkError) as caught:
        hashicorp_harness.open().read()
    assert TOKEN not in str(caught.value) and "[secret]" in str(caught.value)


def test_a_redirect_is_not_followed(hashicorp_harness: HashicorpHarness) -> None:
    hashicorp_harness.api.failing = lambda sent: (307, {"errors": ["elsewhere"]})
    with pytest.raises(SinkError, match="could not read it: 307"):
        hashicorp_harness.open().read()
    assert len(hashicorp_harness.api.asked) == 1


def test_nobody_listens(hashicorp_harness: HashicorpHarness) -> None:
    nobody = {"hashicorp": {**hashicorp_harness.entry["hashicorp"], "address": "http://127.0.0.1:9"}}
    with pytest.raises(SinkError, match=r"could not read it: no answer from 127.0.0.1:9: .*; check its address"):
        open_sink(nobody, hashicorp_harness.context).read()
