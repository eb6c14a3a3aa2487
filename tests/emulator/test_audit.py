"""The Audit service: each signed call of a control plane is an event, and no event has a value."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import oci
import pytest

from genai_iac.emulator.services import audit

from .clients import ASHBURN, CHICAGO, MODEL, Clients, holds, refusal

START = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def clients(fresh: Clients) -> Clients:
    fresh.control("POST", "clock", {"set": START.isoformat()})
    return fresh


def events(
    clients: Clients, compartment: str = "", region: str = CHICAGO, start: datetime = START, minutes: int = 10
) -> list[Any]:
    """All pages, as the SDK's own pagination gives them."""
    client, place = clients.audit(region), compartment or clients.root
    end = start + timedelta(minutes=minutes)
    return list(oci.pagination.list_call_get_all_results(client.list_events, place, start, end).data)


@holds("N04")
def test_a_write_is_an_event_with_who_what_where_and_how_it_ended(clients: Clients) -> None:
    home = clients.compartment("home")
    made = clients.identity().create_policy(
        {"compartmentId": home, "name": "readers", "description": "-", "statements": ["allow any-group to read vcns in compartment home"]},
    )  # fmt: skip
    (event,) = [one for one in events(clients, home, ASHBURN) if one.data.event_name == "CreatePolicy"]
    assert event.event_type == "com.oraclecloud.identityControlPlane.CreatePolicy"
    assert START <= event.event_time < START + timedelta(minutes=5)
    data = event.data
    assert (data.compartment_id, data.compartment_name) == (home, "home")
    assert (data.resource_id, data.resource_name) == (made.data.id, "readers")
    assert data.identity.principal_name == "administrator" and data.identity.tenant_id == clients.root
    assert data.identity.principal_id == clients.config()["user"]
    assert (data.request.action, data.request.path) == ("POST", "/20160918/policies")
    assert data.request.id == data.event_grouping_id == made.headers["opc-request-id"]
    assert data.response.status == "200"
    listed = events(clients, home, ASHBURN)
    assert len({one.event_id for one in listed}) == len(listed)


def test_events_are_those_of_a_region_and_a_compartment(clients: Clients) -> None:
    one, other = clients.compartment("one"), clients.compartment("other")
    key = clients.key(one)
    clients.ai().get_api_key(key.id)
    clients.ai().list_api_keys(other)
    clients.ai().change_api_key_compartment(key.id, {"compartmentId": other})
    clients.ai().delete_api_key(key.id)
    names = [event.data.event_name for event in events(clients, one)]
    assert events(clients, one)[0].data.request.path == "/20231130/apikeys"
    assert names[:2] == ["CreateApiKey", "GetApiKey"]
    assert {event.data.resource_id for event in events(clients, one)[:2]} == {key.id}
    elsewhere = [event.data.event_name for event in events(clients, other)]
    assert "ListApiKeys" in elsewhere and "DeleteApiKey" in elsewhere and "CreateApiKey" not in elsewhere
    assert all(event.data.event_name == "ListEvents" for event in events(clients, one, ASHBURN))


def test_a_refused_call_is_an_event_too_and_one_of_nobody_is_not(clients: Clients) -> None:
    home = clients.compartment("home")
    stranger = clients.principal("stranger")
    refusal(stranger.ai().list_api_keys, home)
    (event,) = [one for one in events(clients, home) if one.data.event_name == "ListApiKeys"]
    assert (event.data.response.status, event.data.response.message) == ("404", "NotAuthorizedOrNotFound")
    assert event.data.identity.principal_name == "stranger"
    key = clients.key(home)
    clients.openai("sk-" + "x" * 48)
    refused = oci.generative_ai.GenerativeAiClient(
        {**clients.config(), "user": "ocid1.user.oc1..nobody"},
        service_endpoint=f"{clients.tenancy.url}/r/{CHICAGO}",
        retry_strategy=oci.retry.NoneRetryStrategy(),
    )
    assert refusal(refused.get_api_key, key.id)[0] == 401
    assert not [one for one in events(clients, home) if one.data.event_name == "GetApiKey"]


