"""P15 on the local emulator: statements that come back in other words are no drift, and every edit of one token is."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import oci
import pytest
from conftest import Project, Tenancy
from iam_policy.corpora import statements
from iam_policy.rewording import edit_one_token, reword
from plan_apply.sdk_helpers import client, policies

from genai_iac.iam_policy import Grant, Name, parse

from .stacks import list_groups, plan_of, policy, stack

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PER_POLICY = 50


@dataclass
class SeededTenancy:
    """A tenancy in which everything that statements name is there."""

    tenancy: Tenancy
    compartments: dict[tuple[str, ...], str]
    groups: dict[str, str]
    dynamic_groups: dict[str, str]

    @classmethod
    def of(cls, tenancy: Tenancy, texts: Iterable[str]) -> SeededTenancy:
        tenancy.settings(
            denyStatements=True,
            limits={"statementsPerPath": 100_000, "compartmentCount": 10_000, "policyCount": 10_000},
        )
        there = {name.casefold(): id for name, id in list_groups(tenancy).items()}
        seeded = cls(tenancy, {(): tenancy.tenancy}, there, {})
        for text in texts:
            seeded._make(parse(text))
        return seeded

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        return self.compartments.get(tuple(name.casefold() for name in path))

    def contains(self, ancestor: str, compartment: str) -> bool:
        return True

    def group(self, name: str, domain: str | None) -> str | None:
        return self.groups.get(name.casefold())

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        return self.dynamic_groups.get(name.casefold())

    def _make(self, statement: object) -> None:
        assert isinstance(statement, Grant)
        for path in paths(statement):
            for end in range(1, len(path) + 1):
                self._make_compartment(path[:end])
        for member in statement.subject.members:
            if isinstance(member, Name):
                self._make_member(statement.subject.kind, member.text)

    def _make_compartment(self, path: tuple[str, ...]) -> None:
        key = tuple(name.casefold() for name in path)
        if key not in self.compartments:
            details = oci.identity.models.CreateCompartmentDetails(
                compartment_id=self.compartments[key[:-1]], name=path[-1], description="Theirs"
            )
            self.compartments[key] = client(self.tenancy, "identity").create_compartment(details).data.id

    def _make_member(self, kind: str, name: str) -> None:
        identity, models = client(self.tenancy, "identity"), oci.identity.models
        theirs = {"compartment_id": self.tenancy.tenancy, "name": name, "description": "Theirs"}
        if kind == "group" and name.casefold() not in self.groups:
            made = identity.create_group(models.CreateGroupDetails(**theirs))
            self.groups[name.casefold()] = made.data.id
        elif kind == "dynamic-group" and name.casefold() not in self.dynamic_groups:
            rule = "Any {instance.compartment.id = 'ocid1.compartment.oc1..a'}"
            made = identity.create_dynamic_group(models.CreateDynamicGroupDetails(matching_rule=rule, **theirs))
            self.dynamic_groups[name.casefold()] = made.data.id


def paths(statement: Grant) -> list[tuple[str, ...]]:
    places = [statement.location, *([statement.association.location] if statement.association else [])]
    return [place.path for place in places if place.path]


def usable(text: str) -> bool:
    """A statement whose names can all be made here: of its own tenancy and of the Default domain, which Identity tells of."""
    statement = parse(text)
    if not isinstance(statement, Grant) or statement.effect not in ("allow", "deny"):
        return False
    names = [name for path in paths(statement) for name in path]
    for member in statement.subject.members if statement.subject.kind in ("group", "dynamic-group") else ():
        if isinstance(member, Name):
            names.append(member.text)
            if (member.domain or "default").casefold() != "default":
                return False
    known = statement.location.id is None and all(len(path) <= 6 for path in paths(statement))
    return known and all(_PLAIN.fullmatch(name) for name in names)


def chosen(step: int) -> list[str]:
    """Every `step`-th of the published statements that can be written here, each once."""
    found = {" ".join(text.split()).casefold(): text for text in statements("policies.tsv") if usable(text)}
    return list(found.values())[::step]


def chunks(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def manifest(groups: Iterable[Sequence[str]]) -> str:
    escaped = ([text.replace("${", "$${") for text in texts] for texts in groups)
    return stack((), *(policy(f"p{number}", statements=texts) for number, texts in enumerate(escaped)))


def rewrite(tenancy: Tenancy, found: Any, texts: Sequence[str]) -> None:
    """What somebody else does to a policy, or the service: its tags stay."""
    details = oci.identity.models.UpdatePolicyDetails(statements=list(texts), version_date="")
    client(tenancy, "identity").update_policy(found.id, details)


@pytest.fixture
def roomy(project: Project) -> Project:
    project.environ["GENAI_IAC_LIMIT_STATEMENTS_PER_PATH"] = "100000"
    return project


def test_reworded_statements_are_no_drift(roomy: Project, tenancy: Tenancy) -> None:
    assert_no_drift(roomy, tenancy, chosen(10))


@pytest.mark.matrix
def test_all_reworded_statements_are_no_drift(roomy: Project, tenancy: Tenancy) -> None:
    assert_no_drift(roomy, tenancy, chosen(1))


def assert_no_drift(project: Project, tenancy: Tenancy, texts: list[str]) -> None:
    assert len(texts) > 100
    chance = random.Random(5)
    seeded = SeededTenancy.of(tenancy, texts)
    project.write(manifest(chunks(texts, _PER_POLICY)))
    project.run("apply", "--auto-approve")
    written = {one.id: list(one.statements) for one in policies(tenancy).values()}
    for _ in range(2):
        for found in policies(tenancy).values():
            reworded = [reword(text, chance, seeded, tenancy.tenancy) for text in written[found.id]]
            chance.shuffle(reworded)
            rewrite(tenancy, found, reworded)
        assert plan_of(project)["changes"] == []


@pytest.mark.parametrize("many", [120, pytest.param(500, marks=pytest.mark.matrix)])
def test_every_edit_of_one_token_is_shown(roomy: Project, tenancy: Tenancy, many: int) -> None:
    """Policies of one statement each, each edited by somebody else: every one is in the plan, with what is to be again."""
    texts = [*chosen(1), *chosen(1), *chosen(1)]
    texts = texts[:: len(texts) // many][:many]
    chance = random.Random(6)
    SeededTenancy.of(tenancy, texts)
    roomy.write(manifest([[text] for text in texts]))
    roomy.run("apply", "--auto-approve")
    edited = {f"Policy/{found.name}" for found in policies(tenancy).values() if edit(tenancy, found, chance)}
    assert len(edited) == many
    changes = {change["address"]: change for change in plan_of(roomy)["changes"]}
    live = {f"Policy/{found.name}": found.statements for found in policies(tenancy).values()}
    assert [(texts[int(missed[8:])], live[missed]) for missed in edited - changes.keys()] == []
    assert changes.keys() == edited
    for change in changes.values():
        assert change["calls"] == ["UpdatePolicy"]
        assert change["before"]["statements"] != change["after"]["statements"]


def edit(tenancy: Tenancy, found: Any, chance: random.Random) -> bool:
    """Change one token to one that the tenancy accepts."""
    (text,) = found.statements
    for _ in range(40):
        other = edit_one_token(text, chance)
        if other is None or opened(other) == opened(text):
            continue
        try:
            rewrite(tenancy, found, [other])
        except oci.exceptions.ServiceError:
            continue
        return True
    return False


def opened(text: str) -> str:
    """The text without the braces around a single condition: there all and any say the same."""
    return re.sub(r"\b(all|any)\s*\{([^{},]*)\}", r"\2", text, flags=re.IGNORECASE)
