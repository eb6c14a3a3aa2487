"""From desired and live to a plan. Pure: same inputs, same plan."""

from genai_iac.planning.diff_context import PlanInputs
from genai_iac.planning.planner import PlanComparison, compare, make_destroy_plan, make_plan

__all__ = ["PlanComparison", "PlanInputs", "compare", "make_destroy_plan", "make_plan"]