def test_a_range_of_time_has_whole_minutes_and_its_end_is_not_in_it(clients: Clients) -> None:
    home = clients.compartment("home")
    clients.key(home)
    clients.control("POST", "clock", {"set": (START + timedelta(minutes=20)).isoformat()})
    clients.ai().list_api_keys(home)

    def named(start: int, minutes: int) -> list[str]:
        found = events(clients, home, start=START + timedelta(minutes=start), minutes=minutes)
        return [one.data.event_name for one in found if one.data.event_name != "ListEvents"]

    assert named(0, 20) == ["CreateApiKey"]
    assert named(20, 1) == ["ListApiKeys"]
    assert named(0, 30) == ["CreateApiKey", "ListApiKeys"]
    client = clients.audit()
    assert refusal(client.list_events, home, START, START)[:2] == (400, "InvalidParameter")
    uneven = START + timedelta(seconds=1)
    assert refusal(client.list_events, home, START, uneven)[:2] == (400, "InvalidParameter")


def test_events_come_in_pages(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "DEFAULT_LIMIT", 3)
    home = clients.compartment("home")
    for _ in range(7):
        clients.ai().list_api_keys(home)
    end = START + timedelta(minutes=10)
    first = clients.audit().list_events(home, START, end)
    assert len(first.data) == 3 and first.next_page
    second = clients.audit().list_events(home, START, end, page=first.next_page)
    seen = {one.event_id for one in first.data} | {one.event_id for one in second.data}
    assert len(seen) == 6
    assert [one.data.event_name for one in events(clients, home)].count("ListApiKeys") == 7
    assert refusal(clients.audit().list_events, home, START, end, page="!")[0] == 400


@holds("N04")
def test_it_takes_read_audit_events(clients: Clients) -> None:
    home = clients.compartment("home")
    auditor = clients.principal("auditor", "auditors")
    end = START + timedelta(minutes=10)
    assert refusal(auditor.audit().list_events, home, START, end)[:2] == (404, "NotAuthorizedOrNotFound")
    clients.policy("audit", "allow group auditors to inspect audit-events in tenancy")
    assert refusal(auditor.audit().list_events, home, START, end)[0] == 404
    clients.policy("audit2", "allow group auditors to read audit-events in compartment home")
    assert auditor.audit().list_events(home, START, end).status == 200
    assert refusal(auditor.audit().list_events, clients.root, START, end)[0] == 404


@holds("N04")
def test_no_event_has_a_value(clients: Clients) -> None:
    """Values of keys and Vault secrets, wherever a caller puts them: answers, bodies, filters, names."""
    home = clients.compartment("home")
    key = clients.key(home)
    renewed = clients.ai().renew_api_key(key.id, {"details": {"keyName": "one"}}).data
    values = [one.key for one in (*key.keys, *renewed.keys) if one.key]
    assert len(values) == 3
    for_keys = "in tenancy where request.principal.type = 'generativeaiapikey'"
    clients.policy("chat", f"allow any-user to use generative-ai-family {for_keys}")
    clients.openai(values[2]).chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}])
    clients.ai().list_api_keys(home, display_name=values[0])
    place = clients.control("GET", "health")["vaults"][CHICAGO]
    content = b64encode(values[0].encode()).decode()
    stored = clients.vaults().create_secret(
        {"compartmentId": home, "vaultId": place["vault"], "keyId": place["key"], "secretName": "kept",
         "secretContent": {"contentType": "BASE64", "content": content}}
    ).data  # fmt: skip
    clients.bundles().get_secret_bundle(stored.id)
    found = [*events(clients, home), *events(clients), *events(clients, home, ASHBURN)]
    names = {one.data.event_name for one in found}
    assert {"CreateApiKey", "RenewApiKey", "ListApiKeys", "CreateSecret", "GetSecretBundle"} <= names
    assert "ChatCompletions" not in names
    text = json.dumps(oci.util.to_dict(found))
    for value in (*values, content):
        assert value not in text and value[3:] not in text
    assert any("sk-****" in str(one.data.request.parameters) for one in found)


def test_the_oldest_events_go(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "KEPT", 5)
    monkeypatch.setattr(audit, "TRIM_EVERY", 1)
    home = clients.compartment("home")
    for _ in range(9):
        clients.ai().list_api_keys(home)
    assert len([one for one in events(clients, home) if one.data.event_name == "ListApiKeys"]) == 5


def test_a_reset_forgets_them_and_forgetting_calls_does_not(clients: Clients) -> None:
    home = clients.compartment("home")
    clients.control("DELETE", "calls")
    assert [one for one in events(clients, region=ASHBURN) if one.data.resource_id == home]
    clients.control("POST", "reset")
    clients.control("POST", "clock", {"set": START.isoformat()})
    assert not [one for one in events(clients, region=ASHBURN) if one.data.event_name != "ListEvents"]
