"""The counts that GitLab shows in a merge request, as its `terraform` report wants them (docs.gitlab.com, artifacts:reports:terraform)."""

from __future__ import annotations

from genai_iac.model import Plan
from genai_iac.render.json_text import write_json

_GONE, _MADE, _NOTHING_IN_OCI = {"delete", "forget"}, {"create"}, {"deliver"}


def render_gitlab(plan: Plan) -> str:
    """`{"create": 1, "update": 0, "delete": 0}`: resources; one that is replaced counts as made and as gone."""
    actions = [set(change.actions) for change in plan.changes]
    counts = {
        "create": sum(bool(one & _MADE) for one in actions),
        "update": sum(bool(one - _MADE - _GONE - _NOTHING_IN_OCI) for one in actions),
        "delete": sum(bool(one & _GONE) for one in actions),
    }
    return write_json(counts) + "\n"
