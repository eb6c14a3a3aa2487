"""What each API key may do, by which statement: now, and once a plan is applied. Pure; `iam_policy` decides.

A request of a key is decided by any-user statements alone: a key is in no group. The answer is yes, no, or "depends on" conditions that
nobody can know beforehand (the time, a tag, the network). Models are compared as sets, so that what a change grants is what was not
allowed before, however either side is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.analysis.model_sets import ModelSet, describe_models
from genai_iac.analysis.statements_in_force import (
    LocatedKey,
    PolicyInForce,
    StatementRef,
    live_keys,
    live_policies,
    planned_keys_and_policies,
    read_statement,
    statements_in_force,
)
from genai_iac.core import Address, CompartmentTree, Live, Plan
from genai_iac.iam_policy import (
    VERBS,
    Grant,
    RuleSet,
    StatementInForce,
    compile_rules,
    permissions_given,
    permissions_of,
)
from genai_iac.iam_policy.conditions import ValueClass, compared_operands, find_classes
from genai_iac.iam_policy.evaluator import assess_models
from genai_iac.iam_policy.request import AccessRequest, Assessment, KeyUse, is_unknown_of_key, key_request
from genai_iac.iam_policy.syntax_tree import Condition, Pattern, QuotedValue
from genai_iac.planning.planned_state import PlannedState
from genai_iac.vocabulary import is_routing_profile

# APIs as people call them, and the operation whose permissions decide. Other operations
# of keys need the same permissions.
CALLS = {
    "chat": "ChatCompletions",
    "responses": "CreateResponse",
    "conversations": "CreateConversation",
    "embeddings": "Embeddings",
    "reranking": "RerankText",
}


@dataclass(frozen=True, slots=True)
class KeyPermission:
    """One thing that a key may do. `model` None: any but those of `barred`; a pattern stands between slashes.

    `depends_on`: the conditions that nobody can know beforehand, empty where the answer is a plain yes. `denied_by`: the
    statements that take away what is barred. Two are equal when they allow the same.
    """

    address: Address  # of the key
    api: str  # key of CALLS
    model: str | None  # as statements write it
    barred: tuple[str, ...]  # models or patterns left out of `model`
    place: str  # the compartment's path
    by: tuple[StatementRef, ...] = field(compare=False)  # statements that allow it
    depends_on: tuple[str, ...] = ()
    denied_by: tuple[StatementRef, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        model = self.model or "any model"
        but = f" but {', '.join(self.barred)}" if self.barred else ""
        where = "the tenancy" if self.place == "/" else f"compartment {self.place}"
        depends = f", depending on {' and '.join(self.depends_on)}" if self.depends_on else ""
        denied = f"; denied by {', '.join(map(str, self.denied_by))}" if self.denied_by else ""
        by = ", ".join(map(str, self.by))
        return f"{self.address} may call {self.api} with {model}{but} in {where}{depends} — {by}{denied}"

    def admits(self, model: str) -> bool:
        """Whether it allows that model without depending on anything.

        Args:
            model: a model's name.
        """
        return not self.depends_on and ModelSet(self.model, self.barred).holds(model)


class Accesses(Struct, frozen=True):
    """What keys may do before and after; `keys` are those that were looked at.

    `granted` and `taken` are differences of sets: what stays allowed is in neither, whichever statement allows it.
    `gaps` say in words which compartments' policies were not seen.
    """

    before: tuple[KeyPermission, ...]  # as the tenancy is now
    after: tuple[KeyPermission, ...]  # as it will be after the plan
    keys: tuple[Address, ...]
    granted: tuple[KeyPermission, ...] = ()
    taken: tuple[KeyPermission, ...] = ()
    gaps: tuple[str, ...] = ()

    def of(self, keys: Collection[Address]) -> Accesses:
        """The same for those keys alone.

        Args:
            keys: addresses; others are left out of every list.
        """
        sides = (self.before, self.after, self.granted, self.taken)
        before, after, granted, taken = (tuple(one for one in side if one.address in keys) for side in sides)
        return Accesses(before, after, tuple(key for key in self.keys if key in keys), granted, taken, self.gaps)


AccessCell = tuple[Address, str, str, ValueClass]  # key, API, the compartment's path, models


def find_access(plan: Plan, future: PlannedState, live: Live) -> Accesses:
    """What the keys of the stack may do before the plan and after it.

    Args:
        plan: ordered or not; only which resources change matters.
        future: the tenancy after the plan.
        live: the tenancy now.

    Returns:
        Both sides and their differences. Conditions on time are decided at the tenancy's
            present time.
    """
    changed = plan.existence
    keys, policies = planned_keys_and_policies(changed, future, live)
    now = TenancySide(list(live_keys(live)), dict(statements_in_force(live_policies(live), str)), live.tree)
    later = TenancySide(keys, dict(statements_in_force(policies, future.with_addresses)), future.tree)
    models = ModelClasses.of(now, later)
    before, after = now.cells(models, live.now), later.cells(models, live.now)
    # Compared per class of models: a statement that is split into two equivalent ones
    # grants and takes nothing.
    granted = {cell: one for cell, one in after.items() if not _holds(before.get(cell), one)}
    taken = {cell: _remaining(one, after.get(cell)) for cell, one in before.items() if not _holds(after.get(cell), one)}
    permissions_now, permissions_later = (
        partial(_permissions, models=models, origins=side.origins) for side in (now, later)
    )
    return Accesses(
        tuple(permissions_now(before, before)),
        tuple(permissions_later(after, after)),
        tuple(sorted({key.address for key in (*now.keys, *later.keys)})),
        tuple(permissions_later(granted, after)),
        tuple(permissions_now(taken, before)),
        tuple(
            dict.fromkeys(
                (*_gaps(live, [*now.keys, *later.keys]), *_by_dynamic_group([*live_policies(live), *policies]))
            )
        ),
    )


def _holds(wide: Assessment | None, narrow: Assessment) -> bool:
    """Whether what `narrow` allows `wide` allows too."""
    if wide is None or wide.allowed is False:
        return narrow.allowed is False
    return wide.allowed is True or narrow.allowed is False or set(wide.depends_on) <= set(narrow.depends_on)


def _remaining(before: Assessment, after: Assessment | None) -> Assessment:
    """What is taken away: all of it, or what does not meet the conditions under which it stays."""
    if after is None or not after.depends_on or after.allowed is False:
        return before
    return replace(before, depends_on=tuple(f"not meeting {part}" for part in after.depends_on))


def _gaps(live: Live, keys: Iterable[LocatedKey]) -> Iterator[str]:
    """Compartments above a key whose policies were not listed, as sentences."""
    unseen = {id for key in keys for id in key.path} & set(live.policies_unread)
    for path in sorted(live.tree.path(id) for id in unseen):
        yield f"the policies of {path} were not seen: what they allow and deny is not in this"


def _by_dynamic_group(policies: Iterable[PolicyInForce]) -> Iterator[str]:
    """Statements for dynamic groups that give what keys call: a rule may hold keys, and rules are not read."""
    wanted = {permission for operation in CALLS.values() for permission in permissions_of(operation)}
    for policy in policies:
        for position, text in enumerate(policy.statements, 1):
            tree = read_statement(text)
            if not isinstance(tree, Grant) or tree.subject.kind != "dynamic-group" or tree.verb not in VERBS:
                continue
            if any(wanted & permissions_given(tree.verb, resource.text) for resource in tree.resources):
                ref = StatementRef(policy.name, position, text)
                yield f"{ref} is for a dynamic group, which holds keys if its rule says so; it is not in this"


class ModelClasses(Struct, frozen=True):
    """The models that statements distinguish, for each key, and how they are written there.

    A key has the classes of the statements that can count for it: with those of all statements, an answer for each key and
    class, and keys with a model of their own each, the work grew with the square.
    """

    classes: Mapping[Address, tuple[ValueClass, ...]]  # no statement for that key distinguishes two models of one class
    written: Mapping[str, str]  # lower case to as written

    @classmethod
    def of(cls, *sides: TenancySide) -> ModelClasses:
        """Those that any of the sides can distinguish, the same for all of them.

        Args:
            sides: before and after.
        """
        origins = (rule.statement for side in sides for rule in side.origins)
        conditions = (statement.condition for statement in origins if isinstance(statement, Grant))
        operands = [one for found in conditions for one in compared_operands(found, "target.model.id")]
        exact = [one.text for one in operands if isinstance(one, QuotedValue) and one.text != "*"]
        patterns = [one.text for one in operands if isinstance(one, Pattern)]
        written = {text.lower(): text for text in (*exact, *patterns)}
        every = (frozenset(map(str.lower, exact)), frozenset(map(str.lower, patterns)))
        # A routing profile needs one more permission, so it is never decided like another model.
        profiles = frozenset(filter(is_routing_profile, every[0]))
        distinguished: dict[Address, tuple[frozenset[str], frozenset[str]]] = {}
        for side in sides:
            for key in side.keys:
                names, masks = side.rules.distinguished_models(key.id, key.path) or every
                before = distinguished.get(key.address, (profiles, frozenset()))
                distinguished[key.address] = (before[0] | names - {"*"}, before[1] | masks)
        found = {texts: find_classes(*texts) for texts in set(distinguished.values())}
        return cls({address: found[texts] for address, texts in distinguished.items()}, written)

    def label(self, one: ValueClass) -> str:
        """A class in words; empty for the models that nothing names."""
        if one.exact is not None:
            return self.written[one.exact]
        return " and ".join(f"/{self.written[text]}/" for text in sorted(one.patterns))


class TenancySide(Struct, frozen=True, dict=True):
    """The tenancy before, or after."""

    keys: list[LocatedKey]
    origins: dict[StatementInForce, StatementRef]
    tree: CompartmentTree

    @cached_property
    def rules(self) -> RuleSet:
        """The statements, indexed."""
        return compile_rules(self.origins)

    def cells(self, models: ModelClasses, now: datetime) -> dict[AccessCell, Assessment]:
        """What every key may do with every class of models that its statements distinguish."""
        return {
            (key.address, api, self.tree.path(key.path[0]), one): found
            for key in sorted(self.keys, key=lambda found: found.address)
            for api, operation in CALLS.items()
            for classes in (models.classes[key.address],)
            for one, found in zip(classes, _ask(key, operation, classes, self.rules, now, self.tree), strict=True)
        }


def _ask(
    key: LocatedKey, operation: str, models: Sequence[ValueClass], rules: RuleSet, now: datetime, tree: CompartmentTree
) -> Iterator[Assessment]:
    names = tree.names(key.path[0])
    use = KeyUse(key.id, key.path, names[-1] if names else "", key.region)
    for profiles, group in groupby(models, lambda one: is_routing_profile(one.example)):
        examples = [one.example for one in group]
        request = key_request(use, operation, examples[0], now)
        if profiles:  # taken to be in the key's compartment, as nothing tells where it is
            more = permissions_of("GetRoutingProfile")
            request = replace(request, permissions=(*request.permissions, *more))
        yield from assess_models(request, examples, rules, partial(_is_unknown, request=request))


def _is_unknown(part: Condition, request: AccessRequest) -> bool:
    return is_unknown_of_key(part, request)


def _permissions(
    cells: Mapping[AccessCell, Assessment],
    context: Mapping[AccessCell, Assessment],
    *,
    models: ModelClasses,
    origins: Mapping[StatementInForce, StatementRef],
) -> Iterator[KeyPermission]:
    """The cells that are allowed, as few lines as say it; `context` has the others of the same key and API, for who denies."""
    groups: dict[tuple[Address, str, str, tuple[str, ...]], dict[ValueClass, Assessment]] = {}
    for (address, api, place, one), found in cells.items():
        if found.allowed is not False:
            groups.setdefault((address, api, place, found.depends_on), {})[one] = found
    for (address, api, place, depends), allowed in groups.items():
        for said, held, barred in describe_models(list(allowed), models.classes[address], models.written):
            denying = [
                rule for one in barred if (cell := context.get((address, api, place, one))) for rule in cell.denied_by
            ]
            denying += [rule for one in held for rule in allowed[one].denied_by]
            by = [rule for one in held[:1] for rule in allowed[one].by]
            yield KeyPermission(
                address, api, said.model, said.barred, place, refs_of(by, origins), depends, refs_of(denying, origins)
            )


def refs_of(
    rules: Iterable[StatementInForce], origins: Mapping[StatementInForce, StatementRef]
) -> tuple[StatementRef, ...]:
    """The statements as references, each once."""
    return tuple(dict.fromkeys(origins[rule] for rule in rules))
