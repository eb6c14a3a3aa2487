"""API keys: created with one or two secrets, listed, described, moved, deleted; their secrets renewed or set to another state.

Revoking is permanent.
"""

from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.requests import (
    Body,
    as_object,
    choice,
    given_texts,
    items,
    optional_instant,
    optional_text,
    part,
    text,
)
from genai_iac.emulator.http.responses import (
    NO_CONTENT,
    Answer,
    answer_page,
    conflict,
    invalid,
    limit_exceeded,
    not_found,
)
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.generative_ai.key_secrets import (
    KIND,
    KeySecret,
    answer_key,
    change_state,
    create_value,
    secrets_of,
    show_key,
)
from genai_iac.emulator.services.generative_ai.managed_resource import enter_related
from genai_iac.emulator.services.operation_context import OperationContext, forget_later
from genai_iac.emulator.services.tags import new_tags, updated_tags
from genai_iac.emulator.storage.resources import Resources, StoredResource, make_etag
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, schedule
from genai_iac.emulator.storage.time_format import DAY

DEFAULT_LIFE = 90 * DAY  # of a secret whose request has no expiry
MAX_SECRETS = 2  # of one key
_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,254}"  # `displayName` of a key
# values of the `lifecycleState` filter
_STATES = ("CREATING", "ACTIVE", "INACTIVE", "UPDATING", "DELETING", "DELETED", "FAILED")
_ORDER = Order("timeCreated", "displayName")


@operation("generative-ai", "CreateApiKey", "POST /20231130/apikeys", retry_token=True)
def create_api_key(call: OperationContext) -> Answer:
    """CreateApiKey: the only answer that ever shows the values of all its secrets."""
    compartment = enter_related(call, text(call.body, "compartmentId"))
    name = text(call.body, "displayName", pattern=_NAME)
    description = optional_text(call.body, "description")
    details = [_read_details(call, item) for item in items(call.body, "keyDetails")]
    if not 1 <= len(details) <= MAX_SECRETS:
        raise invalid(f"keyDetails must have one or {MAX_SECRETS} elements.")
    if len({name for name, _ in details}) < len(details):
        raise invalid("The key names within an API key must differ.")
    # The limit counts per region; deleted keys do not count.
    if call.resources.count(KIND, region=call.region) >= call.world.settings.limit("apiKeyCount"):
        raise limit_exceeded("api-key-count")
    body = {"description": description, **new_tags(call, compartment)}
    # 0 by default, so that tests need not wait; a delay shows whether a client waits for
    # ACTIVE.
    delay = call.world.settings.lifecycleDelay
    key = call.make_regional(call.region, KIND, compartment, name, body, state="CREATING" if delay else "ACTIVE")
    if delay:
        schedule(call.connection, call.now + delay, "activate-key", key.id)
    values = {
        secret: create_value(call.connection, key.id, position, secret, expiry, call.now)
        for position, (secret, expiry) in enumerate(details)
    }
    return answer_key(call, key, values)


@operation("generative-ai", "GetApiKey", "GET /20231130/apikeys/{apiKeyId}")
def get_api_key(call: OperationContext) -> Answer:
    """GetApiKey. A deleted key is still shown, as DELETED, unless the settings say otherwise."""
    key = call.load(KIND, call.ocid("apiKeyId"), region=call.region)
    if key.state == "DELETED" and call.world.settings.deletedKeys == "gone":
        raise not_found()
    return answer_key(call, key)


@operation("generative-ai", "ListApiKeys", "GET /20231130/apikeys")
def list_api_keys(call: OperationContext) -> Answer:
    """ListApiKeys of one compartment."""
    compartment = call.enter(call.request.required("compartmentId"))
    wanted = call.listing(
        KIND,
        compartment,
        region=call.region,
        name=call.request.one("displayName"),
        state=call.request.one_of("lifecycleState", _STATES),
        id=call.request.one("id"),
    )
    keys, following = list_page(call.resources, wanted, call.request, _ORDER)
    if call.world.settings.deletedKeys == "gone":
        keys = [key for key in keys if key.state != "DELETED"]
    secrets = secrets_of(call.connection, [key.id for key in keys])
    return answer_page([show_key(key, secrets[key.id], call.now) for key in keys], following, collection=True)


@operation("generative-ai", "UpdateApiKey", "PUT /20231130/apikeys/{apiKeyId}")
def update_api_key(call: OperationContext) -> Answer:
    """UpdateApiKey: display name, description, tags. Secrets and their expiry it cannot touch."""
    old = load_key(call)
    name = optional_text(call.body, "displayName", most=255, pattern=_NAME) or old.name
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description")}
    return answer_key(call, call.resources.save(old, replace(old, name=name, body=body), call.now))


