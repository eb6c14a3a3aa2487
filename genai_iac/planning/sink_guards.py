"""In CI a file goes with its runner: a key whose values go to files alone is not made or renewed there. Pure.

The runner of a CI job is deleted with its files. A value that only such a file holds is
lost, and the next run renews it: every run would invalidate the value of the run
before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from genai_iac.core import Address, Plan, Resource
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
