"""The secrets of a live key: read from the wire, shown as attributes, told as a manifest, and as calls will leave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genai_iac.kinds._expiry import write_moment
from genai_iac.kinds._kind import read_time
from genai_iac.model import Call, LiveSecret


def read_live_secret(item: Mapping[str, Any]) -> LiveSecret:
    """One of the `keys` of an API key, as a list or a Get shows it."""
    return LiveSecret(
        name=item["keyName"],
        state=item["state"],
        mask=item["keyMask"],
        created=read_time(item.get("timeCreated")),
        expires=read_time(item.get("timeExpiry")),
        last_used=read_time(item.get("timeLastUsed")),
    )


def show_secrets(secrets: Iterable[LiveSecret]) -> dict[str, dict[str, str | None]]:
    """The secrets as attributes of their key, by name, in the words of manifests."""
    return {
        secret.name: {
            "state": secret.state.lower(),
            "expires": write_moment(secret.expires) if secret.expires else None,
        }
        for secret in secrets
    }


def declare_secret(secret: LiveSecret) -> dict[str, str]:
    """A secret as a manifest declares it so that nothing is to be done: what has died of age is not wanted back."""
    state = {"ACTIVE": "active", "INACTIVE": "inactive", "EXPIRED": "inactive"}.get(secret.state, "revoked")
    return {
        "name": secret.name,
        **({"state": state} if state != "active" else {}),
        **({"expires": write_moment(secret.expires)} if secret.expires else {}),
    }


def secrets_after(secrets: Mapping[str, Any], calls: Iterable[Call]) -> dict[str, dict[str, Any]]:
    """The secrets as those calls leave them, one after the other."""
    after = {name: dict(secret) for name, secret in secrets.items()}
    for call in calls:
        if call.secret is not None and call.operation == "RenewApiKey":
            details = call.body["details"]
            assert isinstance(details, Mapping)
            after[call.secret] = {"state": "active", "expires": details["timeExpiry"]}
        elif call.secret is not None and call.operation == "SetApiKeyState":
            after[call.secret]["state"] = str(call.body["state"]).lower()
    return after
