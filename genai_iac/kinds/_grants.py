"""Grants: which API key may call which API with which models, written as the narrowest statements OCI understands.

Statement forms: facts of the service's permission pages (one key by its OCID, models by `target.model.id`); the
Responses API has a resource type of its own that is not in `generative-ai-family` and needs `manage`, because a call
stores a response.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from genai_iac.model import Address, ExistingCompartment, Reference, StatementText, Value

_WHAT = {"chat": "use generative-ai-chat", "responses": "manage generative-ai-response"}

GRANT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiKey"],
    "properties": {
        "apiKey": {
            "type": "string",
            "description": "A declared ApiKey, by its metadata.name.",
            "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        },
        "apis": {
            "type": "array",
            "description": "What it may call. Default: chat.",
            "items": {"enum": list(_WHAT)},
            "minItems": 1,
            "uniqueItems": True,
            "default": ["chat"],
        },
        "models": {
            "type": "array",
            "description": "The models it may use. Default: any.",
            "items": {"type": "string", "pattern": r"^[A-Za-z0-9._:/-]{1,255}$"},
            "minItems": 1,
            "uniqueItems": True,
            "examples": [["xai.grok-4"]],
        },
    },
}


def granted_keys(grants: Iterable[Mapping[str, Any]]) -> Iterator[Reference]:
    """The keys that the grants name."""
    for grant in grants:
        yield Reference(Address("ApiKey", grant["apiKey"]))


def grant_statements(grant: Mapping[str, Any], compartments: Mapping[str, Value]) -> Iterator[Value]:
    """One statement an API; `compartments` says in which compartment each key lives."""
    home = compartments[grant["apiKey"]]
    for api in grant.get("apis", ("chat",)):
        yield _write(_WHAT[api], grant["apiKey"], home, grant.get("models", ()))


def _write(what: str, key: str, home: Value, models: Sequence[str]) -> Value:
    holes: list[tuple[str, str | Reference | ExistingCompartment]] = [("key", Reference(Address("ApiKey", key)))]
    place = "tenancy"
    if home != ExistingCompartment("/"):
        place = "compartment id ${compartment}"
        holes.append(("compartment", home))  # type: ignore[arg-type]
    conditions = ["request.principal.type = 'generativeaiapikey'", "request.principal.id = '${key}'"]
    if models:
        names = [f"model{index}" for index in range(len(models))]
        conditions.append("target.model.id in (" + ", ".join(f"'${{{name}}}'" for name in names) + ")")
        holes.extend(zip(names, models, strict=True))
    return StatementText(f"allow any-user to {what} in {place} where all {{{', '.join(conditions)}}}", tuple(holes))
