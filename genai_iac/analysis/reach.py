"""What each key may call before a plan and after it, for those keys that the plan can take something from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct, field

from genai_iac.analysis.access import ModelClasses, TenancySide, find_difference, refs_of
from genai_iac.analysis.statements_in_force import (
    StatementRef,
    live_keys,
    live_policies,
    other_keys,
    planned_keys_and_policies,
    read_statement,
    secrets_in_use,
    statements_in_force,
)
from genai_iac.core import Address, Live, Plan
from genai_iac.iam_policy import Grant, StatementInForce
from genai_iac.iam_policy.conditions import demanded_texts
from genai_iac.iam_policy.rules import PRINCIPAL
from genai_iac.planning.planned_state import PlannedState

Reached = tuple[Address, str, str]  # key, API and model; an empty model stands for those that no statement names
Reach = Mapping[Reached, tuple[StatementRef, ...]]  # the statements that admit it


class Reaches(NamedTuple):
    """What keys may call before and after a plan, and where, in words, of what they may call on both sides something is taken."""

    before: Reach
    after: Reach  # without what is narrowed
    narrowed: Mapping[Reached, str]


class ReachFinder(Struct, dict=True):
    """What keys may call before and after the plans of one run; asked the same again, it answers what it found."""

    future: PlannedState
    live: Live
    _found: dict[object, Reaches] = field(default_factory=dict)

    def find(self, plan: Plan, keys: Collection[Address], absent: Collection[Address] = ()) -> Reaches:
        """What those keys may call before and after, both asked about every set of models that either side can tell apart.

        The policies of `absent` count as not there after the plan. What is admitted under narrower conditions than before (fewer
        hours, another network source) counts as not admitted after.
        """
        whole = plan.existence
        changed = whole | dict.fromkeys(absent, False)
        question = (frozenset(changed.items()), frozenset(keys))
        if question not in self._found:
            self._found[question] = self._find(changed, whole, frozenset(keys))
        return self._found[question]

    def _find(
        self, changed: Mapping[Address, bool], whole: Mapping[Address, bool], keys: frozenset[Address]
    ) -> Reaches:
        live = self.live
        located = [*live_keys(live), *(key for key, _ in other_keys(live))]
        now = TenancySide([key for key in located if key.address in keys], self._now, live.tree)
        later = self._side(changed, keys)
        # What the absent policies would tell apart counts too: answers of the same plan are compared with each other.
        models = ModelClasses.of(now, later, *([] if changed == whole else [self._side(whole, keys)]))
        before, after = now.cells(models, live.now), later.cells(models, live.now)
        missing = find_difference(before, after, live.now)
        named = [{cell: (cell[0], cell[1], models.label(cell[2])) for cell in side} for side in (before, after)]
        return Reaches(
            {
                named[0][cell]: refs_of(found.by, now.origins)
                for cell, found in before.items()
                if found.allowed is not False
            },
            {
                named[1][cell]: refs_of(found.by, later.origins)
                for cell, found in after.items()
                if found.allowed is not False and cell not in missing
            },
            {named[0][cell]: where for cell, where in missing.items() if where},
        )

    def _side(self, changed: Mapping[Address, bool], keys: frozenset[Address]) -> TenancySide:
        """The tenancy once those resources are there or gone."""
        located, policies = planned_keys_and_policies(changed, self.future, self.live)
        located += [key for key, _ in other_keys(self.live, self.future.tree)]
        origins = dict(statements_in_force(policies, self.future.with_addresses))
        return TenancySide([key for key in located if key.address in keys], origins, self.future.tree)

    @cached_property
    def _now(self) -> dict[StatementInForce, StatementRef]:
        return dict(statements_in_force(live_policies(self.live), self.future.with_addresses))


def concerned_keys(plan: Plan, future: PlannedState, live: Live) -> frozenset[Address]:
    """The live keys whose access the plan may change: those that it changes itself, and those that a statement names
    which begins or ends. All of them, when a compartment changes or such a statement names no key. Of other stacks' keys, those in use.

    A plan of one policy among a thousand keys must not cost what a plan of a thousand policies costs.
    """
    keys = {address: group for address, group in live.owned.items() if address.kind == "ApiKey"}
    keys |= {key.address: (one,) for key, one in other_keys(live) if secrets_in_use(one, live)}
    if any(change.address.kind == "Compartment" and change.before is not None for change in plan.changes):
        return frozenset(keys)
    named: set[str] = set()
    for text in _beginning_or_ending(plan, future, live):
        tree = read_statement(text)
        if isinstance(tree, Grant) and tree.subject.kind == "any-user":
            demanded = demanded_texts(tree.condition, PRINCIPAL)
            if demanded is None:
                return frozenset(keys)
            named |= demanded
    changed = {change.address for change in plan.changes}
    return frozenset(
        address
        for address, group in keys.items()
        if address in changed
        or not named.isdisjoint({future.ids.get(address, "").lower(), *(one.id.lower() for one in group)})
    )


def _beginning_or_ending(plan: Plan, future: PlannedState, live: Live) -> Iterator[str]:
    """The statements, live and planned, of every policy that the plan changes."""
    changed = {address: remains for address, remains in plan.existence.items() if address.kind == "Policy"}
    for one in (*live.found, *live.beyond):
        if one.kind == "Policy" and one.mark is not None and one.mark.address in changed:
            yield from one.attributes["statements"]
    for address, stays in changed.items():
        if stays and address in future.resources:
            yield from future.statements(address)
