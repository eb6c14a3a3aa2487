"""Guards: a plan is refused for mass deletion, an outage, a protected resource, or values for a CI runner's files alone. Pure.

A guard refuses what may be meant and would be hard to undo. It judges the whole plan before its first write, and each refusal names the
flag that allows exactly this. Conflicts, which no flag allows, are in `conflicts.py`. File sinks are judged too: in CI the files are lost
with the runner, and files on another machine keep outdated values after a rotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from genai_iac.core import Address, Change, Invalidation, Live, Notice, Plan, Resource, SinkState
from genai_iac.core.errors import GuardError
from genai_iac.delivery.sinks import entries_are_local

_SHARE = 0.3  # of the owned resources that may go without being asked for by number
_FROM = 10  # owned resources; below that a share says nothing


class Overrides(Struct, frozen=True):
    """The flags that let a guarded change pass.

    Made from the command line. A flag holds for one run; nothing is stored.
    """

    allow_destroy: int | None = None  # the number of deletes that was announced; more are refused
    accept_outage: frozenset[Address] = frozenset()  # keys whose callers may lose access
    everything: bool = False  # the verb is destroy: the number of deletes is what was asked for
    outage_takes_address: bool = True  # the verb is about one key when --accept-outage has no ADDR behind it
    allow_file_sinks: bool = False  # in CI, make values that only files of this machine will hold


def check_plan(plan: Plan, resources: Mapping[Address, Resource], live: Live, overrides: Overrides) -> None:
    """Raises GuardError (exit 3) with every refusal and the flag that overrides it, where there is one.

    Args:
        plan: with sink states and lost access filled in.
        resources: the declared ones, for `deletion: forbid`.
        live: the tenancy's time, and the tags of what is no longer declared.

    Raises:
        GuardError: one line per refusal.
    """
    refusals = [
        # Both would say the same of a plan that deletes everything; the message about
        # everything is the clearer one.
        *(list(_total_deletion(plan, overrides)) or _mass_deletion(plan, overrides)),
        *(refusal for change in plan.changes for refusal in _protected(change, resources, live)),
        *(refusal for change in plan.changes for refusal in _outage(change, live, overrides)),
    ]
    if refusals:
        raise GuardError("\n".join(refusals))


def _total_deletion(plan: Plan, overrides: Overrides) -> Iterator[str]:
    """All that the stack owns would go although nobody asked to destroy it: manifests that are empty, or another stack's name."""
    ends = sum(change.ends for change in plan.changes)
    if overrides.everything or not plan.owned or ends < plan.owned or ends <= (overrides.allow_destroy or 0):
        return
    yield (
        f"refused: {ends} of {plan.owned} owned resources would be deleted, which is everything that the stack owns; "
        f"if that is meant: --allow-destroy {ends}, or genai-iac destroy"
    )


def _mass_deletion(plan: Plan, overrides: Overrides) -> Iterator[str]:
    """More than 30 % of at least 10 owned resources would be deleted.

    The usual cause is a wrong directory or an emptied file
    (tests/plan_apply/test_guards.py, test_an_emptied_manifest_does_not_empty_the_tenancy).
    """
    deletes = plan.summary["delete"]
    if (
        overrides.everything
        or plan.owned < _FROM
        or deletes <= plan.owned * _SHARE
        or deletes <= (overrides.allow_destroy or 0)
    ):
        return
    yield (
        f"refused: {deletes} of {plan.owned} owned resources would be deleted, more than {_SHARE:.0%}; "
        f"if that is meant: --allow-destroy {deletes}"
    )


def _protected(change: Change, resources: Mapping[Address, Resource], live: Live) -> Iterator[str]:
    """A deletion of what has `deletion: forbid`, in the manifest or in the tag of the live resource."""
    if "delete" not in change.actions:
        return
    declared, found = resources.get(change.address), live.one(change.address)
    # The tag counts as well, else removing the manifest would remove its protection.
    modes = {declared.deletion if declared else None, found.mark.deletion if found and found.mark else None}
    if "forbid" in modes:
        yield (
            f"refused: {change.address} has deletion: forbid; if it is meant to go, declare it with deletion: delete and apply that first"
        )


def _outage(change: Change, live: Live, overrides: Overrides) -> Iterator[str]:
    """Secrets in use that would stop working, keys in use that would lose access, and keys without any working secret."""
    yield from _lost_access(change, live, overrides)
    if change.address in overrides.accept_outage:
        return
    override = _override(change.address, overrides)
    for loss in change.losses:
        # A secret named with --leaked was asked for by a person: no further flag is needed.
        if loss.key is None and not loss.asked and loss.last_used is not None and loss.is_in_use(live.now):
            ago = say_ago(loss.last_used, live.now)
            sure = "still" if loss.looked else "perhaps still"
            carried = f" and is {sure} in {', '.join(loss.carriers)}" if loss.carriers else ""
            killed = f"{_verb(loss)} {loss.secret}, which was last used {ago}{carried}"
            yield f"refused: {change.address}: {killed}: callers would get 401; {override}"
    if _left_without(change):
        yield f"refused: {change.address} would be left with no ACTIVE secret; {override}"


