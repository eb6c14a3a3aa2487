"""API keys: created with one or two secrets, listed, described, moved, deleted."""

from dataclasses import replace
from typing import Any

from genai_iac.emulator.http.errors import conflict, invalid, limit_exceeded, not_found
from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.request_fields import (
    Body,
    as_object,
    given_texts,
    items,
    optional_instant,
    optional_text,
    text,
)
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, answer_page
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.defined_tags import new_tags, updated_tags
from genai_iac.emulator.services.forgetting import forget_later
from genai_iac.emulator.services.generative_ai.key_secrets import change_state, create_value, secrets_of
from genai_iac.emulator.services.generative_ai.related import enter_related
from genai_iac.emulator.services.generative_ai.serializers import KIND, answer_key, show_key
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import Resources, StoredResource
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
    """The key in the path, for a change: alive, and the version the request is for."""
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
        resources.settle(replace(key, state="ACTIVE"))


WORKS = {"activate-key": _activate}
