"""The statements in force, sorted once by the permissions that they give or take, so that a request meets few of them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from genai_iac.iam_policy.permissions import permissions_given, permissions_taken
from genai_iac.iam_policy.request import StatementInForce
from genai_iac.iam_policy.syntax_tree import VERBS, Definition, Grant, Ocid


class Compiled(NamedTuple):
    """A rule with its grant and the OCIDs of its subjects, in lower case."""

    rule: StatementInForce
    grant: Grant
    subjects: frozenset[str]


@dataclass(frozen=True)
class RuleSet:
    """Rules by permission. Build it once with ``compile_rules`` and ask it many times."""

    allowing: dict[str, tuple[Compiled, ...]]
    denying: dict[str, tuple[Compiled, ...]]
    definitions: dict[tuple[str, str, str], str]  # policy, symbol, name in lower case -> OCID


def compile_rules(rules: Iterable[StatementInForce]) -> RuleSet:
    """Sort rules for ``evaluate``."""
    kept = tuple(rules)
    definitions: dict[tuple[str, str, str], str] = {
        (rule.source, rule.statement.symbol, rule.statement.name.text.lower()): rule.statement.id.lower()
        for rule in kept
        if isinstance(rule.statement, Definition)
    }
    allowing: defaultdict[str, list[Compiled]] = defaultdict(list)
    denying: defaultdict[str, list[Compiled]] = defaultdict(list)
    for rule in kept:
        grant = rule.statement
        if isinstance(grant, Grant):
            compiled = Compiled(rule, grant, _subjects(rule, grant, definitions))
            index = denying if grant.effect.startswith("deny") else allowing
            for permission in _permissions(grant):
                index[permission].append(compiled)
    return RuleSet(
        {permission: tuple(found) for permission, found in allowing.items()},
        {permission: tuple(found) for permission, found in denying.items()},
        definitions,
    )


def _subjects(rule: StatementInForce, grant: Grant, definitions: dict[tuple[str, str, str], str]) -> frozenset[str]:
    kind = grant.subject.kind
    found: set[str] = set()
    for member in grant.subject.members:
        if isinstance(member, Ocid) or kind in ("service", "resource"):
            found.add(member.text.lower())
        else:
            defined = definitions.get((rule.source, kind, member.text.lower()))
            if defined is not None:
                found.add(defined)
    return frozenset(found)


def _permissions(grant: Grant) -> frozenset[str]:
    if grant.permissions:
        return frozenset(word.text for word in grant.permissions)
    if grant.verb not in VERBS:
        return frozenset()
    collect = permissions_taken if grant.effect.startswith("deny") else permissions_given
    return frozenset().union(*(collect(grant.verb, resource.text) for resource in grant.resources))
