"""Names that must be unique, and previous names. Pure.

- Names are compared as OCI does: without case, of compartments below one parent, of policies in the tenancy (Oracle: Identity API,
  Compartment.name and Policy.name; a compartment that is being deleted still has its name).
- `metadata.previousNames`: what may be written there, and which live resource has one. When another resource takes a previous name in the
  same rename (`a` becomes `b` while `b` becomes `c`, or both swap), ownership tags alone cannot distinguish them once a part of it was
  applied. So such a resource also gets the tag `RENAMED`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Mapping
from functools import cached_property, reduce
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import (
    RENAMED,
    Address,
    CompartmentTree,
    ExistingCompartment,
    Live,
    LiveResource,
    Reference,
    Resource,
    Source,
    Value,
)
from genai_iac.core.errors import PlanError, Problem
from genai_iac.references.resolver import Resolver

Name: TypeAlias = tuple[str, ...]  # the kind, where it has to be unique, and the name itself, all without case


def find_clashing_names(resources: Mapping[Address, Resource]) -> Iterator[Problem]:
    """Names that two of the declared resources have, as far as the manifests alone say. Expects no cycle among them.

    Args:
        resources: all declared resources.

    Yields:
        A problem at the second resource of each pair, naming the first.
    """
    firsts: dict[Name, Resource] = {}
    for resource, name in claimed_names(resources):
        # The order of the manifests decides which one is reported: the same on every run.
        first = firsts.setdefault(name, resource)
        if first is not resource:
            yield Problem(name_place(resource), describe_clash(resource, first), way_out(resource))


def claimed_names(resources: Mapping[Address, Resource]) -> Iterator[tuple[Resource, Name]]:
    """Every declared resource whose name has to be unique and is known without a tenancy, with that name.

    Yields:
        Resource and name; resources whose name refers to something unknown are passed over.
    """
    places = _Places(resources)
    for resource in resources.values():
        name = places.name_of(resource)
        if name is None:
            continue
        if resource.address.kind == "Policy":
            yield resource, ("Policy", name)
        elif resource.address.kind == "Compartment":
            yield resource, ("Compartment", *places.path(resource.attributes["compartmentId"]), name)


def describe_clash(resource: Resource, other: Resource) -> str:
    """What is wrong, for people."""
    called = resource.attributes["name"]
    where = "in the tenancy" if resource.address.kind == "Policy" else "below the same parent"
    return (
        f"{resource.address} has the name {called} that {other.address} has {where} ({name_place(other)}); "
        "OCI compares names without case"
    )


def way_out(resource: Resource) -> str:
    """What to do about it."""
    return f"give {resource.address} another spec.name"


def name_place(resource: Resource) -> Source:
    """Where the name was written; the document when the name is the default."""
    return resource.places.get("name", resource.source)


class _Places:
    """Paths of compartments from the manifests alone: a declared one, its path and the tenancy's OCID come to one thing."""

    def __init__(self, resources: Mapping[Address, Resource]) -> None:
        self._resources = resources
        self._resolver = Resolver(resources, CompartmentTree(""), {})
        self._known: dict[Address, str] = {}  # digest of the path, by declared compartment

    def name_of(self, resource: Resource) -> str | None:
        """Its name in OCI without case, None when only a tenancy has it."""
        try:
            found = self._resolver.value(resource.attributes.get("name"))
        except PlanError:
            return None
        return found.casefold() if isinstance(found, str) else None

    def path(self, compartment: Value) -> Name:
        """What stands for the names from the root, equal for equal paths; from an OCID or an address where those are not known."""
        inside: list[Address] = []  # declared compartments on the way up, innermost first
        # a loop and digests: a hostile chain of a few thousand compartments is deeper than Python's stack, and their whole
        # paths would take 900 MB
        while isinstance(compartment, Reference) and compartment.address in self._resources:
            if compartment.address in self._known:
                break
            inside.append(compartment.address)
            compartment = self._resources[compartment.address].attributes["compartmentId"]
        found = self._outermost(compartment)
        for address in reversed(inside):
            name = self.name_of(self._resources[address])
            found = self._known[address] = _below("", str(address)) if name is None else _below(found, name)
        return (found,)

    def _outermost(self, compartment: Value) -> str:
        if isinstance(compartment, Reference) and compartment.address in self._known:
            return self._known[compartment.address]
        if isinstance(compartment, ExistingCompartment):
            return reduce(_below, (name.casefold() for name in compartment.names), "")
        text = str(compartment)
        return "" if text.lower().startswith("ocid1.tenancy.") else _below("", text)


