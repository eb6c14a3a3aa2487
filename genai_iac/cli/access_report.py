"""What each key may do, live and after a plan, for commands and plan formats."""

from __future__ import annotations

from collections.abc import Collection

from genai_iac.analysis.access import Accesses, find_access
from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.session import Session, open_session
from genai_iac.core import Address, Live, Plan
from genai_iac.core.errors import UsageError
from genai_iac.planning import make_plan
from genai_iac.planning.planned_state import predict_state


def read_access(flags: GlobalOptions, path: str, only: Collection[Address]) -> Accesses:
    """What the keys of those addresses may do (none given: all keys of the stack). Raises UsageError for an unknown address.

    Args:
        flags: global options of the run.
        path: manifests.
        only: addresses of API keys; empty means every key.
    """
    with open_session(flags, path) as workspace:
        live = workspace.read()
        # Sinks say nothing about permissions, and reading them needs rights that this command
        # should not need.
        found = planned_access(workspace, live, make_plan(workspace.inputs(live, look_into_sinks=False)))
    unknown = set(only) - set(found.keys)
    if unknown:
        names = ", ".join(map(str, found.keys)) or "no key at all"
        raise UsageError(f"--address {min(unknown)}: the stack has {names}", hint="give the address of one of its keys")
    return found.of(only) if only else found


def planned_access(workspace: Session, live: Live, plan: Plan) -> Accesses:
    """What the stack's keys may do before and after that plan."""
    # Two live resources with one address: neither is the one that the manifests mean.
    ids = {address: group[0].id for address, group in live.owned.items() if len(group) == 1}
    return find_access(plan, predict_state(workspace.manifest.resources, live.tree, ids), live)
