"""Names that can never both exist, as OCI compares them: without case, of compartments below one parent, of policies in the
tenancy (Oracle: Identity API, Compartment.name and Policy.name; a compartment that is being deleted still has its name). Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import TypeAlias

from genai_iac.core import Address, CompartmentTree, ExistingCompartment, Reference, Resource, Source, Value
from genai_iac.core.errors import PlanError, Problem
from genai_iac.references.resolver import Resolver

Name: TypeAlias = tuple[str, ...]  # the kind, where it has to be unique, and the name itself, all without case


def find_clashing_names(resources: Mapping[Address, Resource]) -> Iterator[Problem]:
    """Names that two of the declared resources have, as far as the manifests alone tell. Expects no circle among them.

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
        """Its name in OCI without case, None when only a tenancy tells it."""
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
