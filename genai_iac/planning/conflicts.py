"""Conflicts: differences that no call can remove, each shown as a change without actions.

They are collected, not raised at the first: `compare` shows each as a change without actions, and `make_plan` raises them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from genai_iac.core import (
    OWNERSHIP_TAG,
    Address,
    Change,
    CompartmentTree,
    ExistingCompartment,
    Live,
    LiveResource,
    OwnershipMark,
    Resource,
    Source,
    Value,
)
from genai_iac.core.errors import PlanError
from genai_iac.planning.changes import shown_attributes
from genai_iac.planning.diff_context import DiffContextBuilder, PlanInputs
from genai_iac.references.resolver import Resolver
from genai_iac.resource_types import RESOURCE_TYPES, ResourceType, declared_tags


def check_ownership(desired: Resource, group: Sequence[LiveResource]) -> None:
    """Raises PlanError when several resources carry its ownership tag and nothing says which is the original.

    Args:
        group: what carries the tag of `desired` and is taken for ours, from `Live.owned`.
    """
    if len(group) > 1:
        raise duplicate(desired.address, group)


def check_place(desired: Resource, resolver: Resolver, live: Live) -> None:
    """Raises PlanError when the compartment that it names is not there.

    Args:
        resolver: knows declared compartments, live ones, and those that are created by the
            same plan.
    """
    place = desired.attributes["compartmentId"]
    where = _where(desired)
    try:
        resolved = resolver.value(place)
    except PlanError as error:
        raise PlanError(f"{where}: {desired.address}: {error.message}", hint=error.hint) from error
    # A Reference needs no check: its compartment is declared, so it is there or will be
    # created.
    if isinstance(place, str | ExistingCompartment) and resolved not in live.tree:
        raise PlanError(
            f"{where}: {desired.address}: the compartment {place} is not in the tenancy {live.tenancy}",
            hint="correct the OCID, or declare the compartment and name it by its metadata.name",
        )


def find_lost_places(resources: Iterable[Resource], now: CompartmentTree, then: CompartmentTree) -> Iterator[PlanError]:
    """Resources whose compartment is written as a path that the plan takes away, because it renames or moves what is on it.

    Args:
        resources: declared ones.
        now: the live compartments.
        then: the same once the plan is applied.
    """
    for desired in resources:
        place = desired.attributes["compartmentId"]
        if isinstance(place, ExistingCompartment) and now.find(place.names) and not then.find(place.names):
            yield PlanError(
                f"{_where(desired)}: {desired.address}: there is no compartment {place} any more once this plan is applied: it renames "
                "or moves what is on that path",
                hint="name the compartment by its metadata.name, or by its OCID",
            )


def _where(desired: Resource) -> Source:
    return desired.places.get("compartment") or desired.places.get("parent") or desired.source


def check_name(
    kind: ResourceType, desired: Resource, own: LiveResource | None, resolver: Resolver, inputs: PlanInputs
) -> None:
    """Raises PlanError for a name that something not ours has already: nothing is taken over silently.

    OCI compares the names of compartments below one parent, and of all policies of the tenancy, without case. API keys may
    share a name there; here a key of the same place and name is not passed over.

    Args:
        own: the live resource of this address, None when it is to be created.

    The check sees what was read. A name taken in a compartment that was not read is refused
    by the service.
    """
    name = resolver.value(desired.attributes[kind.name_field])
    place = resolver.value(desired.attributes["compartmentId"])
    if own is not None and own.name == name and own.compartment == place:
        return
    live = inputs.live
    for other in (*live.others, *live.beyond, *live.mismatched):
        if other.kind == kind.name and _is_same_name(kind, other, (name, place, desired.region)):
            raise _taken(desired, other, inputs)


def _is_same_name(kind: ResourceType, other: LiveResource, wanted: tuple[Value, Value, str | None]) -> bool:
    name, place, region = wanted
    if kind.name == "ApiKey":
        return (other.name, other.compartment, other.region) == (name, place, region)
    same = isinstance(name, str) and other.name.casefold() == name.casefold()
    return same and (kind.name == "Policy" or other.compartment == place)


def duplicate(address: Address, group: Iterable[LiveResource]) -> PlanError:
    """That several live resources carry one ownership tag, and each may be the one that it was made for.

    Args:
        address: the address in the tags.
        group: all of the claimants, for the message.
    """
    ids = " and ".join(one.id for one in group)
    return PlanError(
        f"two live resources carry the ownership tag of {address}: {ids}",
        hint=f"delete the one that is not meant, or remove its tag {OWNERSHIP_TAG}, then plan again",
    )


def _taken(desired: Resource, other: LiveResource, inputs: PlanInputs) -> PlanError:
    name = other.name
    where = desired.places.get("name") or desired.places.get("displayName") or desired.source
    # OCI keeps a policy's or compartment's name until the deletion has ended.
    if other.lifecycle == "DELETING":
        return PlanError(
            f"{where}: {desired.address}: {other.kind} {name} ({other.id}) is still being deleted",
            hint="wait until it is gone, then plan again",
        )
    if other in inputs.live.mismatched:
        return PlanError(
            f"{where}: {desired.address}: {other.kind} {name} ({other.id}) exists and has an ownership tag that was made for "
            "another resource",
            hint=f"choose another name, or if it is yours remove its tag {OWNERSHIP_TAG} and adopt it: "
            f"genai-iac import {desired.address} {other.id}",
        )
    if other.mark is not None and inputs.owner.shares_name(other.mark):
        return PlanError(
            f"{where}: {desired.address}: {other.kind} {name} exists and belongs to {other.mark.owner} without an id ({other.id})",
            hint="if that is this stack before it was given its id: plan and apply once with --claim-name; else choose another name",
        )
    if other.mark is not None:
        id = f" with the id digest {other.mark.stack_id}" if other.mark.stack_id else ""
        return PlanError(
            f"{where}: {desired.address}: {other.kind} {name} exists and belongs to {other.mark.owner}{id} ({other.id})",
            hint=_choose_name(desired, other.mark.owner, inputs) or _take_over(desired, other, other.mark, inputs),
        )
    return PlanError(
        f"{where}: {desired.address}: {other.kind} {name} exists and is not this stack's ({other.id})",
        hint=f"choose another name, or adopt it: genai-iac import {desired.address} {other.id}",
    )


def _choose_name(desired: Resource, owner: str, inputs: PlanInputs) -> str:
    """What to do when another environment of this very stack has the name; nothing for other stacks."""
    if owner.partition("@")[0] != inputs.stack.name or owner == inputs.owner.name:
        return ""
    field = RESOURCE_TYPES[desired.address.kind].name_field
    chosen = "" if inputs.stack.environment else f"choose the environment (--env {owner.partition('@')[2]}); or "
    return (
        f"{chosen}the environments of one stack that share a tenancy need names of their own: "
        f"write spec.{field}: {desired.address.name}-${{var.env}}, with a variable that each environment sets"
    )


def _take_over(desired: Resource, other: LiveResource, mark: OwnershipMark, inputs: PlanInputs) -> str:
    """What to do about something that has an ownership tag: `import` refuses what another stack or another address has."""
    owner, command = inputs.owner, f"genai-iac import {desired.address} {other.id}"
    same = mark.address == desired.address
    if owner.owns(mark):
        return f"choose another name, or {'' if same else f'remove its tag {OWNERSHIP_TAG} and '}adopt it: {command}"
    lost = f"if this is {mark.owner}, write its spec.id as it was; else " if mark.owner == owner.name else ""
    return (
        f"{lost}choose another name, or let {mark.owner} give it up first (declare it there with deletion: retain, apply, then "
        f"remove it and apply), then adopt it: {command}"
    )


def make_unappliable_change(
    address: Address, error: PlanError, inputs: PlanInputs, resolver: Resolver, comparer: DiffContextBuilder
) -> Change:
    """The difference, value by value. Of two live resources with one address none is compared.

    Args:
        error: the reason; becomes the change's reason.

    Returns:
        A Change with no actions and no calls, for `drift` and for a plan that is refused.
    """
    desired, group = inputs.resources.get(address), inputs.live.owned.get(address, ())
    live = group[0] if group else None
    before = None if live is None else shown_attributes(live)
    after: Mapping[str, Value] | None = None
    if desired is not None:
        # With two candidates no difference can be shown without choosing one of them.
        after = before if len(group) > 1 else _wanted(desired, live, resolver, comparer)
    return Change(address, (), error.message, before, after, id=None if live is None else live.id)


def _wanted(
    desired: Resource, live: LiveResource | None, resolver: Resolver, comparer: DiffContextBuilder
) -> Mapping[str, Value]:
    """What the attributes should be, as far as that is known; undeclared ones, and statements that mean the same, are as live."""

    def resolve(name: str, value: Value) -> Value:
        try:
            resolved = resolver.value(value)
            if live and isinstance(resolved, list):  # statements
                is_now = live.attributes[name]
                return is_now if comparer.same_statements(resolved, is_now, live.compartment) else resolved
            return resolved
        except PlanError:
            return value

    before = shown_attributes(live) if live else {}
    wanted = {name: resolve(name, value) for name, value in desired.attributes.items()}
    return {**before, **wanted, "freeformTags": {**before.get("freeformTags", {}), **declared_tags(desired)}}
