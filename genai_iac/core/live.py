"""What one reading of the tenancy found: everything a plan relies on, as plain data.

A `Live` is made once per run from list calls (`oci_client/read_tenancy.py`) or from a
snapshot file. Plans, guards and reports all use the same one, so they cannot disagree
about what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from genai_iac.core.address import Address
from genai_iac.core.compartment_tree import CompartmentTree
from genai_iac.core.ownership import OWNERSHIP_TAG, REPLACES, Owner, judge, read_ownership_tag
from genai_iac.core.resource import LiveResource


@dataclass(frozen=True)
class Live:
    """One reading. `owned` is keyed by the ownership tag; more than one resource under an address is a conflict that the plan reports.

    All times in it are the tenancy's, from the Date header of its answers; the machine's
    clock is never asked.
    """

    tenancy: str  # OCID
    home_region: str
    now: datetime  # the tenancy's clock
    tree: CompartmentTree
    owned: Mapping[Address, tuple[LiveResource, ...]]  # what fits this owner's tag, by the address in it
    others: tuple[LiveResource, ...]  # seen on the way: no mark, or another stack's
    mismatched: tuple[LiveResource, ...] = ()  # carry a tag of ours that was made for another resource
    superseded: tuple[
        LiveResource, ...
    ] = ()  # ours, and replaced by a live successor: to be deleted with its next change
    regions: tuple[str, ...] = ()  # where API keys were looked for
    places: tuple[str, ...] = ()  # OCIDs of the compartments that were looked into
    beyond: tuple[
        LiveResource, ...
    ] = ()  # not ours, and in compartments or regions that were read only to find what is
    unread: tuple[str, ...] = ()  # in words: what was not read, where something of ours could be
    gone: tuple[LiveResource, ...] = ()  # carried a tag of ours and is deleted, as far as the service still lists it
    policies_unread: tuple[str, ...] = ()  # OCIDs of the compartments whose policies were not listed

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
        scanned: Iterable[LiveResource] = (),
        unread: Iterable[str] = (),
        gone: Iterable[LiveResource] = (),
        policies_unread: Iterable[str] = (),
    ) -> Live:
        """What was found, distinguished by the ownership tag; of what was `scanned` beyond the own places only what is ours matters."""
        # A resource in state DELETING keeps its tag. Counting it as ours would make a plan
        # change what is about to disappear.
        groups: dict[Address, list[LiveResource]] = {}
        others: list[LiveResource] = []
        beyond: list[LiveResource] = []
        mismatched: list[LiveResource] = []
        for resources, strangers in ((found, others), (scanned, beyond)):
            for resource in map(_marked, resources):
                mark = resource.mark
                if mark is None or not owner.owns(mark) or resource.lifecycle == "DELETING":
                    strangers.append(resource)
                elif mark.address.kind != resource.kind:
                    mismatched.append(resource)
                else:
                    groups.setdefault(mark.address, []).append(resource)
        # Deleted originals matter: a copy of their tag must not be taken for the original that
        # is gone (tests/core/test_ownership_tag.py,
        # test_a_copy_does_not_inherit_from_an_original_that_is_gone).
        lost = [one for one in map(_marked, gone) if owner.owns(one.mark)]
        ended: dict[Address, list[LiveResource]] = {}
        for one in (*lost, *others, *beyond):
            if one.mark is not None and owner.owns(one.mark):  # deleted, or being deleted
                ended.setdefault(one.mark.address, []).append(one)
        owned: dict[Address, tuple[LiveResource, ...]] = {}
        superseded: list[LiveResource] = []
        for address, group in groups.items():
            superseded.extend(_part_superseded(owner, group))
            claimants = judge(owner, group, ended.get(address, ()))
            mismatched.extend(claimants.copies)
            if claimants.ours:
                owned[address] = claimants.ours
        return cls(
            tree.tenancy,
            home_region,
            now,
            tree,
            owned,
            tuple(others),
            tuple(mismatched),
            tuple(superseded),
            tuple(regions),
            tuple(places),
            tuple(beyond),
            tuple(unread),
            tuple(lost),
            tuple(policies_unread),
        )

    @property
    def found(self) -> tuple[LiveResource, ...]:
        """Everything that was found in the places that the stack names or owns, and what is ours anywhere."""
        return (
            *(one for group in self.owned.values() for one in group),
            *self.others,
            *self.mismatched,
            *self.superseded,
        )

    @property
    def ids(self) -> dict[Address, str]:
        """The OCID of every address that has exactly one live resource.

        Addresses with several live resources are left out: no reference to one of them can be
        resolved.
        """
        return {address: group[0].id for address, group in self.owned.items() if len(group) == 1}

    def one(self, address: Address) -> LiveResource | None:
        """The live resource of that address, or None.

        Args:
            address: of several live resources with this address the first by OCID is returned;
                the plan reports the conflict.
        """
        found = self.owned.get(address, ())
        return found[0] if found else None


def _part_superseded(owner: Owner, group: list[LiveResource]) -> list[LiveResource]:
    """Take out of the group, and answer, what a successor of ours says it was created to replace.

    The successor's ownership tag has to fit: a copied tag beside a copied OCID must not have anything of ours deleted.
    """
    named = {one.tags.get(REPLACES): one.id for one in group if one.mark and owner.fits(one.mark, one)}
    old = [one for one in group if named.get(one.id, one.id) != one.id]
    for one in old:
        group.remove(one)
    return old


def _marked(resource: LiveResource) -> LiveResource:
    mark = read_ownership_tag(resource.tags.get(OWNERSHIP_TAG))
    return replace(resource, mark=mark) if mark else resource
