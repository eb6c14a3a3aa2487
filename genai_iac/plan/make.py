"""The plan as a whole: drafts, what the service would refuse of them, their order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from genai_iac.errors import PlanError, PlanErrors
from genai_iac.model import Plan
from genai_iac.plan.inputs import Inputs
from genai_iac.plan.planner import Planner


@dataclass(frozen=True)
class Comparison:
    """Live against desired, whether or not it can be made so.

    `plan` is one to look at when there are `refusals`: in no order, and with what no call can change, which has no actions.
    """

    plan: Plan
    refusals: tuple[PlanError, ...]


def make_plan(inputs: Inputs) -> Plan:
    """What has to change for live to be as desired, in an order that works.

    Raises PlanError that names everything that stands in the way: two live resources with one address, a name that is
    taken, a compartment that is not there, a change that OCI has no call for, a policy that it would refuse.
    """
    compared = compare(inputs)
    if compared.refusals:
        raise compared.refusals[0] if len(compared.refusals) == 1 else PlanErrors(compared.refusals)
    return compared.plan


def make_destroy_plan(inputs: Inputs) -> Plan:
    """The plan in which nothing is declared any more: everything that carries the owner's mark goes, innermost first."""
    declared = inputs.resources
    ours = {address for address in declared if (one := inputs.live.one(address)) and inputs.recognises(one)}
    plan = make_plan(replace(inputs, resources={}, moved=inputs.moved | ours))
    return replace(plan, unchanged=0)


def compare(inputs: Inputs) -> Comparison:
    """All that differs, and all that stands in the way of changing it: what would make `make_plan` raise hides nothing else."""
    live = inputs.live
    planner = Planner(inputs)
    drafts = [*planner.for_desired(), *planner.for_undeclared()]
    if drafts:
        planner.look_ahead(drafts)
    changes = (*planner.ordered(drafts), *planner.stuck)
    touched = {change.address for change in changes}
    plan = Plan(
        stack=inputs.stack.name,
        environment=inputs.stack.environment,
        tenancy=live.tenancy,
        region=inputs.stack.region,
        changes=changes,
        unchanged=sum(address not in touched for address in inputs.resources),
        owned=sum(map(len, live.owned.values())),
        notices=tuple(planner.notices),
    )
    return Comparison(plan, tuple(planner.errors))
