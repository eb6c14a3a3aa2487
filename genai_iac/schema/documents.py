"""The schema of whole documents: the envelope that all kinds share around what each kind says of its `spec`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from genai_iac.kinds import KINDS
from genai_iac.schema.stack import DELETION, ENVIRONMENT, STACK, TAGS

API_VERSION = "genai-iac/v1"
STACK_KIND, ENVIRONMENT_KIND = "Stack", "Environment"
DOCUMENT_KINDS = (STACK_KIND, ENVIRONMENT_KIND, *KINDS)

NAME: Mapping[str, Any] = {
    "type": "string",
    "title": "Name",
    "description": "Its name in manifests, unique in its kind.",
    "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
}
_SPECS = {
    STACK_KIND: ("Exactly one in a path; its name is the owner mark of everything it makes.", STACK),
    ENVIRONMENT_KIND: ("Values of one environment, in environments/NAME.yaml; chosen with --env NAME.", ENVIRONMENT),
}


@cache
def document_schema(kind: str) -> Mapping[str, Any]:
    """The schema of a whole document of that kind, for values after interpolation. Raises KeyError for a kind that is none."""
    summary, spec = _SPECS[kind] if kind in _SPECS else (KINDS[kind].summary, _complete_spec(KINDS[kind].schema))
    properties = {
        "apiVersion": {
            "const": API_VERSION,
            "title": "API version",
            "description": "The version of the manifest format.",
        },
        "kind": {"const": kind, "title": "Kind"},
        "metadata": {
            "type": "object",
            "title": "Metadata",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {"name": NAME},
        },
        "spec": {"title": f"What the {kind} is to be", **spec},
    }
    return {
        "title": kind,
        "description": summary,
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": properties,
    }


def _complete_spec(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**schema, "properties": {**schema["properties"], "tags": TAGS, "deletion": DELETION}}
