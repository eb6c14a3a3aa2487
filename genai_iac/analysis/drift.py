"""Where live is not as declared, and whether the manifests or the tenancy changed. Pure.

Three sides: what the manifests say now, what they said at a base revision, what is live. A difference is *yours* when live is still as
the base said, *theirs* when the manifests did not change, *both* when both changed. What a rotation has to do next is due, not drift;
what somebody did to a key that rotates, and to the sinks of any key, is reported by `HandEdits`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import Address, Change, Lifetime, Live, LiveResource, Plan, Resource
from genai_iac.resource_types import HandEdit

Direction = Literal["yours", "theirs", "both"]  # whose change it is; see above
# missing: declared and not live; unexpected: live and not declared
What = Literal["changed", "missing", "unexpected"]
Path = tuple[str, ...]  # keys from the resource's attributes to the value
Side = tuple[Plan, Mapping[Address, Resource]]  # a plan, and the resources it was made for
HandEdits = Mapping[Address, tuple[str, tuple[HandEdit, ...]]]  # of live keys: the OCID, and what somebody did


class Leaf(Struct, frozen=True):
    """One value that differs: `live` is what is there, `desired` what the manifests say."""

    path: Path  # such as ("secrets", "key-one", "state")
    live: Any
    desired: Any
    direction: Direction | None  # None without a base


class ResourceDrift(Struct, frozen=True):
    """One resource that is not as declared. `direction` None: without a base it cannot be known."""

    address: Address
    what: What
    id: str | None
    direction: Direction | None
    leaves: tuple[Leaf, ...]  # empty when the whole resource is missing or unexpected

    @property
    def is_drift(self) -> bool:
        """Whether live has changed, as far as can be told."""
        return self.direction != "yours"


def find_drift(head: Side, base: Side | None, edits: HandEdits | None = None) -> tuple[ResourceDrift, ...]:
    """Every resource that is not as the manifests say now, by address. `edits`: what else somebody did to live keys.

    Args:
        head: a plan of the manifests as they are, and its resources.
        base: the same for the manifests at the base revision; None when there is none.
    """
    plan, resources = head
    before = {change.address: change for change in base[0].changes} if base else {}
    earlier = base[1] if base else None
    found = {
        change.address: _compare(change, resources, before.get(change.address), earlier) for change in plan.changes
    }
    for address, (id, made) in (edits or {}).items():
        leaves = tuple(_edit_leaf(edit, resources.get(address), earlier, address) for edit in made)
        if leaves:
            found[address] = _with_edits(found.get(address), address, id, leaves)
    return tuple(sorted((one for one in found.values() if one is not None), key=lambda one: one.address))


def find_unmanaged(live: Live) -> tuple[LiveResource, ...]:
    """The API keys that were seen anywhere and that are nobody's: no ownership tag, or a copy of one of ours. By name.

    Keys with another stack's tag are managed, so they are not listed.
    """
    untagged = (one for one in (*live.others, *live.beyond) if one.mark is None and one.lifecycle != "DELETING")
    keys = (one for one in (*untagged, *live.mismatched) if one.kind == "ApiKey")
    return tuple(sorted(keys, key=lambda key: (key.name, key.id)))


def _compare(
    change: Change,
    resources: Mapping[Address, Resource],
    before: Change | None,
    earlier: Mapping[Address, Resource] | None,
) -> ResourceDrift | None:
    """The drift of one resource; None when only due steps of a rotation or a delivery differ."""
    what = _what(change)
    leaves = _leaves(change, resources) if what == "changed" else {}
    if what == "changed" and not leaves and change.actions:
        return None
    if earlier is None:
        changed_leaves = tuple(Leaf(path, live, desired, None) for path, (live, desired) in leaves.items())
        return ResourceDrift(change.address, what, change.id, None, changed_leaves)
    if not leaves:
        return ResourceDrift(change.address, what, change.id, _whose(change.address, what, before, earlier), ())
    changed_leaves = tuple(_attribute_leaves(leaves, before, earlier, change.address))
    return ResourceDrift(
        change.address, what, change.id, _sum_up(leaf.direction for leaf in changed_leaves), changed_leaves
    )


def _edit_leaf(
    edit: HandEdit, resource: Resource | None, earlier: Mapping[Address, Resource] | None, address: Address
) -> Leaf:
    """A sink that the base did not declare is the manifests' doing; everything else that was done to it is not."""
    path, live, desired = edit
    if earlier is None:
        return Leaf(path, live, desired, None)
    before = earlier.get(address)
    new = before is None or (
        path[0] == "deliverTo"
        and resource is not None
        and before.settings.get("deliverTo") != resource.settings["deliverTo"]
    )
    return Leaf(path, live, desired, "yours" if new else "theirs")


