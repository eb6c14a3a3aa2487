"""The stacks of a repository, and the results of a verb for many stacks.

Stacks: a line each for people and shells, JSON for programs, a matrix for GitHub Actions. Results: a line each, then the counts; or JSON.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.phrases import NAME_LIMIT, count
from genai_iac.render.common.sanitize import columns, escape_control
from genai_iac.render.common.terminal import Terminal, Tone
from genai_iac.repository.stack_results import StackResult

FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80  # characters of what names a job and its artefact


class StackEntry(Struct, frozen=True):
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


# by exit code; any other code reads `failed`
_WORDS = {0: "ok", 1: "failed", 2: "differs", 3: "refused", 4: "incomplete", 5: "expiring", 130: "interrupted"}
_TONES: Mapping[int, Tone] = {0: "add", 2: "change", 5: "change"}  # codes that are not here are painted as dangers
_MESSAGE_LIMIT = 200  # characters


class NamedStack(Protocol):
    """What a row is about, before it has ended."""

    @property
    def key(self) -> str: ...

    @property
    def environment(self) -> str: ...


def verdicts_heading(stacks: Sequence[NamedStack], terminal: Terminal) -> str:
    """The line above the rows."""
    if not stacks:
        return ""
    return terminal.join([terminal.paint(f"{'VERDICT':<11}  {'STACK':<{_width(stacks)}}  DETAIL", "strong")])


def verdict_line(result: StackResult, stacks: Sequence[NamedStack], terminal: Terminal) -> str:
    """`ok           team/chat@prod  3 changes`.

    Args:
        result: one stack's.
        stacks: all that were selected, for the width of the column.
        terminal: width and colours.
    """
    word = _WORDS.get(result.code, "failed")
    name = _name(result.path, result.environment)
    padded = name + " " * max(0, _width(stacks) - columns(name))
    painted = terminal.paint(f"{word:<11}", _TONES.get(result.code, "danger"))
    return f"{painted}  {padded}  {_detail(result)}".rstrip() + "\n"


def verdicts_line(results: Sequence[StackResult], selected: int, code: int, terminal: Terminal) -> str:
    """`12 stacks: 10 ok, 1 differs, 1 failed. Exit 1.`"""
    if not selected:
        return "No stacks.\n"
    words = Counter(_WORDS.get(one.code, "failed") for one in results)
    counts = [f"{number} {word}" for word, number in words.items()]
    if selected > len(results):
        counts.append(f"{selected - len(results)} not begun")
    return terminal.join(
        ["", terminal.paint(f"{count(selected, 'stack')}: {', '.join(counts)}. Exit {code}.", "strong")]
    )


def verdicts_json(verb: str, shard: str | None, results: Iterable[StackResult], code: int) -> str:
    """`{"format_version", "verb", "shard", "code", "stacks": [...]}`; a stack's `data` is in the files of `--out-dir`."""
    rows = [
        {
            "stack": one.stack,
            "path": one.path,
            "environment": one.environment or None,
            "code": one.code,
            "verdict": _WORDS.get(one.code, "failed"),
            "detail": _detail(one),
            "seconds": one.seconds,
        }
        for one in results
    ]
    document = {"format_version": FORMAT_VERSION, "verb": verb, "shard": shard, "code": code, "stacks": rows}
    return write_json(document, indent=2) + "\n"


def _detail(result: StackResult) -> str:
    lines = [line for line in result.message.splitlines() if line.startswith("Error: ")]
    if result.code not in (0, 2, 5) and lines:
        return escape_control(lines[0].removeprefix("Error: "), _MESSAGE_LIMIT)
    problem = _first_problem(result.data) if result.code else ""
    return problem or _counted(result.verb, result.data)


def _first_problem(data: Any) -> str:
    """What the answer of validate or doctor says first about what is wrong."""
    rows = [*(data.get("errors") or ()), *(data.get("checks") or ())] if isinstance(data, dict) else []
    for row in rows:
        if isinstance(row, dict) and row.get("verdict", "failed") == "failed":
            place = row.get("source")
            source = ":".join(map(str, place.values())) if isinstance(place, dict) else str(place or "")
            text = str(row.get("message") or row.get("text") or "")
            return escape_control(f"{source}: {text}" if source else text, _MESSAGE_LIMIT)
    return ""


def _counted(verb: str, data: Any) -> str:
    """What the verb counted, in a few words; empty when its answer has another form."""
    if verb == "apply":
        # `apply` prints events, not one document.
        done = [one for one in data or () if one.get("type") == "change_complete"]
        return count(sum(one.get("status") == "done" for one in done), "change")
    if isinstance(data, list):
        return count(len(data), "finding")
    found: Mapping[str, Any] = data if isinstance(data, dict) else {}
    nouns = {"changes": "change", "resources": "resource", "secrets": "secret", "files": "file", "findings": "finding"}
    return next(
        (count(len(found[name]), noun) for name, noun in nouns.items() if isinstance(found.get(name), list)), ""
    )


def _name(path: str, environment: str) -> str:
    return escape_control(f"{path}@{environment}" if environment else path, NAME_LIMIT)


def _width(stacks: Sequence[NamedStack]) -> int:
    return max(columns(name) for name in ("STACK", *(_name(one.key, one.environment) for one in stacks)))
