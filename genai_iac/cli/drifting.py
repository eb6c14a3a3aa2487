"""The walk of `drift`: two sets of manifests, one reading, what differs and whose doing it is."""

from __future__ import annotations

from dataclasses import replace

from genai_iac.cli.earlier import load_manifest_at
from genai_iac.cli.flags import Flags
from genai_iac.cli.workspace import Workspace, open_workspace
from genai_iac.drift import Side, find_drift, find_unmanaged
from genai_iac.errors import PlanError
from genai_iac.manifest import Manifest
from genai_iac.model import Live
from genai_iac.plan import make_plan
from genai_iac.render.drift import DriftReport


def make_report(
    flags: Flags, path: str, base: str | None, *, unmanaged: bool, full_scan: bool, parallelism: int
) -> DriftReport:
    """Read, compare, gather. Sinks are not looked into: what a machine's files hold is no drift of the tenancy."""
    earlier = load_manifest_at(flags, path, base) if base else None
    with open_workspace(flags, path) as workspace:
        also = tuple(earlier.resources.values()) if earlier else ()
        live = workspace.read(parallelism=parallelism, full_scan=full_scan, also=also)
        inputs = workspace.inputs(live, look_into_sinks=False)
        plan = make_plan(inputs)
        before = _plan_before(workspace, live, earlier, base) if base else None
        resources = workspace.manifest.resources
        return DriftReport(
            plan=plan,
            base=base,
            now=live.now,
            differences=find_drift((plan, resources), before),
            unmanaged=find_unmanaged(live) if unmanaged else None,
            sources={address: resource.source for address, resource in resources.items()},
            names={id: live.tree.path(id) for id in (live.tenancy, *live.tree.nodes)},
        )


def _plan_before(workspace: Workspace, live: Live, earlier: Manifest | None, base: str) -> Side:
    if earlier is None:
        return make_plan(replace(workspace.inputs(live, look_into_sinks=False), resources={})), {}
    inputs = replace(workspace, manifest=earlier).inputs(live, look_into_sinks=False)
    try:
        return make_plan(inputs), earlier.resources
    except PlanError as error:
        raise PlanError(f"at {base}: {error.message}", hint=error.hint) from error
