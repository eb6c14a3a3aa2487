"""The two halves of an answer to a leak, in one run: the leaked value is deactivated, then its slot gets a new one.

The second half is planned on what is live after the first. `rotate --leaked` does both, and so does an `apply` that goes on with an
answer that was interrupted: one more apply finishes it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from genai_iac.cli.console import Console
from genai_iac.cli.planning import PlannedRun, PlanOptions, make_draft
from genai_iac.cli.run_apply import Approval, apply_draft
from genai_iac.core import LEAK_TAG, Address, Call, Plan


def apply_and_renew(draft: PlannedRun, consent: Approval, output: Console, *, unasked: bool) -> int:
    """Carry the plan out; where it deactivates a leaked secret, renew that secret too. Answers the exit code.

    The renewal is agreed to where it does no more than the first plan announced, or whatever it does (`unasked`); else it is
    asked for like any plan.
    """
    code = apply_draft(draft, consent, output)
    leaked = deactivated_leaks(draft.plan)
    if code or not leaked:
        return code
    if not consent.as_json:
        output.say("")
    asked = draft.asked
    options = PlanOptions(frozenset(leaked), overrides=asked.overrides, parallelism=asked.parallelism)
    renewal = make_draft(draft.workspace, options)
    announced = unasked or is_announced_renewal(renewal.plan, leaked)
    return apply_draft(renewal, replace(consent, given=announced), output)


def deactivated_leaks(plan: Plan) -> Mapping[Address, str]:
    """By key, the leaked secret that does not work after the plan and is to be renewed then: its calls write the note of that.

    One that was inactive or expired before is not deactivated by the plan, and its slot is renewed all the same.
    """
    return {
        change.address: note.partition("=")[0]
        for change in plan.changes
        for call in change.calls
        if "=" in (note := _leak_note(call))
        and change.handover is not None
        and change.handover.retired == note.partition("=")[0]
    }


def _leak_note(call: Call) -> str:
    tags = (call.body or {}).get("freeformTags")
    return str(tags.get(LEAK_TAG, "")) if isinstance(tags, Mapping) else ""


def is_announced_renewal(plan: Plan, leaked: Mapping[Address, str]) -> bool:
    """Whether the plan does no more than the plan before it announced: each leaked secret renewed, and no value in use stopped."""
    return all(
        not change.losses
        and change.new_secrets == (leaked.get(change.address),)
        and all(call.secret == leaked.get(change.address) for call in change.calls)
        for change in plan.changes
    )
