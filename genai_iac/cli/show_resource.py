"""Everything known of one resource as plain data, for `show`. No secret value is read."""

from __future__ import annotations

from typing import Any

from genai_iac.analysis.secret_status import list_secrets
from genai_iac.cli.outputs import read_outputs
from genai_iac.cli.planning import PlannedRun
from genai_iac.core import Address, Change, LiveResource, Resource
from genai_iac.core.errors import UsageError
from genai_iac.delivery import read_sink_states
from genai_iac.render.common.attribute_values import known_part, moment
from genai_iac.render.plan.json import change_document
from genai_iac.render.status import entry_document

FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there


def describe_resource(run: PlannedRun, address: Address) -> dict[str, Any]:
    """`{"address", "declared", "live", "secrets", "sinks", "access", "notices", "change"}`; what is not there is left out.

    Raises UsageError for an address that is neither declared nor owned by the stack.
    """
    declared, live = run.workspace.manifest.resources.get(address), run.live.one(address)
    change = next((one for one in run.plan.changes if one.address == address), None)
    if declared is None and live is None and change is None:
        known = sorted({*map(str, run.workspace.manifest.resources), *map(str, run.live.owned)})
        raise UsageError(f"there is no {address} in this stack", hint=f"it has: {', '.join(known) or 'nothing'}")
    document = {
        "format_version": FORMAT_VERSION,
        "address": str(address),
        "stack": run.workspace.owner.text,
        "declared": _declared(run, declared),
        "live": _live(run, live),
        **_key(run, address),
        "notices": [notice.text for notice in run.plan.notices if notice.address == address],
        "change": _change(change),
    }
    # `0` and `False` are kept: the test is for None and for empty lists and mappings only.
    return {name: value for name, value in document.items() if value not in (None, [], {})}


def _declared(run: PlannedRun, one: Resource | None) -> dict[str, Any] | None:
    if one is None:
        return None
    graph = run.workspace.manifest.graph
    return {
        "source": str(one.source),
        "deletion": one.deletion,
        "attributes": known_part(one.attributes),
        "settings": known_part(one.settings),
        "needs": sorted(map(str, graph.needs(one.address))),
        "neededBy": sorted(
            str(other) for other in run.workspace.manifest.resources if one.address in graph.needs(other)
        ),
        "previousNames": list(one.previous_names),
    }


def _live(run: PlannedRun, one: LiveResource | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "id": one.id,
        "name": one.name,
        "compartment": run.live.tree.path(one.compartment) if one.compartment in run.live.tree else one.compartment,
        "compartmentId": one.compartment,
        "region": one.region or run.live.home_region,
        "lifecycleState": one.lifecycle,
        "timeCreated": moment(one.created) if one.created else None,
        "attributes": known_part(one.attributes),
        "freeformTags": dict(one.tags),
    }


def _key(run: PlannedRun, address: Address) -> dict[str, Any]:
    """What only an API key has: its base URL, secrets with the rotation's step, sinks, and what it may do."""
    from genai_iac.cli.access_report import planned_access

    if address.kind != "ApiKey" or run.live.one(address) is None:
        return {}
    resources = run.workspace.manifest.resources
    one = {address: resources[address]} if address in resources else {}
    held = read_sink_states(run.workspace.desk_for(run.live), one, run.live)
    places = {key: tuple(sink.place for sink in run.workspace.desk.sinks(resources[key])) for key in held}
    entries = list_secrets(resources, run.live, held, places)
    secrets = [entry_document(entry, run.live.now) for entry in entries if entry.address == address]
    outputs = read_outputs(run.workspace, run.live).get(str(address), {})
    access = planned_access(run.workspace, run.live, run.plan)
    return {
        "baseUrl": outputs.get("baseUrl"),
        "secrets": secrets,
        "sinks": outputs.get("sinks"),
        "access": [str(permission) for permission in access.before if permission.address == address],
    }


def _change(change: Change | None) -> dict[str, Any] | None:
    return change_document(change) if change is not None else None
