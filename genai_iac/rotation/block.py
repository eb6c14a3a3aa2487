"""The `rotation:` block of an API key: its schema, its checks, its durations. `next_step` decides what follows from it.

The block is optional. A key without it is handled by `declared_states`, which compares
each secret with its declared state. A key with it declares no states: the rotation
decides which of the two secrets works.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from genai_iac.core import Document, Resource
from genai_iac.core.errors import Problem
from genai_iac.rotation.expiry import DEFAULT, LIFE, read_duration

DURATION = {"type": "string", "pattern": "^[1-9][0-9]{0,4}[hd]$"}  # the same form as `LIFE` of expiry.py, as a schema
# Descriptions are shown by editors and by `genai-iac schema`; defaults are repeated in
# `Rotation.of`.
ROTATION_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "The tool owns the states of the two secrets and rotates between them on schedule.",
    "additionalProperties": False,
    "required": ["every"],
    "properties": {
        "every": {**DURATION, "description": "How long a secret is current.", "examples": ["60d"]},
        "overlap": {
            **DURATION,
            "default": "7d",
            "description": "Both secrets work for at least this long.",
            "examples": ["7d"],
        },
        "idle": {
            **DURATION,
            "default": "24h",
            "description": "The old one must have been unused for this long before it is retired.",
            "examples": ["24h"],
        },
        "retire": {
            "enum": ["deactivate", "revoke"],
            "default": "deactivate",
            "description": "What happens to the old secret; revoke is permanent and its slot cannot be used again.",
        },
        "verify": {
            "type": "object",
            "description": "One real inference call with the new secret before it becomes current.",
            "additionalProperties": False,
            "required": ["model"],
            "properties": {
                "model": {
                    "type": "string",
                    "pattern": r"^[A-Za-z0-9._:/-]{1,255}$",
                    "examples": ["openai.gpt-oss-120b"],
                },
                "api": {"enum": ["chat", "responses"], "default": "chat"},
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Rotation:
    """The `rotation:` block, read. Durations are timedeltas; defaults are those of ROTATION_SCHEMA.

    Source: `spec.rotation` of an ApiKey manifest. The schema has checked the block before
    this class reads it, so only the relation between the durations is left to
    `check_rotation`.
    """

    every: timedelta  # age of the current secret at which the next rotation is due
    overlap: timedelta  # both secrets work for at least this long after a switch
    idle: timedelta  # the old secret must have been unused for this long before it is retired
    revokes: bool  # retire with REVOKED, which is permanent; else with INACTIVE
    verifies: bool  # one inference call must succeed before a new secret becomes current

    @classmethod
    def of(cls, resource: Resource) -> Rotation | None:
        """The rotation that the resource declares, or None. Raises ValueError for a duration that the schema refuses."""
        block = resource.settings.get("rotation")
        if not block:
            return None
        return cls(
            read_duration(block["every"]),
            read_duration(block.get("overlap", "7d")),
            read_duration(block.get("idle", "24h")),
            block.get("retire", "deactivate") == "revoke",
            "verify" in block,
        )


def check_rotation(document: Document) -> Iterator[Problem]:
    """What a rotation asks of the rest of its key: two secrets, no states, lives rather than dates, and lives long enough.

    The schema checks each value by itself; these are the rules between values:

    - exactly two secrets, because OCI gives a key two and a rotation switches between them;
    - no `state` on a secret, because the rotation sets the states;
    - `expires` is a duration, because every renewal starts a new life;
    - `every` and each `expires` are longer than `overlap` and `idle` together.

    Yields:
        One `Problem` per violation, at the position of the value that has to change.
    """
    if "rotation" not in document.spec:
        return
    secrets, block = document.spec.get("secrets", ()), document.spec["rotation"]
    where = document.place("spec", "rotation")
    if len(secrets) != 2:
        yield Problem(where, "a rotation alternates between two secrets", "declare two secrets, or remove rotation")
    # A rotation that starts before the last one can end would never reach idle: the old secret could not be retired.
    needed = read_duration(block.get("overlap", "7d")) + read_duration(block.get("idle", "24h"))
    if read_duration(block["every"]) <= needed:
        yield Problem(
            where,
            "every must be longer than overlap and idle together",
            "rotate less often, or overlap for a shorter time",
        )
    for index, secret in enumerate(secrets):
        place = document.place("spec", "secrets", index)
        if "state" in secret:
            yield Problem(
                document.place("spec", "secrets", index, "state"),
                "a rotation owns the states of the secrets",
                "remove state",
            )
        expires = str(secret.get("expires", DEFAULT))
        if not LIFE.fullmatch(expires):
            yield Problem(
                place,
                "a rotation renews repeatedly: an exact expiry cannot be kept",
                "give a life, such as expires: 90d",
            )
        elif read_duration(expires) <= needed:
            yield Problem(
                place,
                f"expires: {expires} is over before overlap and idle are",
                f"live longer than {format_duration(needed)}",
            )


def idle_time(resource: Resource | None) -> timedelta:
    """How long a secret must have been unused before a change may invalidate it: the rotation's `idle`, else 24 hours.

    OCI records the time of last use per secret; 24 hours is this tool's choice, so that a daily job counts as a caller.

    Args:
        resource: the declared ApiKey, or None for a key that no manifest declares any more.
    """
    rotation = Rotation.of(resource) if resource else None
    return rotation.idle if rotation else timedelta(hours=24)


def format_duration(length: timedelta) -> str:
    """Text for a message: `36 hours`, `7 days`. Whole days from 48 hours on.

    Args:
        length: at least one hour; minutes and seconds are dropped.
    """
    hours = int(length.total_seconds() // 3600)
    return f"{hours} hours" if hours < 48 or hours % 24 else f"{hours // 24} days"
