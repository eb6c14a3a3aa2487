"""A key's secrets and sinks as a manifest declares them: their schema, what it cannot say, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genai_iac import sinks
from genai_iac.errors import Problem
from genai_iac.kinds._expiry import DEFAULT, EXPIRES_SCHEMA, read_expiry
from genai_iac.model import Document, Value, leaves

NAME_SCHEMA: Mapping[str, Any] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,254}$"}
STATES: Mapping[str, str] = {"active": "ACTIVE", "inactive": "INACTIVE", "revoked": "REVOKED"}  # OCI's words
SECRETS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "description": "The key's one or two secrets; OCI fixes their number and names when it makes the key.",
    "minItems": 1,
    "maxItems": 2,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {**NAME_SCHEMA, "examples": ["key-one", "key-two"]},
            "state": {"enum": list(STATES), "default": "active", "description": "revoked is for ever."},
            "expires": EXPIRES_SCHEMA,
        },
    },
}
DELIVERIES_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "description": "Where plaintext goes when a secret is minted. Without a sink the values are shown to nobody and lost.",
    "items": sinks.entry_schema(),
    "maxItems": 20,
}


def check_secrets(document: Document) -> Iterator[Problem]:
    """Names that are not told apart, and moments that no calendar has."""
    names: set[str] = set()
    for index, secret in enumerate(document.spec.get("secrets", ())):
        if secret["name"] in names:
            yield Problem(
                document.place("spec", "secrets", index, "name"),
                f"two secrets are called {secret['name']}",
                "name them apart",
            )
        names.add(secret["name"])
        try:
            read_expiry(str(secret.get("expires", DEFAULT)))
        except ValueError:
            yield Problem(
                document.place("spec", "secrets", index, "expires"),
                f"{secret['expires']} is not a moment of the calendar",
                "write a date-time such as 2027-06-30T00:00:00Z, or a duration such as 90d",
            )


def check_deliveries(document: Document) -> Iterator[Problem]:
    """Sinks that are not known beforehand."""
    for index, entry in enumerate(document.spec.get("deliverTo", ())):
        for leaf in leaves(entry):
            yield Problem(
                document.place("spec", "deliverTo", index),
                f"{leaf} is a reference, and where a secret goes must be known beforehand",
                "write it out, or use ${var.NAME}",
            )


def read_secrets(spec: Mapping[str, Any]) -> dict[str, Value]:
    """The declared secrets by name: `{"state": "active", "expires": Lifetime or moment}`."""
    return {
        secret["name"]: {"state": secret.get("state", default), "expires": read_expiry(secret.get("expires", DEFAULT))}
        for secret, default in zip(spec["secrets"], _default_states(spec), strict=False)
    }


def _default_states(spec: Mapping[str, Any]) -> tuple[str, str]:
    """With a rotation one secret works and the other stands by; without one both work unless told otherwise."""
    return ("active", "inactive") if "rotation" in spec else ("active", "active")
