"""What the commands that only report read, as plain data without secret values:

- everything known of one resource (`show`);
- what other tools need of a stack's resources (`output`): OCIDs, base URLs, masks, sinks;
- the secrets of a stack (`status`, `expiry`);
- what each key may do, now and after a plan (`access`, and the formats of a plan).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec import Struct

from genai_iac.analysis.access import Accesses, find_access
from genai_iac.analysis.secret_status import SecretStatus, list_secrets
from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.planning import PlannedRun
from genai_iac.cli.session import Session, open_session
from genai_iac.core import Address, Change, Live, LiveResource, Plan, Resource
from genai_iac.core.errors import UsageError
from genai_iac.delivery import read_sink_states
from genai_iac.planning import make_plan
from genai_iac.planning.planned_state import predict_state
from genai_iac.render.common.attribute_values import as_written, known_part, moment
from genai_iac.render.plan.json import change_document
from genai_iac.render.status import entry_document

Outputs = dict[str, dict[str, Any]]  # field to plain data, by address


def read_outputs(workspace: Session, live: Live) -> Outputs:
    """Address to what is known of its live resource; resources that are not there yet are left out."""
    found = {address: live.one(address) for address in workspace.manifest.resources}
    return {str(address): _of_one(workspace, live, one, address) for address, one in found.items() if one is not None}


def select_output(outputs: Outputs, name: str, declared: list[str]) -> Any:
    """The output `Kind/name`, or one field of it: `Kind/name.field`, nested fields with more dots.

    Raises UsageError for a name that is none, listing those that there are.
    """
    address = next((one for one in declared if name == one or name.startswith(f"{one}.")), None)
    if address is None:
        raise UsageError(
            f"there is no output {name}", hint=f"the manifests declare: {', '.join(declared) or 'nothing'}"
        )
    if address not in outputs:
        raise UsageError(f"{address} does not exist yet", hint="create it first: genai-iac apply")
    value: Any = outputs[address]
    for field in name[len(address) + 1 :].split(".") if name != address else ():
        if not isinstance(value, dict) or field not in value:
            known = ", ".join(f"{address}.{one}" for one in outputs[address])
            raise UsageError(f"there is no output {name}", hint=f"use one of {known}")
        value = value[field]
    return value


def _of_one(workspace: Session, live: Live, one: LiveResource, address: Address) -> dict[str, Any]:
    common = {"id": one.id, "name": one.name}
    if address.kind == "Compartment":
        return {**common, "path": live.tree.path(one.id)}
    common["compartmentId"] = one.compartment
    if address.kind != "ApiKey":
        return common
    region = one.region or live.home_region
    # what a delivery writes beside the value
    endpoint = workspace.manifest.resources[address].settings.get("endpoint", "actions/v1")
    return {
        **common,
        "region": region,
        "baseUrl": workspace.provider.base_url(region, endpoint),
        "secrets": _secrets(workspace, live, one, address),
        "sinks": [{"type": sink.word, "place": sink.place} for sink in _sinks(workspace, live, address)],
    }


def _secrets(workspace: Session, live: Live, one: LiveResource, address: Address) -> dict[str, Any]:
    resource = workspace.manifest.resources[address]
    held = read_sink_states(workspace.deliveries_for(live), {address: resource}, live).get(address, ())
    # Reversed: where sinks disagree, the first one declared wins.
    roles = {name: role for state in reversed(held) for name, role in state.records.items()}
    return {
        secret.name: {
            "state": secret.state,
            "mask": secret.mask,
            "role": roles.get(secret.name),
            "expires": moment(secret.expires) if secret.expires else None,
        }
        for secret in one.secrets
    }


def _sinks(workspace: Session, live: Live, address: Address) -> list[Any]:
    return workspace.deliveries_for(live).sinks(workspace.manifest.resources[address])


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
        "notices": [notice.text for notice in run.shown.notices if notice.address == address],
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
        "attributes": as_written(one.attributes),
        "settings": as_written(one.settings),
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

    if address.kind != "ApiKey" or run.live.one(address) is None:
        return {}
    resources = run.workspace.manifest.resources
    one = {address: resources[address]} if address in resources else {}
    held = read_sink_states(run.workspace.deliveries_for(run.live), one, run.live)
    places = {key: tuple(sink.place for sink in run.workspace.deliveries.sinks(resources[key])) for key in held}
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


class StackSecrets(Struct, frozen=True):
    """One reading: the tenancy's clock and every secret."""

    stack: str  # its name
    now: datetime  # the service's clock, in UTC
    entries: tuple[SecretStatus, ...]  # by address and name


def read_stack_secrets(flags: GlobalOptions, path: str) -> StackSecrets:
    """Read the tenancy and the sinks. Raises ManifestError, ServiceFailure, SinkError."""
    with open_session(flags, path) as workspace:
        live = workspace.read()
        resources = workspace.manifest.resources
        held = read_sink_states(workspace.deliveries_for(live), resources, live)
        places = {
            address: tuple(sink.place for sink in workspace.deliveries.sinks(resources[address])) for address in held
        }
        return StackSecrets(workspace.owner.name, live.now, list_secrets(resources, live, held, places))


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
