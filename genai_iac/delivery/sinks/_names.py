"""The names under which consumers read what a key's sinks hold: environment variables, and the fields of JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.core import Record, Role

_NAME = "^[A-Za-z_][A-Za-z0-9_]{0,99}$"  # what every shell takes as a variable name
_DEFAULT_KEY = "OPENAI_API_KEY"
ENV_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "The names under which consumers read what is delivered.",
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "pattern": _NAME, "default": _DEFAULT_KEY, "examples": ["OCI_GENAI_API_KEY"]},
        "baseUrl": {"type": "string", "pattern": _NAME, "default": "OPENAI_BASE_URL"},
        "project": {"type": "string", "pattern": _NAME, "default": "OPENAI_PROJECT_ID"},
        "standby": {"type": "string", "pattern": _NAME, "description": "Default: the name of key and _STANDBY."},
        "pending": {"type": "string", "pattern": _NAME, "description": "Default: the name of key and _PENDING."},
    },
}


@dataclass(frozen=True, slots=True)
class Names:
    """One name for each part that a secret can play, and for what a consumer needs beside it.

    Defaults are those that the OpenAI SDKs read.
    """

    key: str = _DEFAULT_KEY  # of the current value
    base_url: str = "OPENAI_BASE_URL"  # of the OpenAI-compatible base URL
    project: str = "OPENAI_PROJECT_ID"  # of the project's OCID, where the key has one
    standby: str = f"{_DEFAULT_KEY}_STANDBY"  # of the value that still works during an overlap
    pending: str = f"{_DEFAULT_KEY}_PENDING"  # of the value that is not verified yet

    @classmethod
    def of(cls, env: Mapping[str, str] | None) -> Names:
        """From the `env` of an entry of `deliverTo`. Raises ValueError for something else, and for one name given twice.

        Args:
            env: keys as in the manifest (`baseUrl`); None gives all defaults.
        """
        given = dict(env or {})
        key = given.get("key", _DEFAULT_KEY)
        names = cls(
            key,
            given.get("baseUrl", "OPENAI_BASE_URL"),
            given.get("project", "OPENAI_PROJECT_ID"),
            given.get("standby", f"{key}_STANDBY"),
            given.get("pending", f"{key}_PENDING"),
        )
        if not all(isinstance(name, str) and re.fullmatch(_NAME, name) for name in names.all):
            raise ValueError("a name in env has to begin with a letter or _, and to have letters, digits and _ only")
        twice = [name for name, count in Counter(names.all).items() if count > 1]
        if twice:
            raise ValueError(f"env gives the name {twice[0]} to two things")
        return names

    @property
    def inactive(self) -> str:
        """Nobody reads it: it is a comment in dotenv files."""
        return f"{self.key}_INACTIVE"

    @property
    def all(self) -> tuple[str, ...]:
        """Every name that may be written."""
        return (self.key, self.base_url, self.project, self.standby, self.pending, self.inactive)

    @property
    def as_env(self) -> dict[str, str]:
        """As `env` says it in a manifest."""
        return {
            "key": self.key,
            "baseUrl": self.base_url,
            "project": self.project,
            "standby": self.standby,
            "pending": self.pending,
        }

    def of_role(self, role: Role) -> str:
        """The name of the value in that role."""
        roles = {"current": self.key, "standby": self.standby, "pending": self.pending, "inactive": self.inactive}
        return roles[role]

    def of_records(self, records: Iterable[Record]) -> tuple[str, ...]:
        """The name of each value. A second one of a role gets a number.

        Args:
            records: in the order of the items; the result has the same order.
        """
        seen: Counter[Role] = Counter()
        names = []
        for record in records:
            seen[record.role] += 1
            names.append(self.of_role(record.role) + (f"_{seen[record.role]}" if seen[record.role] > 1 else ""))
        return tuple(names)

    def owns(self, name: str) -> bool:
        """Whether a variable of that name is written by genai-iac, with a number behind it or without."""
        return re.sub(r"_[0-9]+$", "", name) in self.all or name in self.all


DEFAULT_NAMES = Names()
