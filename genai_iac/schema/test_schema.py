"""The schema of `*.test.yaml`: what a plan is made on, and what it is expected to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_iac.core.plan import ACTIONS

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
