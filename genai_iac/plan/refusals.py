"""Why a plan cannot be made: marks that fit two resources or none, places that are not there, names that are taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genai_iac.errors import PlanError
from genai_iac.kinds import Kind
from genai_iac.model import TAG, Address, ExistingCompartment, Live, LiveResource, Resource
from genai_iac.plan.inputs import Inputs
from genai_iac.resolve import Resolver


def check_mark(desired: Resource, group: Sequence[LiveResource], inputs: Inputs) -> None:
    """Raises PlanError unless the resources that carry its mark are one at most, and the one that it was made for."""
    if len(group) > 1:
        raise duplicate(desired.address, group)
    if group and not inputs.recognises(group[0]):
        raise _copied(desired, group[0])


def check_place(desired: Resource, resolver: Resolver, live: Live) -> None:
    """Raises PlanError when the compartment that it names is not there."""
    place = desired.attributes["compartmentId"]
    where = desired.places.get("compartment") or desired.places.get("parent") or desired.source
    try:
        resolved = resolver.value(place)
    except PlanError as error:
        raise PlanError(f"{where}: {desired.address}: {error.message}", hint=error.hint) from error
    if isinstance(place, str | ExistingCompartment) and resolved not in live.tree:
        raise PlanError(
            f"{where}: {desired.address}: the compartment {place} is not in the tenancy {live.tenancy}",
            hint="correct the OCID, or declare the compartment and name it by its metadata.name",
        )


def check_name(kind: Kind, desired: Resource, own: LiveResource | None, resolver: Resolver, live: Live) -> None:
    """Raises PlanError for a name that something not ours has already: nothing is taken over silently."""
    name = resolver.value(desired.attributes[kind.name_field])
    if own is not None and own.name == name:
        return
    place = resolver.value(desired.attributes["compartmentId"])
    for other in live.others:
        if (
            other.kind == kind.name
            and other.name == name
            and other.compartment == place
            and other.region == desired.region
        ):
            raise _taken(desired, other, name)


def duplicate(address: Address, group: Iterable[LiveResource]) -> PlanError:
    """That several live resources carry one mark."""
    ids = " and ".join(one.id for one in group)
    return PlanError(
        f"two live resources carry the mark of {address}: {ids}",
        hint=f"delete the one that is not meant, or remove its tag {TAG}, then plan again",
    )


def _copied(desired: Resource, live: LiveResource) -> PlanError:
    return PlanError(
        f"{desired.source}: {live.kind} {live.name} ({live.id}) carries the mark of {desired.address}, which was made for another resource",
        hint=f"remove its tag {TAG}, or if it is yours adopt it: genai-iac import {desired.address} {live.id}",
    )


def _taken(desired: Resource, other: LiveResource, name: object) -> PlanError:
    where = desired.places.get("name") or desired.places.get("displayName") or desired.source
    if other.lifecycle == "DELETING":
        return PlanError(
            f"{where}: {desired.address}: {other.kind} {name} ({other.id}) is still being deleted",
            hint="wait until it is gone, then plan again",
        )
    if other.mark is not None:
        return PlanError(
            f"{where}: {desired.address}: {other.kind} {name} exists and belongs to {other.mark.owner} ({other.id})",
            hint=f"choose another name, or take it over: genai-iac import {desired.address} {other.id}",
        )
    return PlanError(
        f"{where}: {desired.address}: {other.kind} {name} exists and is not this stack's ({other.id})",
        hint=f"choose another name, or adopt it: genai-iac import {desired.address} {other.id}",
    )
