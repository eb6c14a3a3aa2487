"""Names that the plan would give and that something has already, or will have: what a 409 would tell half-way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from genai_iac.core import Address, Change, Live, LiveResource, Resource
from genai_iac.core.errors import PlanError
from genai_iac.planning.planned_state import PlannedState
from genai_iac.references.name_clashes import describe_clash, name_place, way_out

Name = tuple[str, str, str]  # the kind, the parent's OCID where that matters, the name without case


def find_clashes(changes: Sequence[Change], future: PlannedState, live: Live) -> Iterator[PlanError]:
    """Compartments below one parent, and policies of the tenancy, that would have one name, as OCI compares them.

    Three sources of a clash: two declared resources, a declared one and one that stays
    live, and a compartment moved below a parent of its own name. What other stacks own is
    reported by `conflicts.check_name`.
    """
    declared = dict(_declared(future))
    # The first one declared keeps the name; the error stands at the later one.
    firsts: dict[Name, Address] = {}
    for address, name in declared.items():
        first = firsts.setdefault(name, address)
        if first != address:
            resource, other = future.resources[address], future.resources[first]
            yield _error(resource, describe_clash(resource, other), way_out(resource))
    staying = _staying(changes, live)
    for address in (change.address for change in changes if change.address in declared):
        resource = future.resources[address]
        for one in staying.get(declared[address], ()):
            if one.id != future.ids[address]:
                yield _taken(resource, one)
    yield from _find_like_parents(changes, future)


def _declared(future: PlannedState) -> Iterator[tuple[Address, Name]]:
    for address, resource in future.resources.items():
        if address.kind in ("Compartment", "Policy"):
            name = future.resolver.value(resource.attributes["name"])
            yield address, _name(address.kind, future.home(address), str(name))


def _name(kind: str, parent: str, name: str) -> Name:
    """The key under which OCI compares names: a policy's is unique in the tenancy, a compartment's below its parent."""
    return kind, parent if kind == "Compartment" else "", name.casefold()


def _staying(changes: Iterable[Change], live: Live) -> Mapping[Name, list[LiveResource]]:
    """What no manifest declares and no change of the plan removes. What others own is reported when its turn to be named comes."""
    passed = {change.id for change in changes if "forget" not in change.actions} | {one.id for one in live.others}
    found: dict[Name, list[LiveResource]] = {}
    for one in live.found:
        if one.kind in ("Compartment", "Policy") and one.id not in passed:
            found.setdefault(_name(one.kind, one.compartment, one.name), []).append(one)
    return found


def _taken(resource: Resource, one: LiveResource) -> PlanError:
    message = (
        f"{resource.address}: {one.kind} {one.name} ({one.id}) has that name and stays; OCI compares names without case"
    )
    return _error(resource, message, f"{way_out(resource)}, or adopt it: genai-iac import {resource.address} {one.id}")


def _find_like_parents(changes: Iterable[Change], future: PlannedState) -> Iterator[PlanError]:
    """OCI moves no compartment into one of the same name."""
    for change in changes:
        if any(call.operation == "MoveCompartment" for call in change.calls) and change.address in future.resources:
            own = future.tree.nodes[future.ids[change.address]]
            parent = future.tree.nodes.get(own.parent)
            if parent is not None and parent.name.casefold() == own.name.casefold():
                resource = future.resources[change.address]
                message = f"{change.address}: a compartment cannot be moved into one of the same name, {parent.name}"
                yield _error(resource, message, "rename one of the two in a first apply")


def _error(resource: Resource, message: str, hint: str) -> PlanError:
    return PlanError(f"{name_place(resource)}: {message}", hint=hint)