def _with_edits(found: ResourceDrift | None, address: Address, id: str, leaves: tuple[Leaf, ...]) -> ResourceDrift:
    """The drift with edits of sinks and states added, and one direction for all of it."""
    if found is None:
        return ResourceDrift(address, "changed", id, _sum_up(leaf.direction for leaf in leaves), leaves)
    changed_leaves = (*found.leaves, *leaves)
    directions = {*(leaf.direction for leaf in changed_leaves), *(() if found.leaves else (found.direction,))}
    return replace(found, leaves=changed_leaves, direction=_sum_up(directions))


def _what(change: Change) -> What:
    if change.before is None:
        return "missing"
    return "unexpected" if change.after is None else "changed"


def _whose(address: Address, what: What, before: Change | None, earlier: Mapping[Address, Resource]) -> Direction:
    """Who made a whole resource come or go."""
    if what == "missing":
        return "theirs" if address in earlier else "yours"
    if what == "changed":  # no value differs, and no call can help: whoever brought that about
        return "yours" if before is None else "theirs"
    if address not in earlier:
        return "theirs"
    return "both" if before is not None else "yours"


def _attribute_leaves(
    leaves: Mapping[Path, tuple[Any, Any]], before: Change | None, earlier: Mapping[Address, Resource], address: Address
) -> Iterator[Leaf]:
    """Per value: whose change it is, by comparing with the difference at the base."""
    known = _leaves(before, earlier) if before is not None and address in earlier else {}
    for path, (live, desired) in leaves.items():
        if path not in known:
            direction: Direction = "yours"
        else:
            direction = "theirs" if known[path][1] == desired else "both"
        yield Leaf(path, live, desired, direction)


def _sum_up(directions: Iterable[Direction | None]) -> Direction | None:
    """One direction for several; mixed ones are `both`."""
    different = set(directions)
    return different.pop() if len(different) == 1 else "both"


def _leaves(change: Change, resources: Mapping[Address, Resource]) -> dict[Path, tuple[Any, Any]]:
    """Path to (live, desired) where they differ. Secrets whose states the tool itself turns are left out."""
    resource = resources.get(change.address)
    rotates = resource is not None and bool(resource.settings.get("rotation"))
    live, desired = dict(_flatten(change.before)), dict(_flatten(change.after))
    return {
        path: (live.get(path), value)
        for path, value in desired.items()
        if not _is_same(live.get(path), value, path in live) and not (rotates and path[0] == "secrets")
    }


def _flatten(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf of nested mappings, with its path. A list is one leaf."""
    if isinstance(value, Mapping) and (value or not path):
        for name, part in value.items():
            yield from _flatten(part, (*path, str(name)))
    else:
        yield path, list(value) if isinstance(value, tuple) else value


def _is_same(live: Any, desired: Any, was_there: bool) -> bool:
    """Whether nobody would call it a difference: None and an empty value are equal."""
    if isinstance(desired, Lifetime) and was_there:
        return True  # a duration counts from creation or renewal and is never a difference by itself
    return bool(live == desired) or (not live and not desired)
