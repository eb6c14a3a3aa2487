"""Every rendering there is, by the name of its golden file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from genai_iac.core import Outcome, Plan
from genai_iac.core.errors import IacError
from genai_iac.render.common.terminal import Terminal
from genai_iac.render.errors import problems_json, problems_text
from genai_iac.render.graph import dot, mermaid
from genai_iac.render.plan.context import PlanContext
from genai_iac.render.plan.html import render_html
from genai_iac.render.plan.json import render_json, saved_plan
from genai_iac.render.plan.markdown import STEP_SUMMARY_LIMIT, render_markdown
from genai_iac.render.plan.progress import closing_text, outcome_line, outcome_text, summary_line
from genai_iac.render.plan.terraform_json import render_terraform_json
from genai_iac.render.plan.text import render_text

PLAIN, COLOUR, ASCII = Terminal(80), Terminal(80, colour=True), Terminal(80, unicode=False)

OF_A_PLAN: Mapping[str, Callable[[Plan, PlanContext], str]] = {
    "plan.txt": lambda plan, around: render_text(plan, around, PLAIN),
    "plan-colour.txt": lambda plan, around: render_text(plan, around, COLOUR),
    "plan-ascii.txt": lambda plan, around: render_text(plan, around, ASCII),
    "plan-alone.txt": lambda plan, around: render_text(plan),
    "plan.json": lambda plan, around: render_json(plan),
    "saved-plan.json": lambda plan, around: saved_plan(plan, {"files": {"stack.yaml": "sha256:00"}}).decode("ascii"),
    "plan.md": render_markdown,
    "step-summary.md": lambda plan, around: render_markdown(plan, around, STEP_SUMMARY_LIMIT),
    "plan.html": render_html,
    "plan-terraform.json": lambda plan, around: render_terraform_json(plan),
    "graph.mmd": lambda plan, around: mermaid(around.needs),
    "graph.dot": lambda plan, around: dot(around.needs),
}
OF_OUTCOMES: Mapping[str, Callable[[Sequence[Outcome]], str]] = {
    "progress.txt": lambda outcomes: _progress(outcomes, PLAIN),
    "progress-colour.txt": lambda outcomes: _progress(outcomes, COLOUR),
    "progress-ascii.txt": lambda outcomes: _progress(outcomes, ASCII),
    "outcomes.jsonl": lambda outcomes: "".join(map(outcome_line, outcomes)) + summary_line(outcomes),
}
OF_ERRORS: Mapping[str, Callable[[Sequence[IacError]], str]] = {
    "problems.txt": lambda errors: problems_text(errors, PLAIN),
    "problems-colour.txt": lambda errors: problems_text(errors, COLOUR),
    "problems-ascii.txt": lambda errors: problems_text(errors, ASCII),
    "problems.json": problems_json,
}


def _progress(outcomes: Sequence[Outcome], terminal: Terminal) -> str:
    return "".join(outcome_text(outcome, terminal) for outcome in outcomes) + "\n" + closing_text(outcomes, terminal)
