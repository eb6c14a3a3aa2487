"""Vaults and master keys: one of each that every subscribed region has from the start, and those that are made."""

import sqlite3
from typing import Any

from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.requests import choice, part, text
from genai_iac.emulator.http.responses import Answer, answer_page, invalid, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import new_tags, read_tags
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import TenancyState
from genai_iac.emulator.storage.time_format import format_instant

VAULT = "vault"
KEY = "key"
_LENGTHS = {"AES": (16, 24, 32), "RSA": (256, 384, 512), "ECDSA": (32, 48, 66)}  # bytes, as CreateKey takes them
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
    rows = connection.execute(
        "SELECT kind, region, id FROM resources WHERE kind IN (?, ?) ORDER BY seq DESC", (VAULT, KEY)
    )
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
    vault = call.parameters.get("vaultId")
    return _list(call, KEY, _show_key, field=None if vault is None else ("vaultId", vault))


@operation("kms", "GetKey", "GET /20180608/keys/{keyId}")
def get_key(call: OperationContext) -> Answer:
    """GetKey."""
    key = call.load(KEY, call.ocid("keyId"), region=call.region)
    return Answer(_show_key(call, key), headers={"etag": key.etag})


@operation("kms", "CreateVault", "POST /20180608/vaults", retry_token=True, permissions=("VAULT_CREATE",))
def create_vault(call: OperationContext) -> Answer:
    """CreateVault, active at once."""
    compartment = call.enter(text(call.body, "compartmentId"))
    name = text(call.body, "displayName", most=100)
    kind = choice(call.body, "vaultType", ("DEFAULT", "VIRTUAL_PRIVATE"))
    body = {"vaultType": kind, **new_tags(call, compartment)}
    vault = call.make_regional(call.region, VAULT, compartment, name, body)
    return Answer(_show_vault(call, vault), headers={"etag": vault.etag}, resource=vault.id)


def _create_key(call: OperationContext) -> Answer:
    """CreateKey at the management endpoint of a vault."""
    vault = call.resources.find(VAULT, call.ocid("vaultId"), call.hidden_after)
    if vault is None or vault.region != call.region:
        raise not_found()
    call.enter(vault.compartment, permissions=("VAULT_CREATE_KEY",))
    compartment = call.enter(text(call.body, "compartmentId"), permissions=("KEY_CREATE",))
    shape = part(call.body, "keyShape")
    algorithm = choice(shape, "algorithm", tuple(_LENGTHS))
    if shape.get("length") not in _LENGTHS[algorithm]:
        raise invalid(f"keyShape.length must be one of {', '.join(map(str, _LENGTHS[algorithm]))} for {algorithm}.")
    mode = (
        "HSM" if call.body.get("protectionMode") is None else choice(call.body, "protectionMode", ("HSM", "SOFTWARE"))
    )
    body = {
        "vaultId": vault.id,
        "currentKeyVersion": make_ocid("keyversion", call.region),
        "keyShape": {"algorithm": algorithm, "length": shape["length"]},
        "protectionMode": mode,
        **new_tags(call, compartment),
    }
    key = call.make_regional(call.region, KEY, compartment, text(call.body, "displayName", most=100), body)
    return Answer(_show_key(call, key), headers={"etag": key.etag}, resource=key.id)


OPERATIONS = (
    list_vaults,
    get_vault,
    create_vault,
    list_keys,
    get_key,
    operation("kms", "CreateKey", "POST /kms/{vaultId}/20180608/keys", retry_token=True, permissions=("KEY_CREATE",))(
        _create_key
    ),
    operation("kms", "ListKeys", "GET /kms/{vaultId}/20180608/keys")(list_keys.function),
    operation("kms", "GetKey", "GET /kms/{vaultId}/20180608/keys/{keyId}")(get_key.function),
)


def _list(call: OperationContext, kind: str, show: Any, **filters: Any) -> Answer:
    compartment = call.enter(call.request.required("compartmentId"))
    rows, following = list_page(
        call.resources, call.listing(kind, compartment, region=call.region, **filters), call.request, _ORDER
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
    # the path says which vault's keys are meant, as the host does in OCI
    keys = f"{endpoint}/kms/{vault.id}"
    return {**_show(vault), "managementEndpoint": keys, "cryptoEndpoint": endpoint, "isPrimary": True}


def _show_key(_call: OperationContext, key: StoredResource) -> dict[str, Any]:
    return {
        "keyShape": {"algorithm": "AES", "length": 32},
        "protectionMode": "SOFTWARE",
        **_show(key),
        "algorithm": key.body.get("keyShape", {}).get("algorithm", "AES"),
        "isPrimary": True,
    }
