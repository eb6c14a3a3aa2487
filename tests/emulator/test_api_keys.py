"""API keys: what is created, listed, changed and deleted, and which secret values are shown where."""

import re
from datetime import timedelta
from typing import Any

import pytest

from .clients import CHICAGO, FRANKFURT, Clients, holds, refusal


@pytest.fixture(scope="module")
def key_compartment(shared: Clients) -> str:
    """A compartment for the keys of this module."""
    return shared.compartment("keys")


@holds("K01", "9.3", "9.5")
def test_create_shows_both_values_and_no_other_answer_does(shared: Clients, key_compartment: str) -> None:
    ai = shared.ai()
    body = {
        "compartmentId": key_compartment,
        "displayName": "k01",
        "description": "d",
        "keyDetails": [{"keyName": "one", "timeExpiry": "2099-01-01T00:00:00Z"}, {"keyName": "two"}],
        "freeformTags": {"a": "1"},
    }
    made = ai.create_api_key(body)
    key = made.data
    assert made.headers["etag"]
    assert re.fullmatch(r"ocid1\.generativeaiapikey\.oc1\.us-chicago-1\.[a-z2-7]{60}", key.id)
    assert key.lifecycle_state == "ACTIVE"
    assert [item.key_name for item in key.keys] == ["one", "two"]
    for item in key.keys:
        assert re.fullmatch(r"sk-[0-9A-Za-z]{48}", item.key)
        assert item.key_mask == f"{item.key[:5]}****{item.key[-4:]}"
        assert item.state == "ACTIVE"
        assert item.time_last_used is None
    assert key.keys[0].time_expiry.year == 2099

    listed = next(item for item in ai.list_api_keys(key_compartment).data.items if item.id == key.id)
    read = ai.get_api_key(key.id)
    updated = ai.update_api_key(key.id, {"description": "e"}).data
    stated = ai.set_api_key_state(key.id, {"keyName": "two", "state": "INACTIVE"}).data
    for shown in (listed, read.data, updated, stated):
        assert [item.key for item in shown.keys] == [None, None]
        assert [item.key_mask for item in shown.keys] == [item.key_mask for item in key.keys]
    assert read.headers["etag"] == made.headers["etag"]


@holds("K07")
def test_lists_carry_the_same_fields_as_single_answers(shared: Clients, key_compartment: str) -> None:
    key = shared.key(key_compartment, "fields")
    read = shared.ai().get_api_key(key.id).data
    listed = next(item for item in shared.ai().list_api_keys(key_compartment).data.items if item.id == key.id)
    assert read.attribute_map == listed.attribute_map
    for name in read.attribute_map:
        assert str(getattr(read, name)) == str(getattr(listed, name)), name


@holds("K04")
def test_lifecycle(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"lifecycleDelay": "10s"})
    ai = fresh.ai()
    ocid = fresh.compartment("k04")
    fresh.control("POST", "clock", {"advance": "11s"})
    key = fresh.key(ocid)
    assert key.lifecycle_state == "CREATING"
    assert refusal(ai.update_api_key, key.id, {"description": "x"})[:2] == (409, "IncorrectState")
    fresh.control("POST", "clock", {"advance": "11s"})
    assert ai.get_api_key(key.id).data.lifecycle_state == "ACTIVE"
    answer = ai.delete_api_key(key.id)
    assert answer.status == 204
    assert "opc-work-request-id" not in answer.headers
    gone = ai.get_api_key(key.id).data
    assert gone.lifecycle_state == "DELETED"
    assert [item.state for item in gone.keys] == ["DELETED", "DELETED"]
    assert ai.list_api_keys(ocid, lifecycle_state="DELETED").data.items[0].id == key.id
    assert ai.list_api_keys(ocid, lifecycle_state="ACTIVE").data.items == []
    for call in (ai.delete_api_key, lambda item: ai.update_api_key(item, {"description": "x"})):
        assert refusal(call, key.id)[:2] == (404, "NotAuthorizedOrNotFound")


@holds("K05")
def test_expiry_is_ninety_days_unless_asked_otherwise(shared: Clients, key_compartment: str) -> None:
    item = shared.key(key_compartment, "k05").keys[0]
    assert item.time_expiry - item.time_created == timedelta(days=90)


@holds("K06")
def test_display_names_repeat_and_lists_filter(fresh: Clients) -> None:
    ocid = fresh.compartment("k06")
    ai = fresh.ai()
    first, second, third = fresh.key(ocid, "twin"), fresh.key(ocid, "twin"), fresh.key(ocid, "other")

    def ids(**filters: Any) -> list[str]:
        return [item.id for item in ai.list_api_keys(ocid, **filters).data.items]

    assert ids(sort_by="timeCreated", sort_order="ASC") == [first.id, second.id, third.id]
    assert set(ids(display_name="twin")) == {first.id, second.id}
    assert ids(id=third.id) == [third.id]
    assert ids(sort_by="displayName")[0] == third.id
    page = ai.list_api_keys(ocid, limit=2)
    assert len(page.data.items) == 2
    assert len(ai.list_api_keys(ocid, limit=2, page=page.next_page).data.items) == 1
    assert ai.list_api_keys(fresh.root).data.items == []


@holds("9.4")
def test_lists_of_keys_are_collections_and_those_of_identity_are_arrays(shared: Clients, key_compartment: str) -> None:
    assert type(shared.ai().list_api_keys(key_compartment).data).__name__ == "ApiKeyCollection"
    assert isinstance(shared.identity().list_compartments(shared.root).data, list)


