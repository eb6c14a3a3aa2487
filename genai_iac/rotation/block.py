"""The `rotation:` block of an API key (its schema, checks and durations), and `expires` of a secret.

`next_step` decides what follows from the block.

The block is optional. A key without it is handled by `declared_states`, which compares each secret with its declared state. A key with it
declares no states: the rotation decides which of the two secrets works. `expires` is an exact date-time, or a duration that starts when
the secret is created or renewed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from genai_iac.core import Document, Lifetime, Resource
from genai_iac.core.errors import Problem

LIFE = re.compile(r"([1-9][0-9]{0,4})([hd])")  # a whole number of hours or days; `d` is 24 hours
# RFC 3339; the offset is required
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})")
DEFAULT = "90d"  # what the API itself gives when nothing is asked for

# One schema for both forms: editors show it, and `read_expiry` decides by the text
# which form it is. JSON Schema patterns know no `\d` of ASCII digits alone, hence the
# replacement.
EXPIRES_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "description": "A date-time is exact (changing it later renews the value); "
    "a duration such as 90d or 12h is the lifetime set at creation or renewal.",
    "pattern": f"^({LIFE.pattern}|{_MOMENT.pattern})$".replace("\\d", "[0-9]"),
    "default": DEFAULT,
    "examples": ["90d", "2027-06-30T00:00:00Z"],
}


def read_duration(text: str) -> timedelta:
    """Read `90d` or `12h`. Raises ValueError for anything else.

    Args:
        text: a number from 1 to 99999 and a unit; `90d` is 2160 hours.
    """
    match = LIFE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write 90d or 12h")
    return timedelta(**{"d": {"days": int(match[1])}, "h": {"hours": int(match[1])}}[match[2]])


def read_expiry(text: str) -> Lifetime | str:
    """Read `expires`: a Lifetime for a duration, else the date-time as RFC 3339 in UTC with `Z`.

    One form for all date-times, because a plan compares them as text: `+02:00` and `Z` of the same moment are no difference.
    Raises ValueError for a date that does not exist.
    """
    if LIFE.fullmatch(text):
        return Lifetime(text, read_duration(text))
    return write_moment(datetime.fromisoformat(text))


def write_moment(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`; fractions of a second only when there are any. `moment` must be aware.

    Raises:
        ValueError: never for an aware value; a naive one would be taken for local time.
    """
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


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


class Rotation(Struct, frozen=True):
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
    """What a rotation asks of the rest of its key: two secrets, no states, lifetimes rather than dates, and lifetimes long enough.

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
    yield from _check_secrets(document, secrets, needed)


def _check_secrets(document: Document, secrets: Iterable[Mapping[str, Any]], needed: timedelta) -> Iterator[Problem]:
    """What a rotation asks of each secret; `needed`: overlap and idle together."""
    for index, secret in enumerate(secrets):
        place = document.place("spec", "secrets", index)
        if "state" in secret:
            where = document.place("spec", "secrets", index, "state")
            yield Problem(where, "a rotation owns the states of the secrets", "remove state")
        expires = str(secret.get("expires", DEFAULT))
        if not LIFE.fullmatch(expires):
            hint = "give a life, such as expires: 90d"
            yield Problem(place, "a rotation renews repeatedly: an exact expiry cannot be kept", hint)
        elif read_duration(expires) <= needed:
            said = f"expires: {expires} is over before overlap and idle are"
            yield Problem(place, said, f"live longer than {format_duration(needed)}")


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
