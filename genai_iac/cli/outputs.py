"""What other tools need of a stack's resources: OCIDs, base URLs, masks, sinks. No secret value is read."""

from __future__ import annotations

from typing import Any

from genai_iac.cli.session import Session
from genai_iac.core import Address, Live, LiveResource
from genai_iac.core.errors import UsageError
from genai_iac.delivery import read_sink_states
from genai_iac.render.common.attribute_values import moment

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
    return {
        **common,
        "region": region,
        "baseUrl": workspace.provider.base_url(region),
        "secrets": _secrets(workspace, live, one, address),
        "sinks": [{"type": sink.word, "place": sink.place} for sink in _sinks(workspace, live, address)],
    }


def _secrets(workspace: Session, live: Live, one: LiveResource, address: Address) -> dict[str, Any]:
    resource = workspace.manifest.resources[address]
    held = read_sink_states(workspace.desk_for(live), {address: resource}, live).get(address, ())
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
    return workspace.desk_for(live).sinks(workspace.manifest.resources[address])
