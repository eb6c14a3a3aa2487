"""What each key may call before a plan and after it, for those keys that the plan can take something from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from msgspec import Struct, field

from genai_iac.analysis.access import ModelClasses, TenancySide, refs_of
from genai_iac.analysis.statements_in_force import (
    StatementRef,
    live_keys,
    live_policies,
    planned_keys_and_policies,
    read_statement,
    statements_in_force,
)
from genai_iac.core import Address, Live, Plan
from genai_iac.iam_policy import Grant, StatementInForce
from genai_iac.iam_policy.conditions import demanded_texts
from genai_iac.iam_policy.rules import PRINCIPAL
from genai_iac.planning.planned_state import PlannedState

Reach = Mapping[
    tuple[Address, str, str], tuple[StatementRef, ...]
]  # by key, API and model: the statements that admit it


class ReachFinder(Struct, dict=True):
    """What keys may call before and after the plans of one run; asked the same again, it answers what it found."""

    future: PlannedState
    live: Live
    _found: dict[object, tuple[Reach, Reach]] = field(default_factory=dict)

    def find(self, plan: Plan, keys: Collection[Address], absent: Collection[Address] = ()) -> tuple[Reach, Reach]:
        """What those keys may call before and after, both asked about every set of models that either side can tell apart.

        The policies of `absent` count as not there after the plan. What comes to depend on a condition that nobody can tell
        beforehand, and did not before, counts as not admitted after.
        """
        whole = plan.existence
        changed = whole | dict.fromkeys(absent, False)
        question = (frozenset(changed.items()), frozenset(keys))
        if question not in self._found:
            self._found[question] = self._find(changed, whole, frozenset(keys))
        return self._found[question]

    def _find(
        self, changed: Mapping[Address, bool], whole: Mapping[Address, bool], keys: frozenset[Address]
    ) -> tuple[Reach, Reach]:
        live = self.live
        now = TenancySide([key for key in live_keys(live) if key.address in keys], self._now, live.tree)
        later = self._side(changed, keys)
        # What the absent policies would tell apart counts too: answers of the same plan are compared with each other.
        models = ModelClasses.of(now, later, *([] if changed == whole else [self._side(whole, keys)]))
        before, after = (_reach(side, models, live.now) for side in (now, later))
        surely = {
            reached: (by, sure)
            for reached, (by, sure) in after.items()
            if sure or not before.get(reached, ((), True))[1]
        }
        return (
            {reached: by for reached, (by, _) in before.items()},
            {reached: by for reached, (by, _) in surely.items()},
        )

    def _side(self, changed: Mapping[Address, bool], keys: frozenset[Address]) -> TenancySide:
        """The tenancy once those resources are there or gone."""
        located, policies = planned_keys_and_policies(changed, self.future, self.live)
        origins = dict(statements_in_force(policies, self.future.with_addresses))
        return TenancySide([key for key in located if key.address in keys], origins, self.future.tree)

    @cached_property
    def _now(self) -> dict[StatementInForce, StatementRef]:
        return dict(statements_in_force(live_policies(self.live), self.future.with_addresses))


def concerned_keys(plan: Plan, future: PlannedState, live: Live) -> frozenset[Address]:
    """The live keys whose access the plan may change: those that it changes itself, and those that a statement names
    which begins or ends. All of them, when a compartment changes or such a statement names no key.

    A plan of one policy among a thousand keys must not cost what a plan of a thousand policies costs.
    """
    keys = {address: group for address, group in live.owned.items() if address.kind == "ApiKey"}
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


def _reach(
    side: TenancySide, models: ModelClasses, now: datetime
) -> dict[tuple[Address, str, str], tuple[tuple[StatementRef, ...], bool]]:
    return {
        (address, api, models.label(one)): (refs_of(found.by, side.origins), found.allowed is True)
        for (address, api, _, one), found in side.cells(models, now).items()
        if found.allowed is not False
    }
