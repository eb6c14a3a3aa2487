"""What can be done to one secret of an API key: a new value, or another state. Revoking is for good."""

from dataclasses import replace

from genai_iac.emulator.answers import Answer
from genai_iac.emulator.call import Call
from genai_iac.emulator.errors import conflict, invalid
from genai_iac.emulator.generative_ai.api_keys import load_key, read_expiry
from genai_iac.emulator.generative_ai.key_secrets import KeySecret, change_state, mint, secrets_of
from genai_iac.emulator.generative_ai.present import answer_key
from genai_iac.emulator.operations import operation
from genai_iac.emulator.payload import choice, part, text
from genai_iac.emulator.resources import Resource, make_etag
from genai_iac.emulator.tags import changed_tags

_SETTABLE = ("ACTIVE", "INACTIVE", "REVOKED")


@operation("generative-ai", "RenewApiKey", "POST /20231130/apikeys/{apiKeyId}/actions/renew", retry_token=True)
def renew_api_key(call: Call) -> Answer:
    """RenewApiKey: a new value for one secret, shown in this answer alone; the old one stops working."""
    key = load_key(call)
    details = part(call.body, "details")
    secret = _find_secret(call, key, text(details, "keyName"))
    expiry = read_expiry(call, details)
    if secret.state == "REVOKED" and not call.world.settings.renewRevoked:
        raise conflict("Conflict", f"Key {secret.name} is revoked and cannot be renewed.")
    value = mint(call.connection, key.id, secret.position, secret.name, expiry, call.now)
    return answer_key(call, _touch(call, key), {secret.name: value})


@operation("generative-ai", "SetApiKeyState", "POST /20231130/apikeys/{apiKeyId}/actions/setstate", retry_token=True)
def set_api_key_state(call: Call) -> Answer:
    """SetApiKeyState: ACTIVE and INACTIVE in turn, or REVOKED for ever. An expired secret can only be renewed."""
    key = load_key(call)
    secret = _find_secret(call, key, text(call.body, "keyName"))
    state = choice(call.body, "state", _SETTABLE)
    current = secret.state_at(call.now)
    if current == state:
        return answer_key(call, call.resources.save(key, _tagged(call, key), call.now))
    if current == "REVOKED":
        raise conflict("Conflict", f"Key {secret.name} is revoked; that cannot be undone.")
    if current == "EXPIRED" and state != "REVOKED":
        raise conflict("Conflict", f"Key {secret.name} has expired; renew it instead.")
    change_state(call.connection, secret, state, call.now)
    return answer_key(call, _touch(call, key))


OPERATIONS = (renew_api_key, set_api_key_state)


def _find_secret(call: Call, key: Resource, name: str) -> KeySecret:
    for secret in secrets_of(call.connection, [key.id])[key.id]:
        if secret.name == name:
            return secret
    raise invalid(f"The API key has no key named {name}.")


def _tagged(call: Call, key: Resource) -> Resource:
    return replace(key, body={**key.body, **changed_tags(call.body)})


def _touch(call: Call, key: Resource) -> Resource:
    """A new version of the key: something in it has changed, be it only a secret."""
    return call.resources.save(key, replace(_tagged(call, key), etag=make_etag()), call.now)
