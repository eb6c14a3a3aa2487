"""`metadata.previousNames`: what may be written there, and which live resource is which once it was followed. Pure.

A previous name that another resource takes in the same rename (`a` becomes `b` while `b` becomes `c`, or both swap) cannot be
distinguished by the ownership tags alone once a part of it was applied. So such a resource also gets the tag `RENAMED`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from genai_iac.core import RENAMED, Address, Live, LiveResource, Resource, Source, Value
from genai_iac.core.errors import Problem


def find_wrong_previous_names(resources: Mapping[Address, Resource]) -> Iterator[Problem]:
    """Previous names that can mean nothing or two things, each with its place."""
    claimed: dict[Address, Resource] = {}
    for resource in resources.values():
        for old in resource.previous:
            message, hint = _judge(resource, old, resources.get(old), claimed.setdefault(old, resource))
            if message:
                yield Problem(place_of(resource), message, hint)


def _judge(resource: Resource, old: Address, declared: Resource | None, first: Resource) -> tuple[str, str]:
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


@dataclass(frozen=True)
class _Reader:
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
        """Whether it got this very name by a rename that the manifests still tell of."""
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
