"""The tenancy's compartments as a tree: who is whose parent, and how a path is written from the root or from a compartment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class CompartmentNode:
    """One compartment: its OCID, its name and its parent's OCID."""

    id: str  # OCID
    name: str
    parent: str  # OCID of the parent; the tenancy's for a compartment below the root


@dataclass(frozen=True)
class CompartmentTree:
    """Every compartment of a tenancy that is not deleted; the root is the tenancy itself and has no node.

    Names are compared as OCI does: without case.

    `tenancy` is the OCID of the tenancy. Nodes may be given in any order, and a parent may
    be missing: such a compartment has no path and `path` gives its OCID.
    """

    tenancy: str  # OCID of the tenancy, which is the root
    nodes: Mapping[str, CompartmentNode] = field(default_factory=dict)  # by OCID

    @classmethod
    def of(cls, tenancy: str, nodes: Iterable[CompartmentNode]) -> CompartmentTree:
        """A tree of these nodes.

        Args:
            tenancy: OCID of the tenancy.
            nodes: the last of two nodes with one OCID wins.
        """
        return cls(tenancy, {node.id: node for node in nodes})

    @cached_property
    def _children(self) -> Mapping[str, Mapping[str, CompartmentNode]]:
        children: dict[str, dict[str, CompartmentNode]] = {}
        for node in self.nodes.values():
            children.setdefault(node.parent, {})[node.name.casefold()] = node
        return children

    def __contains__(self, id: object) -> bool:
        return id == self.tenancy or id in self.nodes

    def child(self, parent: str, name: str) -> CompartmentNode | None:
        """The compartment of that name right below parent, or None."""
        return self._children.get(parent, {}).get(name.casefold())

    def children(self, parent: str) -> tuple[CompartmentNode, ...]:
        """The compartments right below parent.

        Args:
            parent: OCID of a compartment or the tenancy; an unknown one has no children.
        """
        return tuple(self._children.get(parent, {}).values())

    def find(self, names: Iterable[str], start: str | None = None) -> str | None:
        """The OCID at the end of a path of names from `start` (the root when None), or None when a name on the way is missing.

        Args:
            names: from the start downward; none gives the start itself.
            start: OCID of the compartment where the path starts.
        """
        here = start or self.tenancy
        for name in names:
            node = self.child(here, name)
            if node is None:
                return None
            here = node.id
        return here

    def lineage(self, id: str) -> Iterator[str]:
        """The compartment's OCID, its parent's, and so on; the last is the tenancy's when the compartment is known."""
        # Two list calls can see a move half done, so that two compartments look like each
        # other's parent.
        seen: set[str] = set()
        while id not in seen:
            seen.add(id)
            yield id
            node = self.nodes.get(id)
            if node is None:
                return
            id = node.parent

    def names(self, id: str) -> tuple[str, ...]:
        """The names from the root down to that compartment; empty for the tenancy."""
        found = [self.nodes[step].name for step in self.lineage(id) if step in self.nodes]
        return tuple(reversed(found))

    def path(self, id: str) -> str:
        """`/a/b` for people; `/` for the tenancy, the OCID itself for a compartment that is not in the tree."""
        return "/" + "/".join(self.names(id)) if id in self else id

    def contains(self, ancestor: str, id: str) -> bool:
        """Whether `id` is `ancestor` or lies below it.

        Also True for an unknown OCID that equals `ancestor`.
        """
        return ancestor in self.lineage(id)
