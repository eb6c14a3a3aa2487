"""What the service would refuse of what a plan is about to write, told before the first write: names, places, limits,
dates, and calls. Pure.

Only what is certain is an error. What is not written is not looked at, so that a plan without changes asks for no groups.
"""

from __future__ import annotations

from collections.abc import Sequence

from genai_iac import policy as language
from genai_iac.errors import PlanError
from genai_iac.future import Future
from genai_iac.model import Change, Live, Notice
from genai_iac.preflight.callers import note_refused_callers
from genai_iac.preflight.expiries import find_stillborn_secrets
from genai_iac.preflight.limits import (
    Limits,
    find_deep_compartments,
    find_full_paths,
    find_full_policies,
    note_many_policies,
)
from genai_iac.preflight.names import find_misnamed, note_unasked_domains

__all__ = ["Limits", "check_changes"]


def check_changes(
    changes: Sequence[Change], future: Future, live: Live, directory: language.Directory, limits: Limits
) -> tuple[list[PlanError], list[Notice]]:
    """What is certain to fail, and what may. `directory` is asked for the groups that the written statements name."""
    written = [change for change in changes if change.address in future.resources]
    policies = [change.address for change in written if _writes_statements(change)]
    known = future.directory(directory.group, directory.dynamic_group)
    errors: list[PlanError] = []
    notices: list[Notice] = []
    for policy in policies:
        errors.extend(find_misnamed(policy, future, known))
        errors.extend(find_full_policies(policy, future, limits))
        notices.extend(note_unasked_domains(policy, future))
    errors.extend(find_full_paths(policies, future, live, limits))
    errors.extend(find_deep_compartments(written, future, limits))
    errors.extend(find_stillborn_secrets(written, future, live.now))
    notices.extend(note_many_policies(written, live, limits))
    notices.extend(note_refused_callers(changes, live))
    return errors, notices


def _writes_statements(change: Change) -> bool:
    return change.address.kind == "Policy" and any("statements" in call.body for call in change.calls)
