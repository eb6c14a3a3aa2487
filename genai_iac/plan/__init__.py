"""From desired and live to a plan. Pure: same inputs, same plan."""

from genai_iac.plan.inputs import Inputs
from genai_iac.plan.make import Comparison, compare, make_destroy_plan, make_plan

__all__ = ["Comparison", "Inputs", "compare", "make_destroy_plan", "make_plan"]
