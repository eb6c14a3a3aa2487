"""Vault: secrets, versions and stages, slow deletion, and the only operation that shows the content."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genai_iac.emulator import running

from .clients import ASHBURN, CHICAGO, Clients, holds, refusal


def content(text: str, **more: str) -> dict[str, str]:
    return {"contentType": "BASE64", "content": base64.b64encode(text.encode()).decode(), **more}


def details(clients: Clients, name: str, text: str = "v1", region: str = CHICAGO, **more: Any) -> dict[str, Any]:
    place = clients.control("GET", "health")["vaults"][region]
    return {
        "compartmentId": clients.root,
        "vaultId": place["vault"],
        "keyId": place["key"],
        "secretName": name,
        "secretContent": content(text),
        **more,
    }


def read(clients: Clients, ocid: str, **which: Any) -> tuple[int, str, set[str]]:
    """Version number, content and stages of a bundle."""
    bundle = clients.bundles().get_secret_bundle(ocid, **which).data
    text = base64.b64decode(bundle.secret_bundle_content.content).decode()
    return bundle.version_number, text, set(bundle.stages)


@holds("V01", "9.1")
def test_a_secret_never_shows_what_is_in_it(shared: Clients) -> None:
    vaults = shared.vaults()
    body = details(shared, "v01", "hidden", metadata={"a": "b"}, freeformTags={"t": "1"}, description="d")
    made = vaults.create_secret(body)
    secret = made.data
    assert (secret.lifecycle_state, secret.current_version_number, secret.metadata) == ("ACTIVE", 1, {"a": "b"})
    assert made.headers["etag"]
    shown = [secret, vaults.get_secret(secret.id).data, *vaults.list_secrets(shared.root, name="v01").data]
    shown += vaults.list_secret_versions(secret.id).data
    assert len(shown) == 4
    for item in shown:
        assert "hidden" not in str(item)
        assert body["secretContent"]["content"] not in str(item)
    assert read(shared, secret.id) == (1, "hidden", {"CURRENT", "LATEST"})
    by_name = shared.bundles().get_secret_bundle_by_name("v01", body["vaultId"]).data
    assert (by_name.secret_id, by_name.metadata) == (secret.id, {"a": "b"})


@holds("V03")
def test_stages_move_from_pending_to_current_and_back(shared: Clients) -> None:
    vaults = shared.vaults()
    ocid = vaults.create_secret(details(shared, "v03")).data.id
    vaults.update_secret(ocid, {"secretContent": content("v2", stage="PENDING", name="second")})
    assert read(shared, ocid) == (1, "v1", {"CURRENT"})
    assert read(shared, ocid, stage="PENDING") == (2, "v2", {"PENDING", "LATEST"})
    assert read(shared, ocid, secret_version_name="second")[0] == 2
    etag = vaults.get_secret(ocid).headers["etag"]
    promoted = vaults.update_secret(ocid, {"currentVersionNumber": 2}, if_match=etag)
    assert promoted.data.current_version_number == 2
    assert promoted.headers["etag"] != etag
    assert read(shared, ocid) == (2, "v2", {"CURRENT", "LATEST"})
    assert read(shared, ocid, stage="PREVIOUS") == (1, "v1", {"PREVIOUS"})
    vaults.update_secret(ocid, {"currentVersionNumber": 1})
    assert read(shared, ocid) == (1, "v1", {"CURRENT"})
    assert read(shared, ocid, stage="PREVIOUS")[0] == 2
    vaults.update_secret(ocid, {"secretContent": content("v3")})
    assert read(shared, ocid) == (3, "v3", {"CURRENT", "LATEST"})
    stages = {item.version_number: set(item.stages) for item in vaults.list_secret_versions(ocid).data}
    assert stages == {3: {"CURRENT", "LATEST"}, 2: {"DEPRECATED"}, 1: {"PREVIOUS"}}
    assert vaults.get_secret_version(ocid, 2).data.name == "second"
    assert refusal(shared.bundles().get_secret_bundle, ocid, stage="PENDING")[0] == 404
    assert refusal(vaults.update_secret, ocid, {"currentVersionNumber": 9})[0] == 404
    bundles = shared.bundles().list_secret_bundle_versions(ocid, sort_order="ASC").data
    assert [item.version_number for item in bundles] == [1, 2, 3]


def test_one_thing_at_a_time(shared: Clients) -> None:
    vaults = shared.vaults()
    ocid = vaults.create_secret(details(shared, "single")).data.id
    both = {"secretContent": content("v2"), "currentVersionNumber": 1}
    assert refusal(vaults.update_secret, ocid, both)[:2] == (400, "InvalidParameter")
    named = {"secretContent": content("v2", name="n")}
    vaults.update_secret(ocid, named)
    assert refusal(vaults.update_secret, ocid, named)[0] == 409
    assert refusal(vaults.update_secret, ocid, {"description": "x"}, if_match="stale")[:2] == (412, "NoEtagMatch")
    described = vaults.update_secret(ocid, {"description": "x", "metadata": {"m": "1"}}).data
    assert (described.description, described.metadata, described.current_version_number) == ("x", {"m": "1"}, 2)


@holds("V02")
def test_deletion_is_scheduled_and_keeps_the_name_taken(fresh: Clients) -> None:
    vaults = fresh.vaults()
    body = details(fresh, "v02")
    ocid = vaults.create_secret(body).data.id
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert refusal(vaults.schedule_secret_deletion, ocid, {"timeOfDeletion": soon})[:2] == (400, "InvalidParameter")
    in_two_days = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    vaults.schedule_secret_deletion(ocid, {"timeOfDeletion": in_two_days})
    pending = vaults.get_secret(ocid).data
    assert (pending.lifecycle_state, pending.time_of_deletion.isoformat()[:10]) == (
        "PENDING_DELETION",
        in_two_days[:10],
    )
    assert refusal(fresh.bundles().get_secret_bundle, ocid)[0] == 404
    assert refusal(vaults.create_secret, body)[:2] == (409, "NotAuthorizedOrResourceAlreadyExists")
    assert refusal(vaults.update_secret, ocid, {"description": "x"})[0] == 409
    vaults.cancel_secret_deletion(ocid)
    assert vaults.get_secret(ocid).data.lifecycle_state == "ACTIVE"
    assert read(fresh, ocid)[1] == "v1"
    vaults.schedule_secret_deletion(ocid, {})
    fresh.control("POST", "clock", {"advance": "3d"})
    assert vaults.get_secret(ocid).data.lifecycle_state == "PENDING_DELETION"
    fresh.control("POST", "clock", {"advance": "28d"})
    assert vaults.get_secret(ocid).data.lifecycle_state == "DELETED"
    assert refusal(vaults.cancel_secret_deletion, ocid)[0] == 404
    assert vaults.create_secret(body).data.id != ocid


def test_versions_are_thirty_and_go_one_by_one(fresh: Clients) -> None:
    vaults = fresh.vaults()
    ocid = vaults.create_secret(details(fresh, "many")).data.id
    for number in range(2, 31):
        vaults.update_secret(ocid, {"secretContent": content(f"v{number}")})
    full = {"secretContent": content("v31")}
    assert refusal(vaults.update_secret, ocid, full)[:2] == (400, "LimitExceeded")
    assert refusal(vaults.schedule_secret_version_deletion, ocid, 30, {})[0] == 409  # CURRENT
    assert refusal(vaults.schedule_secret_version_deletion, ocid, 29, {})[0] == 409  # PREVIOUS
    vaults.schedule_secret_version_deletion(ocid, 1, {})
    assert vaults.get_secret_version(ocid, 1).data.time_of_deletion
    assert refusal(fresh.bundles().get_secret_bundle, ocid, version_number=1)[0] == 404
    vaults.cancel_secret_version_deletion(ocid, 1)
    assert refusal(vaults.update_secret, ocid, full)[1] == "LimitExceeded"
    vaults.schedule_secret_version_deletion(ocid, 1, {})
    assert vaults.update_secret(ocid, full).data.current_version_number == 31
    fresh.control("POST", "clock", {"advance": "31d"})
    assert refusal(vaults.get_secret_version, ocid, 1)[0] == 404
    assert read(fresh, ocid) == (31, "v31", {"CURRENT", "LATEST"})


@holds("V04")
def test_rules_of_expiry_and_reuse(fresh: Clients) -> None:
    vaults = fresh.vaults()
    rules = [
        {
            "ruleType": "SECRET_EXPIRY_RULE",
            "secretVersionExpiryInterval": "P3D",
            "isSecretContentRetrievalBlockedOnExpiry": True,
        },
        {"ruleType": "SECRET_REUSE_RULE", "isEnforcedOnDeletedSecretVersions": True},
    ]
    secret = vaults.create_secret(details(fresh, "v04", secretRules=rules)).data
    assert [rule.rule_type for rule in secret.secret_rules] == ["SECRET_EXPIRY_RULE", "SECRET_REUSE_RULE"]
    assert secret.time_of_current_version_expiry - secret.time_created == timedelta(days=3)
    assert refusal(vaults.update_secret, secret.id, {"secretContent": content("v1")})[:2] == (400, "InvalidParameter")
    fresh.control("POST", "clock", {"advance": "4d"})
    assert refusal(fresh.bundles().get_secret_bundle, secret.id)[0] == 409
    vaults.update_secret(secret.id, {"secretContent": content("v2")})
    assert read(fresh, secret.id)[1] == "v2"
    vaults.update_secret(secret.id, {"secretRules": []})
    vaults.update_secret(secret.id, {"secretContent": content("v1")})
    assert read(fresh, secret.id)[1] == "v1"


@pytest.mark.parametrize(
    "change",
    [
        {"secretContent": {"contentType": "BASE64", "content": "*"}},
        {"secretContent": {"contentType": "TEXT", "content": "eA=="}},
        {"secretContent": {"contentType": "BASE64", "content": "eA==", "stage": "LATEST"}},
        {"secretContent": {"contentType": "BASE64", "content": base64.b64encode(b"x" * 25_601).decode()}},
        {"secretContent": None},
        {"secretName": "with space"},
        {"secretRules": [{"ruleType": "NONE"}]},
        {"secretRules": [{"ruleType": "SECRET_EXPIRY_RULE", "secretVersionExpiryInterval": "3 days"}]},
        {"metadata": []},
    ],
)
def test_bad_secrets_are_refused(shared: Clients, change: dict[str, Any]) -> None:
    status, code, _ = refusal(shared.vaults().create_secret, {**details(shared, "bad"), **change})
    assert status == 400
    assert code in ("InvalidParameter", "MissingParameter")


def test_secrets_are_regional_and_need_a_vault_that_is_there(shared: Clients) -> None:
    body = details(shared, "regional", region=CHICAGO)
    assert refusal(shared.vaults(ASHBURN).create_secret, body)[:2] == (404, "NotAuthorizedOrNotFound")
    ocid = shared.vaults().create_secret(body).data.id
    assert refusal(shared.vaults(ASHBURN).get_secret, ocid)[0] == 404
    assert refusal(shared.bundles(ASHBURN).get_secret_bundle, ocid)[0] == 404
    home = details(shared, "regional", region=ASHBURN)
    assert shared.vaults(ASHBURN).create_secret(home).data.id != ocid


def test_lists_filter_by_vault_name_and_state(fresh: Clients) -> None:
    vaults = fresh.vaults()
    body = details(fresh, "a")
    first = vaults.create_secret(body).data.id
    second = vaults.create_secret({**body, "secretName": "b"}).data.id
    vaults.schedule_secret_deletion(second, {})
    assert [item.id for item in vaults.list_secrets(fresh.root, vault_id=body["vaultId"], sort_by="NAME").data] == [
        first,
        second,
    ]
    assert vaults.list_secrets(fresh.root, vault_id="ocid1.vault.other").data == []
    assert [item.id for item in vaults.list_secrets(fresh.root, lifecycle_state="ACTIVE").data] == [first]
    target = fresh.compartment("vaulted")
    vaults.change_secret_compartment(first, {"compartmentId": target})
    assert [item.id for item in vaults.list_secrets(target).data] == [first]


def test_the_built_in_vault_is_listed_by_the_api(shared: Clients) -> None:
    import oci

    place = shared.control("GET", "health")["vaults"][CHICAGO]
    vault = shared.kms().get_vault(place["vault"]).data
    assert (vault.lifecycle_state, vault.compartment_id) == ("ACTIVE", shared.root)
    assert [item.id for item in shared.kms().list_vaults(shared.root).data] == [place["vault"]]
    keys = oci.key_management.KmsManagementClient(shared.config(), vault.management_endpoint)
    assert keys.get_key(place["key"]).data.vault_id == place["vault"]
    assert [item.id for item in keys.list_keys(shared.root).data] == [place["key"]]


def test_without_its_key_file_a_content_stays_sealed(tmp_path: Path) -> None:
    with running(tmp_path / "local.db") as tenancy:
        clients = Clients(tenancy)
        ocid = clients.vaults().create_secret(details(clients, "sealed")).data.id
    with running(tmp_path / "local.db") as tenancy:
        assert read(Clients(tenancy), ocid)[1] == "v1"
    (tmp_path / "local.db.key").unlink()
    with running(tmp_path / "local.db") as tenancy:
        status, code, message = refusal(Clients(tenancy).bundles().get_secret_bundle, ocid)
        assert (status, code) == (409, "Conflict")
        assert "key file" in message
