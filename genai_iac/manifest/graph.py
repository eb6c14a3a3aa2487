"""The references between declared resources, as a graph without cycles. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter

from msgspec import Struct

from genai_iac.core import Address, Reference, Resource, references
from genai_iac.core.errors import ManifestError, Problem
from genai_iac.resource_types import RESOURCE_TYPES

_MOST_CYCLES = 20  # reported at once
_MOST_SHOWN = 12  # addresses of one cycle in a message


class Graph(Struct, frozen=True):
    """What each resource needs, in the order in which the resources were declared."""

    edges: Mapping[Address, frozenset[Address]]  # address to what it refers to

    def needs(self, address: Address) -> frozenset[Address]:
        """What must be there before that resource.

        Args:
            address: of a declared resource.
        """
        return self.edges[address]

    def order(self) -> tuple[Address, ...]:
        """Every resource after what it needs; otherwise in the order of declaration.

        Stable: resources that do not depend on each other keep the order of the files.
        """
        position = {address: index for index, address in enumerate(self.edges)}
        waiting = {address: len(needed) for address, needed in self.edges.items()}
        ready = [position[address] for address, count in waiting.items() if not count]
        dependents = self._dependents()
        addresses, done = list(self.edges), list[Address]()
        while ready:
            done.append(addresses[heapq.heappop(ready)])
            for dependent in dependents[done[-1]]:
                waiting[dependent] -= 1
                if not waiting[dependent]:
                    heapq.heappush(ready, position[dependent])
        return tuple(done)

    def _dependents(self) -> Mapping[Address, list[Address]]:
        dependents: dict[Address, list[Address]] = {address: [] for address in self.edges}
        for address, needed in self.edges.items():
            for one in needed:
                dependents[one].append(address)
        return dependents


def build_graph(resources: Mapping[Address, Resource]) -> Graph:
    """The graph of these resources; references to others are left out. Raises ManifestError that names every cycle.

    Args:
        resources: all declared ones.
    """
    edges = {
        address: frozenset(reference.address for reference in read_references(resource)) & resources.keys()
        for address, resource in resources.items()
    }
    if cycles := list(_find_cycles(edges)):
        position = {address: index for index, address in enumerate(resources)}
        raise ManifestError(_describe(cycle, resources, position) for cycle in cycles)
    return Graph(edges)


def read_references(resource: Resource) -> Iterator[Reference]:
    """Every reference of a resource: in its attributes, in its settings, and those its kind knows of.

    May yield a reference several times.
    """
    yield from references(resource.attributes)
    yield from references(resource.settings)
    yield from RESOURCE_TYPES[resource.address.kind].uses(resource)


def _find_cycles(edges: Mapping[Address, Set[Address]]) -> Iterator[list[Address]]:
    """One cycle after another, each as `[a, b, a]`: a needs b, b needs a. What is in a reported cycle is not looked at again."""
    left = {address: set(needed) for address, needed in edges.items()}
    for _ in range(_MOST_CYCLES):
        try:
            TopologicalSorter(left).prepare()
            return
        except CycleError as error:
            cycle: list[Address] = error.args[1][::-1]  # graphlib begins with what is needed
        yield cycle
        for address in cycle:
            left[address] = set()


def _describe(cycle: list[Address], resources: Mapping[Address, Resource], position: Mapping[Address, int]) -> Problem:
    first = min(cycle, key=position.__getitem__)
    start = cycle.index(first)
    turned = [str(address) for address in (*cycle[start:-1], *cycle[:start], first)]
    if len(turned) > _MOST_SHOWN:
        turned[_MOST_SHOWN - 2 : -2] = [f"({len(turned) - _MOST_SHOWN} more)"]
    message = f"these resources need each other in a cycle: {' -> '.join(turned)}"
    return Problem(resources[first].source, message, "remove one of the references")
