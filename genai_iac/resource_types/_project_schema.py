"""The schema of a project's configurations, as `CreateGenerativeAiProjectDetails` of the SDK 2.189 has them.

What has several forms there (networks, models) is an open object here: the service checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME_SCHEMA: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255, "examples": ["chat-${var.env}"]}
REGION_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "description": "The region of the project; the keys that name it are of the same region. Default: the Stack's.",
    "pattern": "^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$",
    "examples": ["us-chicago-1"],
}
_HOURS = {"type": "integer", "minimum": 0}
_COUNT = {"type": "integer", "minimum": 0}


def _object(description: str, **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object with these properties and no others, each optional."""
    return {"type": "object", "description": description, "additionalProperties": False, "properties": properties}


def _open(description: str) -> Mapping[str, Any]:
    """An object whose members only the service knows."""
    return {"type": "object", "description": description}


CONFIG_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "conversationConfig": _object(
        "How long responses and conversations are kept.",
        responsesRetentionInHours={**_HOURS, "description": "Hours that a stored response is kept."},
        conversationsRetentionInHours={**_HOURS, "description": "Hours that a conversation is kept."},
    ),
    "longTermMemoryConfig": _object(
        "Whether facts are taken from conversations and kept, and with which models.",
        standardLongTermMemoryStrategy=_object(
            "The strategy that the service has.",
            isEnabled={"type": "boolean"},
            extractionConfig=_open("The model that finds facts."),
            embeddingConfig=_open("The model that embeds them."),
        ),
    ),
    "shortTermMemoryOptimizationConfig": _object(
        "Whether long conversations are condensed, and with which model.",
        isEnabled={"type": "boolean"},
        condenserConfig=_open("The model that condenses."),
    ),
    "sandboxConfig": _object(
        "The containers that code of the project's calls runs in.",
        isEnabled={"type": "boolean"},
        isPersistenceEnabled={"type": "boolean"},
        warmPoolConfig=_object(
            "Containers kept ready, by size.", smallCount=_COUNT, mediumCount=_COUNT, largeCount=_COUNT
        ),
        sandboxOutboundNetworkingConfig=_open("What they may reach: networkMode MANAGED or CUSTOM, with its fields."),
        credentialProfiles={
            "type": "array",
            "description": "Headers that are added to what they send; values come from vault secrets by OCID.",
            "items": {"type": "object"},
        },
    ),
}
