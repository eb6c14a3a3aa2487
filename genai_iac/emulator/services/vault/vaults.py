"""The vault and the master key that every subscribed region has from the start. More cannot be made here."""

import sqlite3
from typing import Any

from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.responses import Answer, answer_page
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import read_tags
from genai_iac.emulator.storage.ocids import make_ocid
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import TenancyState
from genai_iac.emulator.storage.time_format import format_instant

VAULT = "vault"
KEY = "key"
_ORDER = Order("TIMECREATED", "DISPLAYNAME")


def seed_vaults(connection: sqlite3.Connection, world: TenancyState) -> None:
    """A vault with a key, in the tenancy's root, for every subscribed region that has none yet."""
    resources = Resources(connection)
    rows = connection.execute("SELECT region FROM resources WHERE kind = ?", (VAULT,))
    present = {row["region"] for row in rows}
    tags = read_tags({}, "root", world.now)
    for region in world.settings.subscribedRegions:
        if region not in present:
            vault, key = make_ocid(VAULT, region), make_ocid(KEY, region)
            for ocid, kind, name, body in (
                (vault, VAULT, "local-vault", {"vaultType": "DEFAULT", **tags}),
                (
                    key,
                    KEY,
                    "local-key",
                    {"vaultId": vault, "currentKeyVersion": make_ocid("keyversion", region), **tags},
                ),
            ):
                made = StoredResource(ocid, kind, region, world.tenancy, name, "ACTIVE", world.now, None, "", body)
                resources.add(made, visible=0)


def built_in(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """The OCIDs of vault and key by region."""
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute("SELECT kind, region, id FROM resources WHERE kind IN (?, ?) ORDER BY seq", (VAULT, KEY))
    for row in rows:
        found.setdefault(row["region"], {})[row["kind"]] = row["id"]
    return found


@operation("kms", "ListVaults", "GET /20180608/vaults")
def list_vaults(call: OperationContext) -> Answer:
    """ListVaults."""
    return _list(call, VAULT, _show_vault)


@operation("kms", "GetVault", "GET /20180608/vaults/{vaultId}")
def get_vault(call: OperationContext) -> Answer:
    """GetVault."""
    vault = call.load(VAULT, call.ocid("vaultId"), region=call.region)
    return Answer(_show_vault(call, vault), headers={"etag": vault.etag})


@operation("kms", "ListKeys", "GET /20180608/keys")
def list_keys(call: OperationContext) -> Answer:
    """ListKeys."""
    return _list(call, KEY, _show_key)


@operation("kms", "GetKey", "GET /20180608/keys/{keyId}")
def get_key(call: OperationContext) -> Answer:
    """GetKey."""
    key = call.load(KEY, call.ocid("keyId"), region=call.region)
    return Answer(_show_key(call, key), headers={"etag": key.etag})


OPERATIONS = (list_vaults, get_vault, list_keys, get_key)


def _list(call: OperationContext, kind: str, show: Any) -> Answer:
    compartment = call.enter(call.request.required("compartmentId"))
    rows, following = list_page(
        call.resources, call.listing(kind, compartment, region=call.region), call.request, _ORDER
    )
    return answer_page([show(call, row) for row in rows], following)


def _show(resource: StoredResource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "compartmentId": resource.compartment,
        "displayName": resource.name,
        "lifecycleState": "ENABLED" if resource.kind == KEY else resource.state,
        "timeCreated": format_instant(resource.created),
        **resource.body,
    }


def _show_vault(call: OperationContext, vault: StoredResource) -> dict[str, Any]:
    endpoint = f"http://{call.request.headers.get('host', '')}/r/{vault.region}"
    return {**_show(vault), "managementEndpoint": endpoint, "cryptoEndpoint": endpoint, "isPrimary": True}


def _show_key(_call: OperationContext, key: StoredResource) -> dict[str, Any]:
    return {
        **_show(key),
        "algorithm": "AES",
        "keyShape": {"algorithm": "AES", "length": 32},
        "protectionMode": "SOFTWARE",
        "isPrimary": True,
    }
