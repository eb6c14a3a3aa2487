"""Desired and live to a plan. Pure: same inputs, same plan.

For: comparing, ordering, refusing (conflicts, guards, limits), filtering by target, saving plans.
In: a manifest's resources, `Live`, sink states, requests, the tenancy's time. Out: a `Plan`.
Must not know: the SDK, the wall clock, how a plan is shown or applied.
"""

from genai_iac.planning.diff_context import PlanInputs
from genai_iac.planning.planner import PlanComparison, compare, make_destroy_plan, make_plan

__all__ = ["PlanComparison", "PlanInputs", "compare", "make_destroy_plan", "make_plan"]
