"""The statements in force, indexed once by permission, principal, location and model, so that a request is compared with few of them.

A rule is indexed under what its condition and its location demand of a request; what the index leaves out could never have counted.
`evaluate` still looks at every rule that is found.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from msgspec import Struct, field

from genai_iac.iam_policy.conditions import demanded_texts, distinguishing_texts
from genai_iac.iam_policy.permissions import permissions_given, permissions_taken
from genai_iac.iam_policy.request import StatementInForce
from genai_iac.iam_policy.syntax_tree import VERBS, Definition, Grant, Ocid

PRINCIPAL, MODEL = "request.principal.id", "target.model.id"  # the two variables by which most statements differ
_Key = tuple[str | None, str | None, str | None]  # principal, place and model that a rule demands; None: any


class Compiled(NamedTuple):
    """A rule with its grant, the OCIDs of its subjects in lower case, and its place among the rules."""

    rule: StatementInForce
    grant: Grant
    subjects: frozenset[str]
    position: int  # order among the statements, so results keep it


class StatementIndex(Struct):
    """The rules that give (or take) one permission, by what they demand of a request."""

    every: list[Compiled] = field(default_factory=list)  # in their order
    _rules: dict[_Key, list[Compiled]] = field(default_factory=dict)

    def add(self, rule: Compiled, keys: Iterable[_Key]) -> None:
        """Put a rule under each of the keys."""
        self.every.append(rule)
        for key in keys:
            self._rules.setdefault(key, []).append(rule)

    def find(self, principals: Sequence[str], path: Sequence[str], models: Sequence[str]) -> list[Compiled]:
        """The rules that can count for a request with these values (in lower case), in their order.

        Args:
            principals: values of request.principal.id.
            path: OCIDs from the target's compartment to the tenancy.
            models: values of target.model.id.
        """
        found: dict[int, Compiled] = {}
        parts = 0
        for key in product((None, *principals), (None, *path), (None, *models)):
            rules = self._rules.get(key)
            if rules:
                parts += 1
                found.update((rule.position, rule) for rule in rules)
        return [found[position] for position in sorted(found)] if parts > 1 else list(found.values())


class _ModelNames(Struct):
    """The models that rules name, and the patterns of models, by principal and place."""

    exact: defaultdict[tuple[str | None, str | None], set[str]] = field(default_factory=lambda: defaultdict(set))
    patterns: defaultdict[tuple[str | None, str | None], set[str]] = field(default_factory=lambda: defaultdict(set))
    unnamed: set[tuple[str | None, str | None]] = field(default_factory=set)  # neither by values nor by patterns

    def add(self, grant: Grant, keys: Iterable[tuple[str | None, str | None]]) -> None:
        distinguished = distinguishing_texts(grant.condition, MODEL)
        for key in keys:
            if distinguished is None:
                self.unnamed.add(key)
                continue
            exact, patterns = distinguished
            if exact:
                self.exact[key] |= exact
            if patterns:
                self.patterns[key] |= patterns


class RuleSet(Struct, frozen=True):
    """Rules by permission. Build it once with ``compile_rules`` and ask it many times.

    `access` asks about every key, API and model; the index keeps each question to a few
    statements.
    """

    allowing: dict[str, StatementIndex]  # permission to statements
    denying: dict[str, StatementIndex]  # permission to statements
    definitions: dict[tuple[str, str, str], str]  # policy, symbol, name in lower case -> OCID
    _models: _ModelNames

    def models_of(self, principal: str, path: Sequence[str]) -> frozenset[str] | None:
        """The models, in lower case, that rules for this principal in this place (`path` in OCIDs) tell from all others.

        None when a rule distinguishes models otherwise, so that every model has to be asked about.

        Args:
            principal: OCID of the key.
            path: OCIDs from its compartment to the tenancy.
        """
        distinguished = self.distinguished_models(principal, path)
        return distinguished[0] if distinguished is not None and not distinguished[1] else None

    def distinguished_models(self, principal: str, path: Sequence[str]) -> tuple[frozenset[str], frozenset[str]] | None:
        """The models and the patterns of models, in lower case, that rules for this principal in this place name.

        None when a rule distinguishes models otherwise. Models that are not named, and that the same patterns match, are answered
        alike.

        Args:
            principal: OCID of the key.
            path: OCIDs from its compartment to the tenancy.
        """
        keys = list(product((None, principal.lower()), (None, *(ocid.lower() for ocid in path))))
        if not self._models.unnamed.isdisjoint(keys):
            return None
        sides = (self._models.exact, self._models.patterns)
        exact, patterns = (frozenset().union(*(names[key] for key in keys if key in names)) for names in sides)
        return exact, patterns


def compile_rules(rules: Iterable[StatementInForce]) -> RuleSet:
    """Index rules for ``evaluate``.

    Args:
        rules: resolved statements; their order is kept in decisions.
    """
    kept = tuple(rules)
    definitions: dict[tuple[str, str, str], str] = {
        (rule.source, rule.statement.symbol, rule.statement.name.text.lower()): rule.statement.id.lower()
        for rule in kept
        if isinstance(rule.statement, Definition)
    }
    allowing: defaultdict[str, StatementIndex] = defaultdict(StatementIndex)
    denying: defaultdict[str, StatementIndex] = defaultdict(StatementIndex)
    models = _ModelNames()
    for position, rule in enumerate(kept):
        grant = rule.statement
        if isinstance(grant, Grant):
            compiled = Compiled(rule, grant, _subjects(rule, grant, definitions), position)
            index = denying if grant.effect.startswith("deny") else allowing
            keys = tuple(_keys(rule, grant))
            models.add(grant, {key[:2] for key in keys})
            for permission in permissions_in(grant):
                index[permission].add(compiled, keys)
    return RuleSet(dict(allowing), dict(denying), definitions, models)


def _keys(rule: StatementInForce, grant: Grant) -> Iterator[_Key]:
    """Under which keys of the index a statement belongs."""
    principals = demanded_texts(grant.condition, PRINCIPAL)
    models = demanded_texts(grant.condition, MODEL)
    place = _place(rule, grant)
    for principal in (None,) if principals is None else principals:
        for model in (None,) if models is None else models:
            yield principal, place, model


def _place(rule: StatementInForce, grant: Grant) -> str | None:
    """The compartment that the path of a request must hold; None where the location alone does not say."""
    if grant.effect not in ("allow", "deny"):
        return None
    if grant.location.scope == "tenancy":
        return rule.attached.lower()
    return grant.location.id.lower() if grant.location.id is not None else None


def _subjects(rule: StatementInForce, grant: Grant, definitions: dict[tuple[str, str, str], str]) -> frozenset[str]:
    """OCIDs of the subject in lower case; names are replaced by what `define` says."""
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


def permissions_in(grant: Grant) -> frozenset[str]:
    """The permissions that a statement gives or takes, by its verb or in braces.

    Args:
        grant: of any effect.
    """
    if grant.permissions:
        return frozenset(word.text for word in grant.permissions)
    if grant.verb not in VERBS:
        return frozenset()
    collect = permissions_taken if grant.effect.startswith("deny") else permissions_given
    return frozenset().union(*(collect(grant.verb, resource.text) for resource in grant.resources))
