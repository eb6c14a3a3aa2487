"""A part of a plan: the changes that were asked for, and those that they need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from genai_iac.core import Address, Notice, Plan
from genai_iac.core.errors import PlanError


def filter_plan(plan: Plan, targets: Iterable[Address], known: Iterable[Address]) -> Plan:
    """The plan with only the targets' changes and what they need, and a notice that says how many were left out.

    Raises PlanError for a target that neither manifests nor tenancy know.

    Args:
        plan: ordered, with `needs`.
        targets: none keeps the whole plan.
        known: addresses of the manifests and of the tenancy: an unchanged one is no error.
    """
    wanted = set(targets)
    if not wanted:
        return plan
    by_address = {change.address: change for change in plan.changes}
    unknown = wanted - set(known) - set(by_address)
    if unknown:
        raise PlanError(
            f"--target {', '.join(map(str, sorted(unknown)))}: no such resource",
            hint="write Kind/name as the plan does",
        )
    kept: set[Address] = set()
    todo = [address for address in wanted if address in by_address]
    while todo:
        address = todo.pop()
        if address not in kept:
            kept.add(address)
            # Needs come along, else the part would fail where it refers to something that is not
            # there yet.
            todo.extend(by_address[address].needs)
    left_out = len(by_address) - len(kept)
    notices = plan.notices
    if left_out:
        notices = (
            *notices,
            Notice(f"--target: {left_out} other change{'s are' if left_out > 1 else ' is'} left out of this plan"),
        )
    return replace(plan, changes=tuple(change for change in plan.changes if change.address in kept), notices=notices)
