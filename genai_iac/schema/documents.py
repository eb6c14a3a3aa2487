"""The schema of whole documents: the fields that all kinds share around the `spec` of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from genai_iac.resource_types import RESOURCE_TYPES

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
    "description": "Free-form tags. A resource's own win over the Stack's; OCI allows ten, one of which is the ownership tag.",
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

_NAME = "^[A-Za-z_][A-Za-z0-9_-]{0,63}$"  # of variables
_VALUE: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}  # what a variable can be
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
        "id": {
            "type": "string",
            "title": "Id",
            "description": "Tells this stack from others of its name in the tenancy, for example a UUID. With it the Stack may be renamed.",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$",
            "examples": ["5f0c9a34-6c1e-4a57-9a55-0d7f5b0f3c11"],
        },
        "region": {
            **REGION,
            "description": "Where ApiKeys live unless they say otherwise; IAM always goes to the home region.",
        },
        "tenancy": TENANCY,
        "tags": TAGS,
        "ignore": {
            "type": "array",
            "title": "Ignore",
            "description": "YAML files of other tools below the Stack's directory that are not read: globs, ** for any depth.",
            "items": {"type": "string", "minLength": 1, "maxLength": 200},
            "maxItems": 100,
            "examples": [["docker-compose.yml", "charts/**"]],
        },
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


API_VERSION = "genai-iac/v1"
STACK_KIND, ENVIRONMENT_KIND = "Stack", "Environment"
DOCUMENT_KINDS = (STACK_KIND, ENVIRONMENT_KIND, *RESOURCE_TYPES)

NAME: Mapping[str, Any] = {
    "type": "string",
    "title": "Name",
    "description": "Its name in manifests, unique in its kind.",
    "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
}
PREVIOUS_NAMES: Mapping[str, Any] = {
    "type": "array",
    "title": "Previous names",
    "description": "Names it had before: what is live under one of them is kept as this resource. Can be removed once applied.",
    "items": {"type": "string", "pattern": NAME["pattern"]},
    "maxItems": 20,
    "uniqueItems": True,
    "examples": [["chat-app-old"]],
}
_TEXTS: Mapping[str, Any] = {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}}
# what kustomize's transformers and build metadata write; none of it reaches OCI
_IGNORED: Mapping[str, Any] = {
    "labels": {**_TEXTS, "title": "Labels", "description": "Kubernetes labels: let through and ignored."},
    "annotations": {
        **_TEXTS,
        "title": "Annotations",
        "description": "Kubernetes annotations: let through and ignored.",
    },
    "namespace": {
        "type": "string",
        "title": "Namespace",
        "description": "A Kubernetes namespace: let through and ignored.",
    },
    "creationTimestamp": {
        "type": ["string", "null"],
        "title": "Creation timestamp",
        "description": "Let through and ignored.",
    },
}
_SPECS = {
    STACK_KIND: ("Exactly one in a path; its name is in the ownership tag of everything it creates.", STACK),
    ENVIRONMENT_KIND: ("Values of one environment, in environments/NAME.yaml; chosen with --env NAME.", ENVIRONMENT),
}


@cache
def document_schema(kind: str) -> Mapping[str, Any]:
    """The schema of a whole document of that kind, for values after interpolation. Raises KeyError for a kind that is none."""
    summary, spec = (
        _SPECS[kind]
        if kind in _SPECS
        else (RESOURCE_TYPES[kind].summary, _complete_spec(RESOURCE_TYPES[kind].spec_schema()))
    )
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
            "properties": {
                "name": NAME,
                **({"previousNames": PREVIOUS_NAMES} if kind in RESOURCE_TYPES else {}),
                **_IGNORED,
            },
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
