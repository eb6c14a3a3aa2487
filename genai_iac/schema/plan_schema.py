"""The schema of a plan as JSON: what `plan --format json` and `--out json=FILE` write. Minor versions add fields, so others are allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_iac.core import ACTIONS
from genai_iac.resource_types import RESOURCE_TYPES

_COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_ADDRESS: Mapping[str, Any] = {
    "type": "string",
    "description": "Kind/name.",
    "pattern": "^[A-Za-z]+/[a-z0-9-]+$",
    "examples": ["ApiKey/chat-app"],
}
_ATTRIBUTES: Mapping[str, Any] = {"type": ["object", "null"]}

_LOSS: Mapping[str, Any] = {
    "type": "object",
    "description": "A secret value that stops working, or that no policy admits any more.",
    "required": ["secret", "how", "last_used"],
    "properties": {
        "secret": {"type": "string", "description": "The secret's name within its key."},
        "how": {"enum": list(ACTIONS)},
        "last_used": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "null: never, as far as the service knows.",
        },
        "sinks": {
            "type": ["array", "null"],
            "description": "The places that still hold it; null: nothing tells.",
            "items": {"type": "string"},
        },
        "key": {
            **_ADDRESS,
            "description": "The key that may not call `apis` any more; its value itself stays valid.",
        },
        "other_key": {
            "type": "string",
            "description": "In place of `key`: the OCID of a key that is not this stack's.",
        },
        "other_key_name": {"type": "string", "examples": ["ApiKey/chat-app of stack chat"]},
        "apis": {"type": "array", "description": "What it may no longer call.", "items": {"type": "string"}},
        "where": {
            "type": "string",
            "description": "In words, the cases in which alone it is lost, where it is not lost in all.",
        },
        "passing": {"type": "boolean", "description": "Only until the change has ended."},
        "project": {
            "type": "boolean",
            "description": "Policies still admit the key: what goes is the project that its callers name.",
        },
    },
}
_DIGEST: Mapping[str, Any] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_SINK: Mapping[str, Any] = {
    "type": "object",
    "description": "A sink that the change writes: where values go, and by which program. No value is in it.",
    "required": ["type", "place", "command", "format", "secrets"],
    "properties": {
        "type": {"type": "string", "description": "The key under deliverTo.", "examples": ["file", "vault", "exec"]},
        "place": {"type": "string", "examples": ["file secrets/chat-app.env"]},
        "command": {
            "type": ["array", "null"],
            "description": "The program and its arguments; null: it runs none.",
            "items": {"type": "string"},
            "examples": [["./deliver.sh", "chat-app"]],
        },
        "format": {
            "type": ["string", "null"],
            "description": "How values are laid out; null: the sink has no choice.",
            "examples": ["dotenv"],
        },
        "secrets": {
            "type": "array",
            "description": "The secrets whose values it is to hold afterwards; none: it is emptied.",
            "items": {"type": "string"},
            "examples": [["key-one"]],
        },
        "roles": {
            "type": "object",
            "description": "By secret: the part in which it is held.",
            "additionalProperties": {"enum": ["current", "standby", "pending", "inactive"]},
        },
        "settings": {
            "type": ["object", "null"],
            "description": "Its other settings; null for a sink of a third party.",
        },
        "digest": {**_DIGEST, "description": "Of all its settings."},
        "programs": {
            "type": "object",
            "description": "By name as the commands have it: the digest of each local file; null when it cannot be read.",
            "additionalProperties": {"anyOf": [_DIGEST, {"type": "null"}]},
        },
    },
}
_CHANGE: Mapping[str, Any] = {
    "type": "object",
    "description": "One step for one resource.",
    "required": ["address", "kind", "actions", "calls", "id", "before", "after", "after_unknown", "reason"],
    "properties": {
        "address": _ADDRESS,
        "kind": {"enum": list(RESOURCE_TYPES)},
        "fingerprint": {
            **_DIGEST,
            "description": "Of this change alone: address, id, region, actions, calls, before, after, sinks, settings.",
        },
        "actions": {"type": "array", "items": {"enum": list(ACTIONS)}, "minItems": 1, "examples": [["create"]]},
        "calls": {
            "type": "array",
            "description": "OCI operations in order: apply makes these writes and no others.",
            "items": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
            "examples": [["CreateApiKey"]],
        },
        "sink_calls": {
            "type": "array",
            "description": "Those of them by which sinks are written. On a snapshot they are not known; no fingerprint has them.",
            "items": {"type": "string"},
        },
        "region": {"type": ["string", "null"], "description": "Where the calls go; null: the home region."},
        "id": {"type": ["string", "null"], "description": "The OCID; null when it is still to be made."},
        "before": {**_ATTRIBUTES, "description": "What is; null when it is still to be made."},
        "after": {**_ATTRIBUTES, "description": "What will be, as far as it is known; null when it will be gone."},
        "after_unknown": {
            "type": "array",
            "description": "Dotted paths below after of what only apply will know.",
            "items": {"type": "string"},
            "examples": [["compartmentId"]],
        },
        "after_expressions": {
            "type": "object",
            "description": "By JSON Pointer below after: what stands for a value that only apply will know.",
            "additionalProperties": {"type": "string"},
            "examples": [{"/compartmentId": "${Compartment/chat.id}"}],
        },
        "sinks": {"type": "array", "description": "The sinks that are written or emptied.", "items": _SINK},
        "settings": {
            "type": "object",
            "description": "What the manifest says that is never sent to OCI: rotation, deletion.",
        },
        "reason": {"type": "string", "description": "Why, for people."},
        "previous_address": {
            **_ADDRESS,
            "description": "Its address until now, when metadata.previousNames gives it another.",
        },
        "needs": {"type": "array", "description": "Changes that must be applied first.", "items": _ADDRESS},
        "losses": {"type": "array", "items": _LOSS},
        "deliver": {
            "type": "array",
            "description": "Secrets whose values go to the sinks.",
            "items": {"type": "string"},
        },
    },
}
PLAN: Mapping[str, Any] = {
    "title": "genai-iac plan",
    "description": "All that would change, in an order that works. No secret is in it.",
    "type": "object",
    "required": ["format_version", "stack", "tenancy", "fingerprint", "summary", "changes"],
    "properties": {
        "format_version": {"type": "string", "pattern": "^1\\.[0-9]+$", "examples": ["1.1"]},
        "toolVersion": {"type": "string", "description": "The version of genai-iac that made it."},
        "stack": {"type": "string", "description": "The Stack's name."},
        "stack_id": {"type": ["string", "null"], "description": "The Stack's spec.id."},
        "environment": {"type": ["string", "null"], "description": "The environment chosen with --env."},
        "tenancy": {"type": "string", "description": "The OCID of the tenancy."},
        "region": {"type": "string", "description": "The Stack's region."},
        "fingerprint": {
            **_DIGEST,
            "description": "Of stack, id, environment, tenancy, region and every change's fingerprint: equal when the same would be done.",
        },
        "digest": {
            **_DIGEST,
            "description": "Of every other field in canonical form: --approved refuses a plan that was edited.",
        },
        "summary": {
            "type": "object",
            "description": "How many of each action.",
            "required": list(ACTIONS),
            "properties": dict.fromkeys(ACTIONS, _COUNT),
        },
        "unchanged": {**_COUNT, "description": "Declared resources that are as they should be."},
        "owned": {**_COUNT, "description": "Live resources that carry the stack's ownership tag."},
        "changes": {"type": "array", "items": _CHANGE},
        "notices": {
            "type": "array",
            "description": "What a reader should know that changes nothing by itself.",
            "items": {
                "type": "object",
                "required": ["address", "text"],
                "properties": {"address": {"anyOf": [_ADDRESS, {"type": "null"}]}, "text": {"type": "string"}},
            },
        },
    },
}
