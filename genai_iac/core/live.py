"""What one reading of the tenancy found: everything a plan relies on, as plain data, with the tenancy's tree of compartments.

A `Live` is made once per run from list calls (`oci_client/read_tenancy.py`) or from a snapshot file. Plans, guards and reports all use
the same one, so they cannot disagree about what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.core.address import Address
from genai_iac.core.ownership import OWNERSHIP_TAG, REPLACES, Claimants, Owner, find_claimants, read_ownership_tag
from genai_iac.core.resource import LiveResource


class CompartmentNode(Struct, frozen=True):
    """One compartment: its OCID, its name and its parent's OCID."""

    id: str  # OCID
    name: str
    parent: str  # OCID of the parent; the tenancy's for a compartment below the root


class CompartmentTree(Struct, frozen=True, dict=True):
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


class Live(Struct, frozen=True):
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
    duplicates: tuple[LiveResource, ...] = ()  # keys of ours that nobody used, beside the first of their address
    regions: tuple[str, ...] = ()  # where API keys were looked for
    places: tuple[str, ...] = ()  # OCIDs of the compartments that were read
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
        groups: dict[Address, list[LiveResource]] = {}
        mismatched: list[LiveResource] = []
        others = _sort_by_tag(owner, found, groups, mismatched)
        beyond = _sort_by_tag(owner, scanned, groups, mismatched)
        # Deleted originals matter: a copy of their tag must not be taken for the original that is gone
        # (tests/core/test_ownership_tag.py, test_a_copy_does_not_inherit_from_an_original_that_is_gone).
        lost = [one for one in map(_marked, gone) if owner.owns(one.mark)]
        ended = _group_owned(owner, (*lost, *others, *beyond))  # deleted, or being deleted
        superseded = [one for group in groups.values() for one in _part_superseded(owner, group)]
        claims = {address: find_claimants(owner, group, ended.get(address, ())) for address, group in groups.items()}
        mismatched.extend(copy for claimants in claims.values() for copy in claimants.copies)
        owned, duplicates = _without_duplicates(owner, claims)
        return cls(
            tree.tenancy,
            home_region,
            now,
            tree,
            owned,
            tuple(others),
            tuple(mismatched),
            tuple(superseded),
            duplicates,
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
            *self.duplicates,
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


def _sort_by_tag(
    owner: Owner,
    resources: Iterable[LiveResource],
    groups: dict[Address, list[LiveResource]],
    mismatched: list[LiveResource],
) -> list[LiveResource]:
    """Add what carries a tag of the owner to `groups`, or to `mismatched` where it is of another kind; answers the others.

    A resource in state DELETING keeps its tag. Counting it as ours would make a plan change
    what is about to disappear.
    """
    others: list[LiveResource] = []
    for resource in map(_marked, resources):
        mark = resource.mark
        if mark is None or not owner.owns(mark) or resource.lifecycle == "DELETING":
            others.append(resource)
        elif mark.address.kind != resource.kind:
            mismatched.append(resource)
        else:
            groups.setdefault(mark.address, []).append(resource)
    return others


def _group_owned(owner: Owner, resources: Iterable[LiveResource]) -> Mapping[Address, list[LiveResource]]:
    """Those that carry a tag of the owner, by the address in it."""
    groups: dict[Address, list[LiveResource]] = {}
    for one in resources:
        if one.mark is not None and owner.owns(one.mark):
            groups.setdefault(one.mark.address, []).append(one)
    return groups


def _part_superseded(owner: Owner, group: list[LiveResource]) -> list[LiveResource]:
    """Take out of the group, and answer, what a successor of ours says it was created to replace.

    The successor's ownership tag has to fit: a copied tag beside a copied OCID must not have anything of ours deleted.
    """
    named = {
        one.tags[REPLACES]: one.id for one in group if REPLACES in one.tags and one.mark and owner.fits(one.mark, one)
    }
    old = [one for one in group if named.get(one.id, one.id) != one.id]
    for one in old:
        group.remove(one)
    return old


def _without_duplicates(
    owner: Owner, claims: Mapping[Address, Claimants]
) -> tuple[dict[Address, tuple[LiveResource, ...]], tuple[LiveResource, ...]]:
    """The owner's resources by address without the duplicates of interrupted runs, and those."""
    later = {address: _find_duplicates(owner, claimants.ours) for address, claimants in claims.items()}
    owned = {
        address: tuple(one for one in claimants.ours if one not in later[address])
        for address, claimants in claims.items()
        if claimants.ours
    }
    return owned, tuple(one for duplicates in later.values() for one in duplicates)


def _find_duplicates(owner: Owner, claimants: tuple[LiveResource, ...]) -> list[LiveResource]:
    """The keys that other applies created at the same time as the first one, when no person has to decide which stays.

    An apply deletes its own where it was not the first (`execute/context.py`); one that is killed before that leaves it
    (tests/crash/test_two_checkouts.py). Each has to carry the tag of a create call of its own for this address, as it was made: a
    copied tag has the origin of another, and one that an import or a rename wrote is sealed. A half-applied exchange of two names
    leaves two keys at one address, and both are somebody's (tests/plan_apply/test_renames.py). Nobody may have called with
    a secret of those that go.
    """
    if len(claimants) < 2:
        return []
    ours = [one for one in claimants if one.secrets and _was_created_as(owner, one)]
    origins = {one.mark.origin for one in ours if one.mark}
    if not len(claimants) == len(ours) == len(origins):
        return []
    later = sorted(ours, key=lambda one: one.age_order)[1:]
    return [] if any(secret.last_used for one in later for secret in one.secrets) else later


def _was_created_as(owner: Owner, one: LiveResource) -> bool:
    """Whether its tag is certainly the one of its own create call."""
    mark = one.mark
    return mark is not None and bool(mark.origin) and not (mark.sealed or mark.former) and owner.fits(mark, one)


def _marked(resource: LiveResource) -> LiveResource:
    mark = read_ownership_tag(resource.tags.get(OWNERSHIP_TAG))
    return replace(resource, mark=mark) if mark else resource