def _lost_access(change: Change, live: Live, overrides: Overrides) -> Iterator[str]:
    """The keys in use that this change leaves without an API they had, each once."""
    for loss in {(loss.key, loss.where): loss for loss in reversed(change.losses)}.values():
        # a key of another stack has no address here: the change that takes its access is accepted
        accepted = change.address if loss.holder else loss.key
        if accepted is not None and loss.last_used is not None and accepted not in overrides.accept_outage:
            how = "while it is replaced" if loss.passing else "afterwards"
            why = f"no policy admits it {how}"
            if loss.project:
                why = (
                    "its callers name this project: keep it declared until they have read another one from their sinks"
                )
            yield (
                f"refused: {change.address}: {' and '.join(change.actions)} takes {loss.calls} from "
                f"{loss.holder or loss.key}{f' when {loss.where}' if loss.where else ''}, whose secret "
                f"{loss.secret} was last used {say_ago(loss.last_used, live.now)}: {why}; "
                f"{_override(accepted, overrides)}"
            )


def _override(key: Address, overrides: Overrides) -> str:
    return "if that is meant: --accept-outage" + (f" {key}" if overrides.outage_takes_address else "")


def _left_without(change: Change) -> bool:
    """Whether the change leaves a key without an active secret that had one. An unused key is refused too."""
    if change.before is None or change.after is None or not change.losses:
        return False
    before, after = change.before.get("secrets", {}), change.after.get("secrets", {})
    assert isinstance(after, Mapping)
    return _any_active(before) and not _any_active(after)


def _any_active(secrets: Mapping[str, object]) -> bool:
    return any(isinstance(secret, Mapping) and secret.get("state") == "active" for secret in secrets.values())


def _verb(loss: Invalidation) -> str:
    """The words for what invalidates the secret; the refusal reads as one sentence."""
    return {
        "renew": "renewing replaces",
        "deactivate": "deactivating stops",
        "revoke": "revoking permanently stops",
        "delete": "deleting it permanently stops",
    }[loss.how]


def say_ago(then: datetime, now: datetime) -> str:
    """How long ago, in the largest whole unit: `4 minutes ago`.

    Args:
        then: aware; a time after `now` counts as now.
        now: the tenancy's time.
    """
    seconds = max(int((now - then).total_seconds()), 0)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length or (seconds >= length and unit != "day"):
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "less than a minute ago"


FLAG = "--allow-file-sinks"  # named in the refusal


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether the environment says that this run is one of continuous integration (`CI=true`).

    Args:
        environ: the process environment; GitHub, GitLab and most others set CI=true.
    """
    return environ.get("CI", "").strip().lower() in ("true", "1", "yes")


def refuse_file_sinks(plan: Plan, resources: Mapping[Address, Resource]) -> Iterator[str]:
    """A sentence for each change that makes values which would be delivered to files of this machine alone.

    Args:
        plan: only changes that create or renew values are looked at.

    Yields:
        One line per change. The caller adds them to the guards' refusals unless
            --allow-file-sinks is given.
    """
    for change in plan.changes:
        resource = resources.get(change.address)
        if resource is None or not change.new_secrets:
            continue
        if entries_are_local(resource.settings.get("deliverTo", ())):
            values = " and ".join(change.new_secrets)
            yield (
                f"refused: {change.address}: under CI=true the value of {values} would go to files of this runner alone, which are "
                f"gone with it; deliver to a vault or an exec sink as well, or if that is meant: {FLAG}"
            )


def find_outdated_files(plan: Plan, held: Mapping[Address, Iterable[SinkState]]) -> Iterator[Notice]:
    """Files whose current value no longer works, of keys that the plan delivers nothing for: callers there get 401.

    It happens when two machines with files of their own apply or rotate at once: the value is on the other machine alone.
    """
    served = {change.address for change in plan.changes if change.deliver or change.empties}
    for address, sinks in held.items():
        for sink in sinks:
            if sink.outdated and not sink.former and address not in served:
                yield Notice(
                    f"{sink.place} shows a current value that no longer works: callers that read it get 401. Another machine may have "
                    f"the one that does: copy it from there, or make one here: genai-iac rotate {address}; or remove the file",
                    address,
                )
