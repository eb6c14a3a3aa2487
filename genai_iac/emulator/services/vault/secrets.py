"""Secrets: made with a first version, updated one thing at a time, never showing what is in them."""

from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.requests import as_object, given_texts, optional_object, optional_text, part, text
from genai_iac.emulator.http.responses import Answer, answer_page, conflict, invalid, limit_exceeded, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import new_tags, updated_tags
from genai_iac.emulator.services.vault.contents import (
    add_version,
    expiry_of,
    find_version,
    list_versions,
    make_current,
    read_content,
    read_rules,
    refuse_reuse,
)
from genai_iac.emulator.services.vault.vaults import KEY, VAULT
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, schedule
from genai_iac.emulator.storage.time_format import format_instant
from genai_iac.iam_policy import permissions_of

KIND = "vaultsecret"
_NAME = r"[A-Za-z0-9._-]{1,255}"
_ORDER = Order("TIMECREATED", "NAME")
# fields of the stored body that answers show in another form, or not
_INTERNAL = frozenset({"lastVersion", "secretRules", "metadata"})
_STATES = (
    "CREATING", "ACTIVE", "UPDATING", "DELETING", "DELETED",
    "SCHEDULING_DELETION", "PENDING_DELETION", "CANCELLING_DELETION", "FAILED",
)  # fmt: skip


@operation("vault", "CreateSecret", "POST /20180608/secrets", retry_token=True)
def create_secret(call: OperationContext) -> Answer:
    """CreateSecret. A name stays taken in its vault until the secret is really gone."""
    compartment = call.enter(text(call.body, "compartmentId"), permissions=("SECRET_CREATE",))
    vault = _load_part(call, VAULT, "vaultId", "VAULT_")
    key = _load_part(call, KEY, "keyId", "KEY_")
    name = text(call.body, "secretName", most=255, pattern=_NAME)
    content = read_content(part(call.body, "secretContent"))
    if content.stage == "PENDING":
        raise invalid("The first version of a secret cannot be PENDING.")
    _refuse_taken(call, vault.id, name)
    if call.resources.count(KIND, region=call.region) >= call.world.settings.limit("secretCount"):
        raise limit_exceeded("secret-count")
    body = {
        "vaultId": vault.id,
        "keyId": key.id,
        "description": optional_text(call.body, "description"),
        "metadata": optional_object(call.body, "metadata"),
        "secretRules": read_rules(call.body),
        "lastVersion": 0,
        **new_tags(call, compartment),
    }
    delay = call.world.settings.lifecycleDelay
    made = call.make_regional(call.region, KIND, compartment, name, body, state="CREATING" if delay else "ACTIVE")
    if delay:
        schedule(call.connection, call.now + delay, "activate-secret", made.id)
    number = add_version(call, made.id, content)
    numbered = replace(made, body={**made.body, "lastVersion": number})
    call.resources.save_state(numbered)
    return answer_secret(call, numbered)


@operation("vault", "GetSecret", "GET /20180608/secrets/{secretId}")
def get_secret(call: OperationContext) -> Answer:
    """GetSecret: everything but the content."""
    return answer_secret(call, call.load(KIND, call.ocid("secretId"), region=call.region))


@operation("vault", "ListSecrets", "GET /20180608/secrets")
def list_secrets(call: OperationContext) -> Answer:
    """ListSecrets of a compartment, by vault, name, state."""
    compartment = call.enter(call.request.required("compartmentId"))
    wanted = call.listing(
        KIND,
        compartment,
        region=call.region,
        name=call.request.one("name"),
        state=call.request.one_of("lifecycleState", _STATES),
        field=_vault_filter(call),
    )
    rows, following = list_page(call.resources, wanted, call.request, _ORDER)
    return answer_page([_summary(call, row) for row in rows], following)


@operation("vault", "UpdateSecret", "PUT /20180608/secrets/{secretId}")
def update_secret(call: OperationContext) -> Answer:
    """UpdateSecret: a new content, another current version, or other rules: one of them at a time."""
    old = load_secret(call, permissions=("SECRET_UPDATE",))
    key = call.resources.find(KEY, old.body["keyId"])
    if key is not None:
        call.enter(key.compartment, permissions=_needed(call, "KEY_"), target=key)
    require_active(old)
    asked = [
        name for name in ("secretContent", "currentVersionNumber", "secretRules") if call.body.get(name) is not None
    ]
    if len(asked) > 1:
        raise invalid(f"{' and '.join(asked)} cannot be updated together.")
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description")}
    if call.body.get("metadata") is not None:
        body["metadata"] = as_object(call.body["metadata"], "metadata")
    if "secretRules" in asked:
        body["secretRules"] = read_rules(call.body)
    if "secretContent" in asked:
        body["lastVersion"] = _update_content(call, old)
    promoted = "currentVersionNumber" in asked and _promote(call, old)
    new = replace(old, body=body, updated=call.now if promoted else old.updated)
    return answer_secret(call, call.resources.save(old, new, call.now))


