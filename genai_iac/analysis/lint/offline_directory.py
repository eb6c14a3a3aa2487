"""The tenancy as manifests alone tell it: what they declare and take for granted. What nobody can tell stands for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from genai_iac.core import Address, CompartmentNode, CompartmentTree, ExistingCompartment, Resource, leaves
from genai_iac.iam_policy import Directory
from genai_iac.planning.planned_state import PlannedState, predict_state

_TENANCY = "ocid1.tenancy.oc1..offline"  # stands for a tenancy that no manifest names


def offline_tenancy(resources: Mapping[Address, Resource], tenancy: str | None) -> PlannedState:
    """Everything declared, in the compartments that the manifests name.

    Args:
        tenancy: OCID from the Stack; None uses a placeholder.
    """
    tree = CompartmentTree.of(tenancy or _TENANCY, _surroundings(resources.values(), tenancy or _TENANCY))
    return predict_state(resources, tree, {})


@dataclass(frozen=True)
class OfflineDirectory:
    """Names to OCIDs, as far as the manifests tell.

    A group resolves to an OCID made of its name, so that statements about one group are
    recognised as such.
    """

    known: Directory

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        """The OCID of a compartment that the manifests know."""
        return self.known.compartment(path, attached)

    def contains(self, ancestor: str, compartment: str) -> bool:
        """Whether the manifests tell that a compartment lies below another."""
        return self.known.contains(ancestor, compartment)

    def group(self, name: str, domain: str | None) -> str | None:
        """An OCID that stands for the group of that name."""
        return f"ocid1.group.oc1..{domain or 'default'}/{name}".lower()

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        """An OCID that stands for the dynamic group of that name."""
        return f"ocid1.dynamicgroup.oc1..{domain or 'default'}/{name}".lower()


def _surroundings(resources: Iterable[Resource], tenancy: str) -> Iterator[CompartmentNode]:
    """Compartments that the manifests name and do not declare: paths from the root, and OCIDs."""
    for resource in resources:
        place = resource.attributes.get("compartmentId")
        if isinstance(place, str) and place != tenancy and not place.startswith("ocid1.tenancy."):
            yield CompartmentNode(place, place, tenancy)
        for leaf in leaves(resource.attributes):
            if isinstance(leaf, ExistingCompartment):
                yield from _along(leaf.names, tenancy)


def _along(names: tuple[str, ...], tenancy: str) -> Iterator[CompartmentNode]:
    """One node per step of a path from the root."""
    parent = tenancy
    for end in range(1, len(names) + 1):
        id = "ocid1.compartment.oc1..existing/" + "/".join(names[:end]).lower()
        yield CompartmentNode(id, names[end - 1], parent)
        parent = id
