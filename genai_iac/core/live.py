"""What one reading of the tenancy found: everything a plan relies on, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from genai_iac.core.address import Address
from genai_iac.core.compartment_tree import CompartmentTree
from genai_iac.core.ownership import OWNERSHIP_TAG, Owner, read_ownership_tag
from genai_iac.core.resource import LiveResource


@dataclass(frozen=True)
class Live:
    """One reading. `owned` is keyed by the ownership tag; more than one resource under an address is a conflict that the plan reports."""

    tenancy: str
    home_region: str
    now: datetime  # the tenancy's clock
    tree: CompartmentTree
    owned: Mapping[Address, tuple[LiveResource, ...]]
    others: tuple[LiveResource, ...]  # seen on the way: no mark, or another stack's
    strays: tuple[LiveResource, ...] = ()  # have our ownership tag, but it was made for another resource
    regions: tuple[str, ...] = ()  # where API keys were looked for
    places: tuple[str, ...] = ()  # OCIDs of the compartments that were looked into

    @classmethod
    def of(
        cls,
        owner: Owner,
        tree: CompartmentTree,
        found: Iterable[LiveResource],
        *,
        home_region: str,
        now: datetime,
        regions: Iterable[str],
        places: Iterable[str],
    ) -> Live:
        """What was found, distinguished by the ownership tag in its tags."""
        owned: dict[Address, list[LiveResource]] = {}
        others: list[LiveResource] = []
        strays: list[LiveResource] = []
        for resource in map(_marked, found):
            mark = resource.mark
            if mark is None or not owner.owns(mark) or resource.lifecycle == "DELETING":
                others.append(resource)
            elif mark.address.kind != resource.kind:
                strays.append(resource)
            else:
                owned.setdefault(mark.address, []).append(resource)
        frozen = {address: tuple(sorted(group, key=lambda one: one.id)) for address, group in owned.items()}
        return cls(
            tree.tenancy, home_region, now, tree, frozen, tuple(others), tuple(strays), tuple(regions), tuple(places)
        )

    @property
    def found(self) -> tuple[LiveResource, ...]:
        """Everything that was found, whosever it is."""
        return (*(one for group in self.owned.values() for one in group), *self.others, *self.strays)

    @property
    def ids(self) -> dict[Address, str]:
        """The OCID of every address that has exactly one live resource."""
        return {address: group[0].id for address, group in self.owned.items() if len(group) == 1}

    def one(self, address: Address) -> LiveResource | None:
        """The live resource of that address, or None."""
        found = self.owned.get(address, ())
        return found[0] if found else None


def _marked(resource: LiveResource) -> LiveResource:
    mark = read_ownership_tag(resource.tags.get(OWNERSHIP_TAG))
    return replace(resource, mark=mark) if mark else resource
