"""The schemas of the two kinds that are no resources: the Stack, and the Environment that is chosen with --env."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REGION: Mapping[str, Any] = {
    "type": "string",
    "title": "Region",
    "description": "A region by its identifier.",
    "pattern": "^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$",
    "examples": ["us-chicago-1"],
}
TENANCY: Mapping[str, Any] = {
    "type": "string",
    "title": "Tenancy",
    "description": "The OCID of the only tenancy that may be written to; any other is refused before the first write.",
    "pattern": "^ocid1\\.tenancy\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[a-z0-9-]+$",
    "examples": ["ocid1.tenancy.oc1..aaaa"],
}
TAGS: Mapping[str, Any] = {
    "type": "object",
    "title": "Tags",
    "description": "Free-form tags. A resource's own win over the Stack's; OCI takes ten, one of which is the owner mark.",
    "propertyNames": {"minLength": 1, "maxLength": 100},
    "additionalProperties": {"type": "string", "maxLength": 256},
    "examples": [{"team": "ml-platform"}],
}
DELETION: Mapping[str, Any] = {
    "enum": ["delete", "retain", "forbid"],
    "title": "Deletion",
    "description": "What happens once nothing declares it: delete it, retain it and forget it, or forbid the plan.",
    "default": "delete",
}

_NAME = "^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
_VALUE: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}
_VARIABLE: Mapping[str, Any] = {
    "type": "object",
    "title": "Variable",
    "description": "Used as ${var.NAME}. Without a default a value must be given.",
    "additionalProperties": False,
    "properties": {
        "default": {**_VALUE, "description": "The value when none is given."},
        "enum": {
            "type": "array",
            "description": "The values it may have.",
            "items": _VALUE,
            "minItems": 1,
            "uniqueItems": True,
        },
        "type": {
            "enum": ["string", "number", "boolean"],
            "description": "Default: that of default or enum, else string.",
        },
        "description": {"type": "string", "description": "What it is for."},
        "pattern": {
            "type": "string",
            "description": "A regular expression that a string must fit: three repetitions at most.",
            "maxLength": 256,
            "examples": ["^[a-z]+$"],
        },
    },
}

STACK: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "region": {
            **REGION,
            "description": "Where ApiKeys live unless they say otherwise; IAM always goes to the home region.",
        },
        "tenancy": TENANCY,
        "tags": TAGS,
        "variables": {
            "type": "object",
            "title": "Variables",
            "description": "What may differ from one environment or run to another.",
            "propertyNames": {"pattern": _NAME},
            "additionalProperties": _VARIABLE,
            "examples": [{"env": {"default": "dev", "enum": ["dev", "prod"]}}],
        },
    },
}
ENVIRONMENT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "tenancy": TENANCY,
        "region": {**REGION, "description": "Instead of the Stack's."},
        "profile": {
            "type": "string",
            "title": "Profile",
            "description": "A profile of the OCI configuration file.",
            "pattern": "^[A-Za-z0-9_.@-]{1,100}$",
            "examples": ["PROD"],
        },
        "variables": {
            "type": "object",
            "title": "Variables",
            "description": "Values for the Stack's variables.",
            "propertyNames": {"pattern": _NAME},
            "additionalProperties": _VALUE,
            "examples": [{"env": "prod"}],
        },
    },
}
