"""Files of one machine: in CI they go with the runner, and another machine's rotation leaves dead values in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from genai_iac.core import Address, Notice, Plan, Resource, SinkState
from genai_iac.delivery.sinks import entries_are_local

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
