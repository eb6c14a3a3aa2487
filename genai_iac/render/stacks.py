"""The stacks of a repository: a line each for people and shells, JSON for programs, a matrix for GitHub Actions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.sanitize import escape_control

FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80  # characters of what names a job and its artefact


@dataclass(frozen=True, slots=True)
class StackEntry:
    """One stack in one environment (empty: none); `name` is the Stack's."""

    name: str
    path: str  # as it is typed
    environment: str
    variable_files: Sequence[str]  # the nearest last


def stacks_text(entries: Iterable[StackEntry]) -> str:
    """`PATH`, a tab, the owner (`stack` or `stack@environment`); one a line."""
    return "".join(f"{escape_control(one.path)}\t{escape_control(_owner(one))}\n" for one in entries)


def stacks_json(entries: Iterable[StackEntry], removed: Iterable[str]) -> str:
    """The entries, and the paths of stacks that were there before the change."""
    document = {
        "format_version": FORMAT_VERSION,
        "stacks": [_document(one) | {"var_files": list(one.variable_files)} for one in entries],
        "removed": list(removed),
    }
    return write_json(document, indent=2) + "\n"


def stacks_matrix(entries: Iterable[StackEntry]) -> str:
    """`{"include": [...]}` on one line for `strategy.matrix`; every value is a string, the names of variable files are lines."""
    return (
        write_json({"include": [_document(one) | {"var_files": "\n".join(one.variable_files)} for one in entries]})
        + "\n"
    )


def _document(one: StackEntry) -> dict[str, Any]:
    return {"name": _job_name(one), "stack": one.name, "path": one.path, "environment": one.environment}


def _owner(one: StackEntry) -> str:
    return f"{one.name}@{one.environment}" if one.environment else one.name


def _job_name(one: StackEntry) -> str:
    """A name that is one of a kind and fits an artefact, whatever the path holds."""
    whole = f"{one.path}@{one.environment}" if one.environment else one.path
    plain = _UNFIT.sub("-", whole).strip("-.") or "stack"
    if plain == whole and len(plain) <= _LONGEST_NAME:
        return plain
    return f"{plain[:_LONGEST_NAME]}-{hashlib.sha256(whole.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
