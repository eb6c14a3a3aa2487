"""The two secrets of an API key: renewed, switched, revoked, expired, used."""

from datetime import UTC, datetime, timedelta

import openai
import pytest

from .clients import CHAT_ANY, CHICAGO, Clients, chat, holds, refusal


@pytest.fixture(scope="module")
def chat_compartment(shared: Clients) -> str:
    """A compartment whose keys may chat."""
    shared.policy("chat", CHAT_ANY)
    return shared.compartment("keys")


def works(clients: Clients, value: str) -> bool:
    """Whether a secret value opens the inference endpoint."""
    try:
        return bool(chat(clients.openai(value)))
    except openai.AuthenticationError:
        return False


@holds("K02", "9.5")
def test_renew_replaces_one_value_and_shows_it_once(shared: Clients, chat_compartment: str) -> None:
    ai = shared.ai()
    key = shared.key(chat_compartment)
    old, other = (item.key for item in key.keys)
    etag = ai.get_api_key(key.id).headers["etag"]
    details = {"details": {"keyName": "one", "timeExpiry": "2098-01-01T00:00:00Z"}, "freeformTags": {"r": "1"}}
    answer = ai.renew_api_key(key.id, details, if_match=etag)
    first, second = answer.data.keys
    assert first.key != old
    assert second.key is None
    assert second.key_mask == key.keys[1].key_mask
    assert (first.state, first.time_expiry.year) == ("ACTIVE", 2098)
    assert answer.data.freeform_tags == {"r": "1"}
    assert answer.headers["etag"] != etag
    assert (works(shared, old), works(shared, first.key), works(shared, other)) == (False, True, True)
    assert refusal(ai.renew_api_key, key.id, details, if_match=etag)[:2] == (412, "NoEtagMatch")
    assert refusal(ai.renew_api_key, key.id, {"details": {"keyName": "three"}})[:2] == (400, "InvalidParameter")
    assert ai.renew_api_key(key.id, {"details": {"keyName": "one"}}).data.keys[0].time_expiry > datetime.now(
        UTC
    ) + timedelta(89)


@holds("K03")
def test_states_go_to_and_fro_until_revoked(shared: Clients, chat_compartment: str) -> None:
    ai = shared.ai()
    key = shared.key(chat_compartment)
    value = key.keys[0].key

    def put(state: str) -> object:
        return ai.set_api_key_state(key.id, {"keyName": "one", "state": state}).data.keys[0]

    inactive = put("INACTIVE")
    assert (inactive.state, works(shared, value)) == ("INACTIVE", False)  # type: ignore[attr-defined]
    assert inactive.time_deactivated  # type: ignore[attr-defined]
    assert put("ACTIVE").state == "ACTIVE"  # type: ignore[attr-defined]
    assert works(shared, value)
    etag = ai.get_api_key(key.id).headers["etag"]
    put("ACTIVE")
    assert ai.get_api_key(key.id).headers["etag"] == etag
    revoked = put("REVOKED")
    assert (revoked.state, works(shared, value)) == ("REVOKED", False)  # type: ignore[attr-defined]
    assert revoked.time_revoked  # type: ignore[attr-defined]
    for state in ("ACTIVE", "INACTIVE"):
        body = {"keyName": "one", "state": state}
        assert refusal(ai.set_api_key_state, key.id, body)[:2] == (409, "Conflict")
    assert put("REVOKED").state == "REVOKED"  # type: ignore[attr-defined]
    for state in ("EXPIRED", "DELETED", "active", ""):
        body = {"keyName": "two", "state": state}
        assert refusal(ai.set_api_key_state, key.id, body)[:2] == (400, "InvalidParameter")
    assert refusal(ai.set_api_key_state, key.id, {"keyName": "nine", "state": "ACTIVE"})[:2] == (
        400,
        "InvalidParameter",
    )


@holds("9.9")
def test_renewing_a_revoked_secret_is_a_lasting_conflict_unless_allowed(fresh: Clients) -> None:
    ai = fresh.ai()
    key = fresh.key(fresh.compartment("revoked"))
    ai.set_api_key_state(key.id, {"keyName": "one", "state": "REVOKED"})
    body = {"details": {"keyName": "one"}}
    # not IncorrectState: the SDKs would retry that for a minute and a half
    assert refusal(ai.renew_api_key, key.id, body)[:2] == (409, "Conflict")
    fresh.control("POST", "settings", {"renewRevoked": True})
    assert ai.renew_api_key(key.id, body).data.keys[0].state == "ACTIVE"


