"""Published landing zones as stacks: compartments and policies as manifests; what they take for granted is told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from genai_iac.iam_policy import Grant, Name, Statement, parse

_PLACE = re.compile(r"\bcompartment\s+(?!id\b)([A-Za-z0-9._:-]+)", re.IGNORECASE)
_SLIP = re.compile(r"(?<=-group)to(?= use )")  # two published statements lack a space


@dataclass(frozen=True)
class LandingZone:
    """One scenario file."""

    compartments: tuple[Mapping[str, Any], ...]  # each with its `key` and its parent's, outermost first
    groups: tuple[str, ...]
    policies: tuple[Mapping[str, Any], ...]

    def named(self, kind: str) -> Iterable[str]:
        """The groups or dynamic groups that the policies name; the files list some of them. Those of another identity domain
        than Default stand behind its name and a slash."""
        statements = (parse(_correct_slip(statement)) for policy in self.policies for statement in policy["statements"])
        names = (
            *(self.groups if kind == "group" else ()),
            *(name for one in statements for name in _members(one, kind)),
        )
        return {name.casefold(): name for name in names}.values()

    @cached_property
    def outside(self) -> Mapping[str, tuple[str, ...]]:
        """The compartments around the zone, outermost first: a path from the root, and the names on it. Policies tell them."""
        paths = sorted({path[:end] for path, known in self._known_paths() for end in range(1, known + 1)}, key=len)
        return {"/" + "/".join(path): path for path in paths}

    def manifest(self) -> str:
        """The stack, one document a compartment and policy."""
        names = {one["key"]: f"c{number}" for number, one in enumerate(self.compartments)}
        homes = {
            path[known].casefold(): "/" + "/".join(path[:known])
            for path, known in self._known_paths()
            if len(path) > known > 0
        }
        documents = [
            {"kind": "Stack", "metadata": {"name": "zone"}, "spec": {"region": "us-chicago-1"}},
            *(_compartment(one, names, homes) for one in self.compartments),
            *(_policy(number, one, names) for number, one in enumerate(self.policies)),
        ]
        documents = [{"apiVersion": "genai-iac/v1", **document} for document in documents]
        return yaml.safe_dump_all(documents, allow_unicode=True, width=10_000)

    def _known_paths(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Each path that a policy of the root tells, and how many names on it come before the zone's own."""
        own = {one["name"].casefold() for one in self.compartments if not one["parent"]}
        keys = {one["key"] for one in self.compartments}
        for policy in self.policies:
            for place in _PLACE.findall("\n".join(policy["statements"])) if policy["compartment"] not in keys else ():
                path = tuple(place.split(":"))
                yield path, next((at for at, name in enumerate(path) if name.casefold() in own), len(path))


def read_landing_zone(file: Path) -> LandingZone:
    """The scenario of one file."""
    data = json.loads(file.read_text(encoding="utf-8"))
    return LandingZone(
        compartments=tuple(_unfold(data["compartments"], None)),
        groups=tuple(dict.fromkeys(group["name"] for group in data.get("groups") or ())),
        policies=tuple(data["policies"]),
    )


def _unfold(compartments: list[Mapping[str, Any]], parent: str | None) -> Iterator[Mapping[str, Any]]:
    for one in compartments:
        yield {**one, "parent": parent}
        yield from _unfold(one.get("children") or [], one["key"])


def _compartment(one: Mapping[str, Any], names: Mapping[str, str], homes: Mapping[str, str]) -> dict[str, Any]:
    spec = {"name": one["name"], **_described(one)}
    if one["parent"]:
        spec["parent"] = names[one["parent"]]
    elif one["name"].casefold() in homes:
        spec["parent"] = homes[one["name"].casefold()]
    return {"kind": "Compartment", "metadata": {"name": names[one["key"]]}, "spec": spec}


def _policy(number: int, one: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    statements = [_correct_slip(statement).replace("${", "$${") for statement in one["statements"]]
    spec = {"name": re.sub(r"[^A-Za-z0-9._-]", "-", one["name"])[:100], **_described(one), "statements": statements}
    if one["compartment"] in names:
        spec["compartment"] = names[one["compartment"]]
    return {"kind": "Policy", "metadata": {"name": f"p{number}"}, "spec": spec}


def _correct_slip(statement: str) -> str:
    return _SLIP.sub(" to", statement)


def _members(statement: Statement, kind: str) -> Iterator[str]:
    if isinstance(statement, Grant) and statement.subject.kind == kind and statement.effect == "allow":
        for member in statement.subject.members:
            if isinstance(member, Name):
                default = (member.domain or "default").casefold() == "default"
                yield member.text if default else f"{member.domain}/{member.text}"


def _described(one: Mapping[str, Any]) -> dict[str, Any]:
    description = (one.get("description") or "").strip()
    return {"description": description} if description else {}
