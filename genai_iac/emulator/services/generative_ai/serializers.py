"""API keys as the service shows them: the same twelve fields in lists as in single answers."""

from collections.abc import Mapping
from typing import Any

from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.services.generative_ai.key_secrets import KeySecret, secrets_of
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.time_format import format_instant

KIND = "generativeaiapikey"


def show_key(
    key: StoredResource, secrets: list[KeySecret], now: int, plaintexts: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """One API key; `plaintexts` by secret name, in the one answer that may carry them."""
    values = plaintexts or {}
    shown = {
        "id": key.id,
        "displayName": key.name,
        "compartmentId": key.compartment,
        "timeCreated": format_instant(key.created),
        "timeUpdated": format_instant(key.updated or key.created),
        "keys": [secret.show(now, values.get(secret.name)) for secret in secrets],
        "lifecycleState": key.state,
        "systemTags": {},
        **key.body,
    }
    return {name: value for name, value in shown.items() if value is not None}


def answer_key(call: OperationContext, key: StoredResource, plaintexts: Mapping[str, str] | None = None) -> Answer:
    """One API key with its etag; with plaintexts, what a replay may show is kept apart."""
    secrets = secrets_of(call.connection, [key.id])[key.id]
    body = show_key(key, secrets, call.now, plaintexts)
    masked = show_key(key, secrets, call.now) if plaintexts else None
    return Answer(body, headers={"etag": key.etag}, resource=key.id, masked=masked)
