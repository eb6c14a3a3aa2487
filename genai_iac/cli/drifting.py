"""The walk of `drift`: two sets of manifests, one reading, what differs and whose doing it is."""

from __future__ import annotations

from dataclasses import replace

from genai_iac.cli.earlier import load_manifest_at
from genai_iac.cli.flags import Flags
from genai_iac.cli.workspace import Workspace, open_workspace
from genai_iac.drift import Side, find_drift, find_unmanaged
from genai_iac.manifest import Manifest
from genai_iac.model import Live
from genai_iac.plan import compare
from genai_iac.render.drift_report import DriftReport


def make_report(
    flags: Flags, path: str, base: str | None, *, unmanaged: bool, full_scan: bool, parallelism: int
) -> DriftReport:
    """Read, compare, gather. Sinks are not looked into: what a machine's files hold is no drift of the tenancy."""
    earlier = load_manifest_at(flags, path, base) if base else None
    with open_workspace(flags, path) as workspace:
        also = tuple(earlier.resources.values()) if earlier else ()
        live = workspace.read(parallelism=parallelism, full_scan=full_scan, also=also)
        compared = compare(workspace.inputs(live, look_into_sinks=False))
        before = _compare_before(workspace, live, earlier) if base else None
        resources = workspace.manifest.resources
        return DriftReport(
            plan=compared.plan,
            base=base,
            now=live.now,
            differences=find_drift((compared.plan, resources), before),
            refusals=compared.refusals,
            unmanaged=find_unmanaged(live) if unmanaged else None,
            sources={address: resource.source for address, resource in resources.items()},
            names={id: live.tree.path(id) for id in (live.tenancy, *live.tree.nodes)},
        )


def _compare_before(workspace: Workspace, live: Live, earlier: Manifest | None) -> Side:
    if earlier is None:
        return compare(replace(workspace.inputs(live, look_into_sinks=False), resources={})).plan, {}
    inputs = replace(workspace, manifest=earlier).inputs(live, look_into_sinks=False)
    return compare(inputs).plan, earlier.resources