def test_keys_are_regional(shared: Clients, key_compartment: str) -> None:
    key = shared.key(key_compartment, "regional", region=FRANKFURT)
    assert ".eu-frankfurt-1." in key.id
    assert refusal(shared.ai(CHICAGO).get_api_key, key.id)[:2] == (404, "NotAuthorizedOrNotFound")
    assert key.id not in {item.id for item in shared.ai(CHICAGO).list_api_keys(key_compartment, limit=1000).data.items}
    assert shared.ai(FRANKFURT).get_api_key(key.id).data.id == key.id


@pytest.mark.parametrize(
    "change",
    [
        {"keyDetails": []},
        {"keyDetails": [{"keyName": name} for name in ("a", "b", "c")]},
        {"keyDetails": [{"keyName": "a"}, {"keyName": "a"}]},
        {"keyDetails": [{"keyName": "1a"}]},
        {"keyDetails": [{"keyName": "a b"}]},
        {"keyDetails": [{"keyName": "a", "timeExpiry": "2020-01-01T00:00:00Z"}]},
        {"keyDetails": [{"keyName": "a", "timeExpiry": "tomorrow"}]},
        {"keyDetails": [{"keyName": "a", "timeExpiry": 7}]},
        {"keyDetails": [{}]},
        {"keyDetails": ["a"]},
        {"keyDetails": {"keyName": "a"}},
        {"keyDetails": None},
        {"displayName": "9lives"},
        {"displayName": "a" * 256},
        {"displayName": None},
        {"displayName": 7},
        {"description": "d" * 401},
        {"compartmentId": None},
    ],
)
def test_bad_requests_are_refused(shared: Clients, key_compartment: str, change: dict[str, Any]) -> None:
    body = {"compartmentId": key_compartment, "displayName": "bad", "keyDetails": [{"keyName": "a"}], **change}
    status, code, _ = refusal(shared.ai().create_api_key, body)
    assert status == 400
    assert code in ("InvalidParameter", "MissingParameter")


def test_expiries_are_read_in_every_form_clients_send(shared: Clients, key_compartment: str) -> None:
    forms = (
        "2099-01-01T00:00:00Z",
        "2099-01-01T00:00:00.123456Z",
        "2099-01-01T02:30:00.5+02:30",
        "2099-01-01T00:00:00.123456789Z",
    )
    for form in forms:
        body = {
            "compartmentId": key_compartment,
            "displayName": "forms",
            "keyDetails": [{"keyName": "a", "timeExpiry": form}],
        }
        assert shared.ai().create_api_key(body).data.keys[0].time_expiry.isoformat().startswith("2099-01-01T00:00:00")


def test_an_unknown_compartment_is_a_related_one(shared: Clients) -> None:
    body = {
        "compartmentId": "ocid1.compartment.oc1..aaaaaaaanowhere",
        "displayName": "lost",
        "keyDetails": [{"keyName": "a"}],
    }
    assert refusal(shared.ai().create_api_key, body) == (
        400,
        "RelatedResourceNotAuthorizedOrNotFound",
        "Authorization failed or related resource not found.",
    )
    assert refusal(shared.ai().list_api_keys, body["compartmentId"])[:2] == (404, "NotAuthorizedOrNotFound")


def test_update_touches_names_and_tags_only(shared: Clients, key_compartment: str) -> None:
    ai = shared.ai()
    key = shared.key(key_compartment, "update")
    etag = ai.get_api_key(key.id).headers["etag"]
    new = ai.update_api_key(key.id, {"displayName": "updated", "freeformTags": {"b": "2"}}, if_match=etag)
    assert (new.data.display_name, new.data.freeform_tags) == ("updated", {"b": "2"})
    assert new.data.keys[0].time_expiry == key.keys[0].time_expiry
    assert "Oracle-Tags" in new.data.defined_tags
    assert refusal(ai.update_api_key, key.id, {"displayName": "x"}, if_match=etag)[:2] == (412, "NoEtagMatch")
    assert refusal(ai.delete_api_key, key.id, if_match=etag)[:2] == (412, "NoEtagMatch")


def test_a_key_changes_its_compartment(shared: Clients, key_compartment: str) -> None:
    ai = shared.ai()
    key = shared.key(key_compartment, "mover")
    target = shared.compartment("new-home")
    ai.change_api_key_compartment(key.id, {"compartmentId": target})
    assert ai.get_api_key(key.id).data.compartment_id == target
    missing = {"compartmentId": "ocid1.compartment.oc1..nowhere"}
    assert refusal(ai.change_api_key_compartment, key.id, missing)[1] == "RelatedResourceNotAuthorizedOrNotFound"


@holds("9.6")
def test_the_number_of_keys_is_limited_in_each_region(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"limits": {"apiKeyCount": 2}})
    ocid = fresh.compartment("limited")
    first = fresh.key(ocid)
    fresh.key(ocid)
    body = {"compartmentId": ocid, "displayName": "third", "keyDetails": [{"keyName": "a"}]}
    status, code, message = refusal(fresh.ai().create_api_key, body)
    assert (status, code) == (400, "LimitExceeded")
    assert "api-key-count" in message
    fresh.key(ocid, region=FRANKFURT)
    fresh.ai().delete_api_key(first.id)
    assert fresh.ai().create_api_key(body).data.id
