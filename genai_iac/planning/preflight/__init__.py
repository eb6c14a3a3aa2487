"""What the service would refuse, found before the first write: names, compartments, limits, dates, callers that lose access. Pure.

In: changes and the planned state. Out: errors for what is certain, notices for the rest.
Must not know: the SDK. It looks only at what will be written, so that a plan without changes reads no groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, cast

from genai_iac import iam_policy as language
from genai_iac.core import Change, Live, Notice
from genai_iac.core.errors import PlanError
from genai_iac.planning.planned_state import PlannedState
from genai_iac.planning.preflight.limits import (
    ServiceLimits,
    find_deep_compartments,
    find_full_paths,
    find_full_policies,
    note_many_policies,
)
from genai_iac.planning.preflight.names import (
    MAX_REPORTED,
    find_clashes,
    find_misnamed,
    find_model_warnings,
    note_denials,
    note_unasked_domains,
)


def find_expired_at_create(changes: Iterable[Change], future: PlannedState, now: datetime) -> Iterator[PlanError]:
    """Secrets of keys to be made whose exact expiry is not after `now`, the tenancy's own time.

    Args:
        now: the tenancy's time.

    A key that is created with an expired secret would be useless at once, and OCI cannot
    change an expiry without a renewal.
    """
    for change in changes:
        for details in _details(change):
            expires = details["timeExpiry"]
            if isinstance(expires, str) and datetime.fromisoformat(expires) <= now:
                resource = future.resources[change.address]
                where = resource.places.get("secrets", resource.source)
                message = f"{where}: {change.address} secret {details['keyName']} would be made to expire at {expires}, which is past"
                yield PlanError(message, hint="give a later date or a duration such as 90d")


def _details(change: Change) -> Iterator[Mapping[str, Any]]:
    for call in change.calls:
        yield from cast("Sequence[Mapping[str, Any]]", call.body.get("keyDetails", ()))


__all__ = ["ServiceLimits", "check_changes"]


def check_changes(
    changes: Sequence[Change], future: PlannedState, live: Live, directory: language.Directory, limits: ServiceLimits
) -> tuple[list[PlanError], list[Notice]]:
    """What is certain to fail, and what may. `directory` is asked for the groups that the written statements name.

    Args:
        changes: drafts, in any order.
        future: the tenancy after them.
        limits: of this tenancy.

    Returns:
        Errors, of which each would be an HTTP 4xx in the middle of an apply, and notices.
    """
    written = [change for change in changes if change.address in future.resources]
    policies = [change.address for change in written if _writes_statements(change)]
    known = future.directory(directory.group, directory.dynamic_group)
    errors: list[PlanError] = []
    notices: list[Notice] = []
    # All changes, deletions included: a name that is given up is free for another resource.
    errors.extend(find_clashes(changes, future, live))
    for policy in policies:
        errors.extend(find_misnamed(policy, future, known))
        errors.extend(find_full_policies(policy, future, limits))
        notices.extend(note_unasked_domains(policy, future))
    notices.extend(note_denials([policy for policy in policies if future.is_whole(policy)], future, live))
    errors.extend(find_full_paths(policies, future, live, limits))
    errors.extend(find_deep_compartments(written, future, limits))
    errors.extend(find_expired_at_create(written, future, live.now))
    notices.extend(note_kept_inside(changes))
    for change in written:
        found = find_model_warnings(change.address, future, live.now)
        notices.extend(Notice(text, change.address) for _, text in islice(found, MAX_REPORTED))
    notices.extend(note_many_policies(written, live, limits))
    return errors, notices


def note_kept_inside(changes: Sequence[Change]) -> Iterator[Notice]:
    """Compartments that OCI will not delete, because what `deletion: retain` keeps is in them."""
    going = {change.id: change.address for change in changes if change.after is None and "delete" in change.actions}
    for change in changes:
        place = going.get((change.before or {}).get("compartmentId")) if "forget" in change.actions else None
        if place is not None:
            yield Notice(
                f"OCI deletes no compartment that holds something, and {change.address} stays in it (deletion: retain): "
                f"move {change.id} elsewhere first, or retain {place} too",
                place,
            )


def _writes_statements(change: Change) -> bool:
    return change.address.kind == "Policy" and any("statements" in call.body for call in change.calls)
