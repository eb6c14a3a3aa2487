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
from msgspec import field as struct_field
from msgspec.structs import replace

from genai_iac.analysis.model_sets import ModelSet, describe_models
from genai_iac.analysis.statements_in_force import (
    CALLS,
    LocatedKey,
    StatementRef,
    find_undecided,
    live_keys,
    live_policies,
    planned_keys_and_policies,
    statements_in_force,
)
from genai_iac.core import Address, CompartmentTree, Live, Plan
from genai_iac.iam_policy import (
    Grant,
    RuleSet,
    StatementInForce,
    compile_rules,
    permissions_of,
)
from genai_iac.iam_policy.conditions import ValueClass, compared_operands, find_classes
from genai_iac.iam_policy.evaluator import assess_models
from genai_iac.iam_policy.request import AccessRequest, KeyUse, is_unknown_of_key, key_request
from genai_iac.iam_policy.residual import Assessment, implies, write_exceptions
from genai_iac.iam_policy.syntax_tree import Condition, Pattern, QuotedValue
from genai_iac.planning.planned_state import PlannedState
from genai_iac.vocabulary import is_routing_profile


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
    addresses: Mapping[str, Address] = struct_field(default_factory=dict)  # of the stack's resources, by OCID

    def of(self, keys: Collection[Address]) -> Accesses:
        """The same for those keys alone.

        Args:
            keys: addresses; others are left out of every list.
        """
        sides = (self.before, self.after, self.granted, self.taken)
        before, after, granted, taken = (tuple(one for one in side if one.address in keys) for side in sides)
        left = tuple(key for key in self.keys if key in keys)
        return Accesses(before, after, left, granted, taken, self.gaps, self.addresses)


AccessCell = tuple[Address, str, ValueClass]  # key, API, models


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
    granted = find_difference(after, before, live.now)
    taken = find_difference(before, after, live.now)
    permissions_now, permissions_later = (partial(_permissions, models=models, side=side) for side in (now, later))
    return Accesses(
        tuple(permissions_now(before, before)),
        tuple(permissions_later(after, after)),
        tuple(sorted({key.address for key in (*now.keys, *later.keys)})),
        tuple(permissions_later(after, after, granted)),
        tuple(permissions_now(before, before, taken)),
        tuple(
            dict.fromkeys((*_gaps(live, [*now.keys, *later.keys]), *find_undecided([*live_policies(live), *policies])))
        ),
        {id: address for address, id in {**live.ids, **future.ids}.items()},
    )


def find_difference(
    one: Mapping[AccessCell, Assessment], other: Mapping[AccessCell, Assessment], now: datetime
) -> dict[AccessCell, str]:
    """What one side allows and the other does not, each with the words for where: empty where the other allows nothing of it.

    Args:
        now: the tenancy's time; what depends on times is compared from then on.
    """
    missing: dict[AccessCell, str] = {}
    for cell, found in one.items():
        against = other.get(cell)
        if found.allowed is False:
            continue
        if against is None or against.allowed is False:
            missing[cell] = ""
        elif not implies(found.remainders, against.remainders, now):
            missing[cell] = write_exceptions(against.remainders)
    return missing


def _gaps(live: Live, keys: Iterable[LocatedKey]) -> Iterator[str]:
    """Compartments above a key whose policies were not listed, as sentences."""
    unseen = {id for key in keys for id in key.path} & set(live.policies_unread)
    for path in sorted(live.tree.path(id) for id in unseen):
        yield f"the policies of {path} were not seen: what they allow and deny is not in this"


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

    @cached_property
    def places(self) -> dict[Address, str]:
        """The path of the compartment of each key."""
        return {key.address: self.tree.path(key.path[0]) for key in self.keys}

    def cells(self, models: ModelClasses, now: datetime) -> dict[AccessCell, Assessment]:
        """What every key may do with every class of models that its statements distinguish."""
        return {
            (key.address, api, one): found
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
    wanted: Mapping[AccessCell, str] | None = None,
    *,
    models: ModelClasses,
    side: TenancySide,
) -> Iterator[KeyPermission]:
    """The cells that are allowed, as few lines as say it; `context` has the others of the same key and API, for who denies.

    Args:
        wanted: the cells to tell of, each with where alone it is meant; None tells of all.
    """
    groups: dict[tuple[Address, str, tuple[str, ...]], dict[ValueClass, Assessment]] = {}
    for (address, api, one), found in cells.items():
        if found.allowed is not False and (wanted is None or (address, api, one) in wanted):
            where = wanted[address, api, one] if wanted else ""
            depends = (*found.depends_on, *([where] if where else []))
            groups.setdefault((address, api, depends), {})[one] = found
    for (address, api, depends), allowed in groups.items():
        place = side.places[address]
        for said, held, barred in describe_models(list(allowed), models.classes[address], models.written):
            denying = [rule for one in barred if (cell := context.get((address, api, one))) for rule in cell.denied_by]
            denying += [rule for one in held for rule in allowed[one].denied_by]
            by = [rule for one in held[:1] for rule in allowed[one].by]
            by_refs, denying_refs = refs_of(by, side.origins), refs_of(denying, side.origins)
            yield KeyPermission(address, api, said.model, said.barred, place, by_refs, depends, denying_refs)


def refs_of(
    rules: Iterable[StatementInForce], origins: Mapping[StatementInForce, StatementRef]
) -> tuple[StatementRef, ...]:
    """The statements as references, each once."""
    return tuple(dict.fromkeys(origins[rule] for rule in rules))