@operation(
    "vault", "ChangeSecretCompartment", "POST /20180608/secrets/{secretId}/actions/changeCompartment", retry_token=True
)
def change_secret_compartment(call: OperationContext) -> Answer:
    """ChangeSecretCompartment."""
    old = load_secret(call)
    compartment = call.enter(text(call.body, "compartmentId"))
    moved = call.resources.save(old, replace(old, compartment=compartment), call.now)
    return Answer(headers={"etag": moved.etag}, resource=old.id)


OPERATIONS = (create_secret, get_secret, list_secrets, update_secret, change_secret_compartment)


def load_secret(call: OperationContext, *, permissions: tuple[str, ...] | None = None) -> StoredResource:
    """The secret in the path, not yet deleted, in the version the request is for."""
    secret = call.load(KIND, call.ocid("secretId"), region=call.region, permissions=permissions)
    if secret.state == "DELETED":
        raise not_found()
    call.check_etag(secret)
    return secret


def require_active(secret: StoredResource) -> None:
    """409 unless the secret is ACTIVE."""
    if secret.state != "ACTIVE":
        raise conflict("Conflict", f"The secret is {secret.state}.")


def answer_secret(call: OperationContext, secret: StoredResource) -> Answer:
    """One secret with its etag."""
    shown = {**_summary(call, secret), "metadata": secret.body["metadata"], "secretRules": secret.body["secretRules"]}
    current = next((item for item in list_versions(call, secret.id) if "CURRENT" in item.stages), None)
    shown["currentVersionNumber"] = current.number if current else None
    kept = {name: value for name, value in shown.items() if value is not None}
    return Answer(kept, headers={"etag": secret.etag}, resource=secret.id)


def _summary(call: OperationContext, secret: StoredResource) -> dict[str, Any]:
    current = next((item for item in list_versions(call, secret.id) if "CURRENT" in item.stages), None)
    expiry = expiry_of(secret.body["secretRules"], current.created) if current else None
    shown = {
        "id": secret.id,
        "compartmentId": secret.compartment,
        "secretName": secret.name,
        "lifecycleState": secret.state,
        "timeCreated": format_instant(secret.created),
        "rotationStatus": "NOT_ENABLED",
        "isAutoGenerationEnabled": False,
        "timeOfCurrentVersionExpiry": None if expiry is None else format_instant(expiry),
        **{name: value for name, value in secret.body.items() if name not in _INTERNAL},
    }
    return {name: value for name, value in shown.items() if value is not None}


def _load_part(call: OperationContext, kind: str, name: str, prefix: str) -> StoredResource:
    return call.load(kind, text(call.body, name), region=call.region, permissions=_needed(call, prefix))


def _needed(call: OperationContext, prefix: str) -> tuple[str, ...]:
    """Those of the operation's permissions that concern the vault or the key, wherever it lies."""
    return tuple(permission for permission in permissions_of(call.operation.name) if permission.startswith(prefix))


def _refuse_taken(call: OperationContext, vault: str, name: str) -> None:
    taken = call.connection.execute(
        "SELECT 1 FROM resources WHERE kind = ? AND name = ? AND state <> 'DELETED'"
        " AND json_extract(body, '$.vaultId') = ?",
        (KIND, name, vault),
    ).fetchone()
    if taken:
        raise conflict(
            "NotAuthorizedOrResourceAlreadyExists", f"Secret with name {name} already exists in vault {vault}."
        )


def _vault_filter(call: OperationContext) -> tuple[str, str] | None:
    vault = call.request.one("vaultId")
    return None if vault is None else ("vaultId", vault)


def _update_content(call: OperationContext, secret: StoredResource) -> int:
    content = read_content(part(call.body, "secretContent"))
    refuse_reuse(call, secret.id, secret.body["secretRules"], content.value)
    return add_version(call, secret.id, content)


def _promote(call: OperationContext, secret: StoredResource) -> bool:
    """Make the asked version the current one; whether that changed anything."""
    number = call.body["currentVersionNumber"]
    if isinstance(number, bool) or not isinstance(number, int):
        raise invalid("currentVersionNumber must be a whole number.")
    version = find_version(call, secret.id, number=number, stage="")
    if version.deletion is not None:
        raise conflict("Conflict", f"Version {number} is scheduled for deletion.")
    make_current(call, secret.id, number)
    return "CURRENT" not in version.stages


def _activate(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    secret = resources.find(KIND, due.target)
    if secret is not None and secret.state == "CREATING":
        resources.save_state(replace(secret, state="ACTIVE"))


WORKS = {"activate-secret": _activate}