@holds("K03", "9.6")
def test_time_alone_expires_a_secret(fresh: Clients) -> None:
    fresh.policy("chat", CHAT_ANY)
    ai = fresh.ai()
    key = fresh.key(fresh.compartment("expiry"))
    value = key.keys[0].key
    etag = ai.get_api_key(key.id).headers["etag"]
    fresh.control("POST", "clock", {"advance": "89d"})
    assert works(fresh, value)
    fresh.control("POST", "clock", {"advance": "2d"})
    assert [item.state for item in ai.get_api_key(key.id).data.keys] == ["EXPIRED", "EXPIRED"]
    assert not works(fresh, value)
    assert ai.get_api_key(key.id).headers["etag"] == etag
    assert refusal(ai.set_api_key_state, key.id, {"keyName": "one", "state": "ACTIVE"})[:2] == (409, "Conflict")
    renewed = ai.renew_api_key(key.id, {"details": {"keyName": "one"}}).data.keys[0]
    assert renewed.state == "ACTIVE"
    assert works(fresh, renewed.key)
    assert ai.set_api_key_state(key.id, {"keyName": "two", "state": "REVOKED"}).data.keys[1].state == "REVOKED"


@holds("9.6")
def test_changes_of_secrets_propagate_slowly_when_set_to(fresh: Clients) -> None:
    fresh.policy("chat", CHAT_ANY)
    ocid = fresh.compartment("slow")
    fresh.control("POST", "clock", {"advance": "1m"})
    fresh.control("POST", "settings", {"propagationDelay": "30s"})
    ai = fresh.ai()
    key = fresh.key(ocid)
    value = key.keys[0].key
    assert not works(fresh, value)
    fresh.control("POST", "clock", {"advance": "31s"})
    assert works(fresh, value)
    renewed = ai.renew_api_key(key.id, {"details": {"keyName": "one"}}).data.keys[0].key
    assert (works(fresh, value), works(fresh, renewed)) == (True, False)
    fresh.control("POST", "clock", {"advance": "31s"})
    assert (works(fresh, value), works(fresh, renewed)) == (False, True)
    ai.set_api_key_state(key.id, {"keyName": "one", "state": "REVOKED"})
    assert works(fresh, renewed)
    fresh.control("POST", "clock", {"advance": "31s"})
    assert not works(fresh, renewed)


def test_a_deleted_keys_values_stop_working(shared: Clients, chat_compartment: str) -> None:
    key = shared.key(chat_compartment)
    assert works(shared, key.keys[0].key)
    shared.ai().delete_api_key(key.id)
    assert not works(shared, key.keys[0].key)


def test_last_use_is_kept_for_each_secret_and_changes_no_etag(fresh: Clients) -> None:
    fresh.policy("chat", CHAT_ANY)
    key = fresh.key(fresh.compartment("used"))
    ai = fresh.ai()
    etag = ai.get_api_key(key.id).headers["etag"]
    chat(fresh.openai(key.keys[0].key))
    fresh.control("POST", "clock", {"advance": "1h"})
    first = ai.get_api_key(key.id).data.keys[0].time_last_used
    chat(fresh.openai(key.keys[0].key))
    read = ai.get_api_key(key.id)
    assert read.data.keys[0].time_last_used - first >= timedelta(hours=1)
    assert read.data.keys[1].time_last_used is None
    assert read.headers["etag"] == etag
    listed = ai.list_api_keys(read.data.compartment_id).data.items[0]
    assert listed.keys[0].time_last_used == read.data.keys[0].time_last_used
    assert ai.renew_api_key(key.id, {"details": {"keyName": "one"}}).data.keys[0].time_last_used is None


@holds("9.5")
def test_no_value_is_ever_in_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    from genai_iac.emulator import running

    directory = tmp_path_factory.mktemp("at-rest")
    with running(directory / "local.db") as tenancy:
        clients = Clients(tenancy)
        clients.policy("chat", CHAT_ANY)
        key = clients.key(clients.compartment("at-rest"))
        values = [item.key for item in key.keys]
        body = {"details": {"keyName": "one"}}
        values.append(clients.ai().renew_api_key(key.id, body, opc_retry_token="t" * 30).data.keys[0].key)
        chat(clients.openai(values[-1]))
        vault = clients.control("GET", "health")["vaults"][CHICAGO]
        content = "c2stdmF1bHRlZC1zZWNyZXQ="
        clients.vaults().create_secret(
            {
                "compartmentId": clients.root,
                "vaultId": vault["vault"],
                "keyId": vault["key"],
                "secretName": "s",
                "secretContent": {"contentType": "BASE64", "content": content},
            }
        )
        values += [content, "sk-vaulted-secret"]
        for file in directory.rglob("*"):
            if file.is_file():
                found = file.read_bytes()
                for value in values:
                    assert value.encode() not in found, file
