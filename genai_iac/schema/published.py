"""The JSON Schemas as editors and other tools take them: of manifests with placeholders, of the JSON plan, and of `*.test.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genai_iac.core.plan import ACTIONS
from genai_iac.schema.documents import API_VERSION, DOCUMENT_KINDS, ENVIRONMENT_KIND, STACK_KIND, document_schema
from genai_iac.schema.plan_schema import PLAN

_TEXTS: Mapping[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}}
_EXPECT: Mapping[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": {
        "changes": {
            "type": "object",
            "description": "Every change by address, with its actions; {} expects none.",
            "additionalProperties": {"type": "array", "items": {"enum": list(ACTIONS)}},
        },
        "calls": {**_TEXTS, "description": "Every write to OCI by operation, in the plan's order; [] expects none."},
        "notices": {**_TEXTS, "description": "Each is a part of one of the plan's notices."},
        "refusals": {
            **_TEXTS,
            "description": "Each is a part of an error or of a guard's refusal. Without it, a refused plan fails the test.",
        },
    },
}
TEST: Mapping[str, Any] = {
    "title": "genai-iac test",
    "description": "Tests of manifests, run by genai-iac test: offline, on a snapshot or on an empty tenancy.",
    "type": "object",
    "required": ["tests"],
    "additionalProperties": False,
    "properties": {
        "tests": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "expect"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "minLength": 1, "description": "What the test shows."},
                    "manifests": {
                        "type": "string",
                        "description": "The manifests, from the test file's directory.",
                        "default": ".",
                    },
                    "live": {
                        "type": "string",
                        "description": "A snapshot's file, from the test file's directory. Without it the tenancy is empty.",
                    },
                    "environment": {"type": "string", "description": "As --env."},
                    "variables": {
                        "type": "object",
                        "description": "As --var.",
                        "additionalProperties": {"type": ["string", "number", "boolean"]},
                    },
                    "now": {
                        "type": "string",
                        "description": "The clock, RFC 3339 with a zone; by default the snapshot's.",
                    },
                    "expect": _EXPECT,
                },
            },
        }
    },
}


DIALECT = "https://json-schema.org/draft/2020-12/schema"  # of every published schema
_PLACEHOLDER: Mapping[str, Any] = {"type": "string", "pattern": r"\$\{"}  # a text that contains a reference
# keywords for people, which stay outside of `anyOf` so that editors show them
_WORDS = ("title", "description", "default", "examples")
_CHECKS = {"pattern", "enum", "format", "minLength", "maxLength"}  # keywords that a reference would fail


def build_schemas() -> Mapping[str, Mapping[str, Any]]:
    """File name to schema: one a kind, one for any document, one for the plan that `--format json` prints, one for `*.test.yaml`."""
    kinds = {kind: _as_written(kind) for kind in DOCUMENT_KINDS}
    return {
        **{f"{kind.lower()}.schema.json": {"$schema": DIALECT, **schema} for kind, schema in kinds.items()},
        "document.schema.json": {"$schema": DIALECT, **_any_document(kinds)},
        "plan.schema.json": {"$schema": DIALECT, **PLAN},
        "test.schema.json": {"$schema": DIALECT, **TEST},
    }


def _any_document(kinds: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Chosen by `kind` with if/then, so that an editor completes and explains the one kind that is meant."""
    return {
        "title": "genai-iac manifest",
        "description": "One document of a manifest; a file may hold several.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "The version of the manifest format."},
            "kind": {"enum": list(kinds), "description": "What the document declares."},
            "metadata": {"type": "object"},
            "spec": {"type": "object"},
        },
        "allOf": [
            {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": {"$ref": f"#/$defs/{kind}"}}
            for kind in kinds
        ],
        "$defs": dict(kinds),
    }


def _as_written(kind: str) -> Mapping[str, Any]:
    schema = dict(document_schema(kind))
    if kind == ENVIRONMENT_KIND:
        return schema  # nothing is interpolated in an environment: it gives the values
    properties = dict(schema["properties"])
    properties["spec"] = _loosen(properties["spec"])
    if kind == STACK_KIND:  # declarations are read before any placeholder is
        properties["spec"]["properties"]["variables"] = schema["properties"]["spec"]["properties"]["variables"]
    return {**schema, "properties": properties}


def _loosen(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema for text that may hold `${…}`: what is checked of a value cannot be checked of a placeholder."""
    if _is_checked(schema):
        words = {word: schema[word] for word in _WORDS if word in schema}
        return {**words, "anyOf": [{word: value for word, value in schema.items() if word not in words}, _PLACEHOLDER]}
    loose = dict(schema)
    for word in ("properties", "patternProperties"):
        if word in schema:
            loose[word] = {name: {"title": _title(name), **_loosen(inner)} for name, inner in schema[word].items()}
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            loose[word] = _loosen(schema[word])
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            loose[word] = [_loosen(inner) for inner in schema[word]]
    return loose


def _title(name: str) -> str:
    """`displayName` as people say it: `Display name`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return words[:1].upper() + words[1:].lower() if words.isalpha() or " " in words else "Other"


def _is_checked(schema: Mapping[str, Any]) -> bool:
    if schema.get("type") in ("integer", "number", "boolean"):
        return True
    return bool(_CHECKS & set(schema)) and schema.get("type", "string") == "string"