def _below(path: str, name: str) -> str:
    return hashlib.sha256(f"{path}/{name}".encode()).hexdigest()


def find_wrong_previous_names(resources: Mapping[Address, Resource]) -> Iterator[Problem]:
    """Previous names that can mean nothing or two things, each with its place."""
    claimed: dict[Address, Resource] = {}
    for resource in resources.values():
        for old in resource.previous:
            message, hint = _check_previous_name(resource, old, resources.get(old), claimed.setdefault(old, resource))
            if message:
                yield Problem(place_of(resource), message, hint)


def _check_previous_name(
    resource: Resource, old: Address, declared: Resource | None, first: Resource
) -> tuple[str, str]:
    if old == resource.address:
        return f"{old} cannot be its own previous name", "remove it from previousNames"
    if first is not resource:
        return f"{old} is a previous name of two resources; first of {first.address} at {place_of(first)}", (
            "leave it with the one that it became"
        )
    if declared is not None and not declared.previous_names:
        return f"{old} is a previous name of {resource.address} and still declared at {declared.source}", (
            f"remove {old.name} from previousNames, or the other declaration; "
            f"if that one was renamed too, give it its own previousNames"
        )
    return "", ""


def place_of(resource: Resource) -> Source:
    """Where its previous names were written."""
    return resource.places.get("previousNames", resource.source)


def follow_renames(live: Live, resources: Mapping[Address, Resource]) -> Live:
    """The reading with everything that carries a previous name under the address that the manifests give it now.

    What cannot be followed, because the new address has a live resource of its own, stays under the old one.

    Args:
        live: as read, with addresses from the ownership tags.
        resources: all declared resources.

    Returns:
        The same object when nothing is renamed. A renamed resource has its old address in
            `mark.former`.
    """
    reader = _Reader(live.owned, resources)
    if not reader.claimers.keys() & live.owned.keys():
        return live
    owned: dict[Address, list[LiveResource]] = {}
    for written, group in live.owned.items():
        for one in group:
            address = reader.address_of(one, written)
            owned.setdefault(address, []).append(one if address == written else _renamed(one, address))
    ordered = {address: tuple(sorted(group, key=lambda one: one.id)) for address, group in owned.items()}
    return replace(live, owned=ordered)


def tag_renamed(
    tags: Mapping[str, Value], desired: Resource, live: LiveResource, declared: Container[Address]
) -> dict[str, Value]:
    """The tags of an update with `RENAMED` where it is needed, and without it where it is not; `declared` has all addresses.

    Args:
        tags: freeform tags that the update would write.
        desired: the declared resource.
        live: as it is now.
        declared: addresses of the manifests.
    """
    former = live.mark.former if live.mark else None
    if former is not None:
        name = former.name if former in declared else ""
    else:
        name = live.tags.get(RENAMED, "") if live.tags.get(RENAMED) in desired.previous_names else ""
    rest = {key: value for key, value in tags.items() if key != RENAMED}
    return {**rest, RENAMED: name} if name else rest


class _Reader(Struct, frozen=True, dict=True):
    owned: Mapping[Address, tuple[LiveResource, ...]]  # live resources by the address in their tag
    resources: Mapping[Address, Resource]  # declared, by address

    @cached_property
    def claimers(self) -> Mapping[Address, Address]:
        """By previous address the one that it became."""
        return {old: one.address for one in self.resources.values() for old in one.previous}

    def address_of(self, one: LiveResource, written: Address, seen: frozenset[Address] = frozenset()) -> Address:
        """What the resource whose tag says `written` is called now. `seen`: addresses that the question came by."""
        new = self.claimers.get(written)
        if new is None or self._is_settled(one, written) or self._has_own(new, seen | {written}):
            return written
        return new

    def _is_settled(self, one: LiveResource, written: Address) -> bool:
        """Whether it got this very name by a rename that the manifests still declare."""
        declared = self.resources.get(written)
        return declared is not None and one.tags.get(RENAMED) in declared.previous_names

    def _has_own(self, address: Address, seen: frozenset[Address]) -> bool:
        """Whether something live has that address and keeps it."""
        # Swapped names come around to where the question began: there the new address is free.
        if address in seen:
            return False
        return any(self.address_of(one, address, seen) == address for one in self.owned.get(address, ()))


def _renamed(one: LiveResource, address: Address) -> LiveResource:
    assert one.mark is not None
    return replace(one, mark=replace(one.mark, address=address, former=one.mark.address))