@operation("generative-ai", "DeleteApiKey", "DELETE /20231130/apikeys/{apiKeyId}")
def delete_api_key(call: OperationContext) -> Answer:
    """DeleteApiKey: its secrets stop working; policies that name it stay as they are."""
    old = load_key(call)
    for secret in secrets_of(call.connection, [old.id])[old.id]:
        change_state(call.connection, secret, "DELETED", call.now)
    call.resources.save(old, replace(old, state="DELETED"), call.now)
    forget_later(call, KIND, old.id)
    return NO_CONTENT


@operation(
    "generative-ai",
    "ChangeApiKeyCompartment",
    "POST /20231130/apikeys/{apiKeyId}/actions/changeCompartment",
    retry_token=True,
)
def change_api_key_compartment(call: OperationContext) -> Answer:
    """ChangeApiKeyCompartment."""
    old = load_key(call)
    compartment = enter_related(call, text(call.body, "compartmentId"))
    call.resources.save(old, replace(old, compartment=compartment), call.now)
    return Answer(status=204, resource=old.id)


OPERATIONS = (
    create_api_key,
    get_api_key,
    list_api_keys,
    update_api_key,
    delete_api_key,
    change_api_key_compartment,
)


def load_key(call: OperationContext) -> StoredResource:
    """The key in the path, for a change: not deleted, and the version the request is for."""
    key = call.load(KIND, call.ocid("apiKeyId"), region=call.region)
    if key.state == "DELETED":
        raise not_found()
    call.check_etag(key)
    if key.state != "ACTIVE":
        raise conflict("IncorrectState", f"The API key is {key.state}.")
    return key


def read_expiry(call: OperationContext, details: Body) -> int:
    """The expiry asked for, or ninety days from now; it must lie ahead."""
    expiry = optional_instant(details, "timeExpiry")
    if expiry is None:
        return call.now + DEFAULT_LIFE
    if expiry <= call.now:
        raise invalid("timeExpiry must be in the future.")
    return expiry


def _read_details(call: OperationContext, item: Any) -> tuple[str, int]:
    details = as_object(item, "keyDetails")
    return text(details, "keyName", pattern=_NAME), read_expiry(call, details)


def _activate(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    key = resources.find(KIND, due.target)
    if key is not None and key.state == "CREATING":
        resources.save_state(replace(key, state="ACTIVE"))


WORKS = {"activate-key": _activate}


_SETTABLE = ("ACTIVE", "INACTIVE", "REVOKED")  # EXPIRED comes with time, and DELETED with the key


@operation("generative-ai", "RenewApiKey", "POST /20231130/apikeys/{apiKeyId}/actions/renew", retry_token=True)
def renew_api_key(call: OperationContext) -> Answer:
    """RenewApiKey: a new value for one secret, shown in this answer alone; the old one stops working."""
    key = load_key(call)
    details = part(call.body, "details")
    secret = _find_secret(call, key, text(details, "keyName"))
    expiry = read_expiry(call, details)
    if secret.state == "REVOKED" and not call.world.settings.renewRevoked:
        raise conflict("Conflict", f"Key {secret.name} is revoked and cannot be renewed.")
    value = create_value(call.connection, key.id, secret.position, secret.name, expiry, call.now)
    if secret.state == "INACTIVE" and call.world.settings.renewKeepsInactive:
        change_state(call.connection, _find_secret(call, key, secret.name), "INACTIVE", call.now)
    return answer_key(call, _touch(call, key), {secret.name: value})


@operation("generative-ai", "SetApiKeyState", "POST /20231130/apikeys/{apiKeyId}/actions/setstate", retry_token=True)
def set_api_key_state(call: OperationContext) -> Answer:
    """SetApiKeyState: ACTIVE to INACTIVE and back, or REVOKED permanently. An expired secret can only be renewed."""
    key = load_key(call)
    secret = _find_secret(call, key, text(call.body, "keyName"))
    state = choice(call.body, "state", _SETTABLE)
    current = secret.state_at(call.now)
    # Same state again: no change of the secret and no new etag, only the tags of the
    # request.
    if current == state:
        return answer_key(call, call.resources.save(key, _tagged(call, key), call.now))
    if current == "REVOKED":
        raise conflict("Conflict", f"Key {secret.name} is revoked; that cannot be undone.")
    if current == "EXPIRED" and state != "REVOKED":
        raise conflict("Conflict", f"Key {secret.name} has expired; renew it instead.")
    change_state(call.connection, secret, state, call.now)
    return answer_key(call, _touch(call, key))


SECRET_OPERATIONS = (renew_api_key, set_api_key_state)


def _find_secret(call: OperationContext, key: StoredResource, name: str) -> KeySecret:
    for secret in secrets_of(call.connection, [key.id])[key.id]:
        if secret.name == name:
            return secret
    raise invalid(f"The API key has no key named {name}.")


def _tagged(call: OperationContext, key: StoredResource) -> StoredResource:
    return replace(key, body={**key.body, **updated_tags(call, key.body)})


def _touch(call: OperationContext, key: StoredResource) -> StoredResource:
    """A new version of the key: something in it has changed, be it only a secret."""
    return call.resources.save(key, replace(_tagged(call, key), etag=make_etag()), call.now)
