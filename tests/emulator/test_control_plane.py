"""Limits, vaults and keys, availability domains, and what is forgotten in the end."""

from typing import Any

import oci
import pytest

from .clients import ASHBURN, CHICAGO, FRANKFURT, Clients, holds, refusal


def delete(clients: Clients, compartment: str) -> None:
    """Delete a compartment; the request after that finds it done."""
    clients.identity().delete_compartment(compartment)
    assert clients.identity().get_compartment(compartment).data.lifecycle_state == "DELETED"


@holds("N03")
def test_limits_say_how_many_keys_there_may_be(fresh: Clients) -> None:
    place = fresh.compartment("place")
    fresh.control("POST", "settings", {"limits": {"apiKeyCount": 3}})
    key = fresh.key(place)
    fresh.key(place, "frankfurt", region=FRANKFURT)

    def availability() -> Any:
        return fresh.limits().get_resource_availability("generative-ai", "api-key-count", fresh.root).data

    assert (availability().used, availability().available, availability().effective_quota_value) == (1, 2, 3)
    fresh.ai().delete_api_key(key.id)
    assert (availability().used, availability().available) == (0, 3)
    (value,) = fresh.limits().list_limit_values(fresh.root, "generative-ai").data
    assert (value.name, value.scope_type, value.value) == ("api-key-count", "REGION", 3)
    assert fresh.limits().list_limit_values(fresh.root, "generative-ai", scope_type="GLOBAL").data == []
    assert "generative-ai" in {service.name for service in fresh.limits().list_services(fresh.root).data}
    definitions = fresh.limits().list_limit_definitions(fresh.root, name="api-key-count").data
    assert [item.service_name for item in definitions] == ["generative-ai"]
    assert refusal(fresh.limits().get_resource_availability, "generative-ai", "no-such-limit", fresh.root)[0] == 404


@holds("N08")
@pytest.mark.parametrize(("region", "number"), [(CHICAGO, 3), (ASHBURN, 3), (FRANKFURT, 3), ("ap-osaka-1", 1)])
def test_large_regions_have_three_availability_domains(shared: Clients, region: str, number: int) -> None:
    found = shared.identity(region).list_availability_domains(shared.root).data
    assert [item.name[-5:] for item in found] == [f"-AD-{n}"[-5:] for n in range(1, number + 1)]
    assert len({item.id for item in found}) == number


@holds("N07")
def test_what_was_deleted_is_forgotten_after_ninety_days(fresh: Clients) -> None:
    place, gone = fresh.compartment("place"), fresh.compartment("gone")
    key = fresh.key(place)
    fresh.ai().delete_api_key(key.id)
    delete(fresh, gone)
    fresh.control("POST", "clock", {"advance": "89d"})
    assert fresh.ai().get_api_key(key.id).data.lifecycle_state == "DELETED"
    assert fresh.identity().get_compartment(gone).data.lifecycle_state == "DELETED"
    fresh.control("POST", "clock", {"advance": "2d"})
    assert refusal(fresh.ai().get_api_key, key.id)[0] == 404
    assert refusal(fresh.identity().get_compartment, gone)[0] == 404
    assert fresh.ai().list_api_keys(place).data.items == []
    assert gone not in {item.id for item in fresh.identity().list_compartments(fresh.root).data}


@holds("N07")
def test_a_recovered_compartment_is_not_forgotten(fresh: Clients) -> None:
    place = fresh.compartment("place")
    delete(fresh, place)
    fresh.control("POST", "clock", {"advance": "10d"})
    fresh.identity().recover_compartment(place)
    fresh.control("POST", "clock", {"advance": "30d"})
    delete(fresh, place)
    fresh.control("POST", "clock", {"advance": "60d"})
    assert fresh.identity().get_compartment(place).data.lifecycle_state == "DELETED"
    fresh.control("POST", "clock", {"advance": "31d"})
    assert refusal(fresh.identity().get_compartment, place)[0] == 404


@holds("N06")
def test_vaults_and_keys_are_made_and_hold_secrets(fresh: Clients) -> None:
    place = fresh.compartment("place")
    body = {"compartmentId": place, "displayName": "mine", "vaultType": "DEFAULT"}
    vault = fresh.kms().create_vault(body).data
    assert (vault.lifecycle_state, vault.display_name) == ("ACTIVE", "mine")
    keys = oci.key_management.KmsManagementClient(fresh.config(), vault.management_endpoint)
    details = {"compartmentId": place, "displayName": "key", "keyShape": {"algorithm": "AES", "length": 32}}
    try:
        key = keys.create_key(details).data
        assert (key.vault_id, key.lifecycle_state, key.protection_mode) == (vault.id, "ENABLED", "HSM")
        assert keys.get_key(key.id).data.key_shape.length == 32
        assert [item.id for item in keys.list_keys(place).data] == [key.id]
        assert keys.list_keys(fresh.root).data == []  # the built-in key is another vault's
        wrong = {**details, "keyShape": {"algorithm": "AES", "length": 7}}
        assert refusal(keys.create_key, wrong, retry_strategy=oci.retry.NoneRetryStrategy())[0] == 400
    finally:
        keys.base_client.session.close()
    content = {"contentType": "BASE64", "content": "eA=="}
    secret = {"compartmentId": place, "vaultId": vault.id, "keyId": key.id, "secretName": "s", "secretContent": content}
    assert fresh.vaults().create_secret(secret).data.vault_id == vault.id
    health = fresh.control("GET", "health")["vaults"][CHICAGO]
    assert (health["vault"] == vault.id, health["key"] == key.id) == (False, False)


def test_policies_decide_who_makes_vaults(fresh: Clients) -> None:
    user = fresh.principal("dev", "devs")
    body = {"compartmentId": fresh.root, "displayName": "mine", "vaultType": "DEFAULT"}
    assert refusal(user.kms().create_vault, body)[0] == 404
    fresh.policy("devs", "allow group devs to manage vaults in tenancy")
    assert user.kms().create_vault(body).data.id
