"""What can be done to one secret of an API key: a new value, or another state. Revoking is for good."""

from dataclasses import replace

from genai_iac.emulator.http.errors import conflict, invalid
from genai_iac.emulator.http.request_fields import choice, part, text
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.defined_tags import updated_tags
from genai_iac.emulator.services.generative_ai.api_keys import load_key, read_expiry
from genai_iac.emulator.services.generative_ai.key_secrets import KeySecret, change_state, create_value, secrets_of
from genai_iac.emulator.services.generative_ai.serializers import answer_key
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import StoredResource, make_etag

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


OPERATIONS = (renew_api_key, set_api_key_state)


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
