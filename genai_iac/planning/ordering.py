"""The order of changes: what is referred to comes first, a child is deleted before its parent, a name is freed before it is taken.

Each rule yields pairs (waiting, needed). They are put together into one graph, so that a change may wait for several reasons, and the
order is the graph's. Changes that do not depend on each other are applied concurrently.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from genai_iac.core import CONTENTS_TAG, Address, Change, Reference, Resource, Value
from genai_iac.core.errors import PlanError
from genai_iac.manifest.graph import read_references
from genai_iac.references.resolver import Resolver
from genai_iac.resource_types import RESOURCE_TYPES

_OCID = re.compile(r"ocid1\.[a-z0-9.-]+")  # of any type, inside a statement or an attribute


def order_changes(
    changes: Iterable[Change], resources: Mapping[Address, Resource], resolver: Resolver
) -> tuple[Change, ...]:
    """The changes with their `needs`, each after what it needs; otherwise in the order given.

    `resolver` knows the names that compartments have and will have. Raises PlanError when changes wait for each other.

    Args:
        changes: at most one per address; their order decides between changes that could
            both come next.
        resources: declared ones, for their references.

    Raises:
        PlanError: a cycle, such as two compartments that exchange their names
        (tests/plan_apply/test_order.py, test_swapped_names_are_said_to_need_two_steps).
    """
    by_address = {change.address: change for change in changes}
    needs: dict[Address, set[Address]] = {address: set() for address in by_address}
    for address, needed in (
        *_referred(by_address, resources),
        *_named(by_address, resolver),
        *_held(by_address),
        *_freed(by_address),
        *_recorded(by_address),
    ):
        needs[address].add(needed)
    # The last rule gives way: it only avoids a policy being rewritten by OCI between two of our calls, and it must not close a
    # cycle with the rules above, which OCI enforces.
    for address, needed in _rewritten(by_address):
        if address not in needs[needed]:
            needs[address].add(needed)
    ordered = _sorted(list(by_address), needs)
    return tuple(replace(by_address[address], needs=tuple(sorted(needs[address]))) for address in ordered)


def add_needs(
    changes: Sequence[Change], wanted: Iterable[tuple[Address, Address]]
) -> tuple[tuple[Change, ...], list[tuple[Address, Address]]]:
    """The changes in an order in which each first of a pair also waits for the second, and the pairs that would make a cycle.

    Used for the order that keeps callers' access: what allows a key comes before what stops
    allowing it. Such an order is wanted and not enforced by OCI, so a cycle drops the pair
    and the caller reports it.

    Args:
        wanted: pairs (waiting, needed).
    """
    by_address = {change.address: change for change in changes}
    needs = {address: set(change.needs) & set(by_address) for address, change in by_address.items()}
    refused = []
    for waiting, needed in wanted:
        if _waits(needed, waiting, needs):
            refused.append((waiting, needed))
        else:
            # Added one by one: an earlier pair has precedence over a later one that would close a
            # cycle with it.
            needs[waiting].add(needed)
    ordered = _sorted(list(by_address), needs)
    return tuple(replace(by_address[one], needs=tuple(sorted(needs[one]))) for one in ordered), refused


def _waits(one: Address, other: Address, needs: Mapping[Address, set[Address]]) -> bool:
    """Whether one waits for the other, by itself or through others."""
    seen, todo = {one}, [one]
    while todo:
        for needed in needs[todo.pop()] - seen:
            seen.add(needed)
            todo.append(needed)
    return other in seen


def _referred(
    changes: Mapping[Address, Change], resources: Mapping[Address, Resource]
) -> Iterator[tuple[Address, Address]]:
    """A change waits for what its resource refers to, unless it needs only an OCID that exists already.

    So an update of a compartment's tags does not hold up every key in it.
    """
    for address in changes:
        resource = resources.get(address)
        for reference in read_references(resource) if resource else ():
            if _matters(changes.get(reference.address), reference):
                yield address, reference.address


def _recorded(changes: Mapping[Address, Change]) -> Iterator[tuple[Address, Address]]:
    """What is put into a compartment waits until the compartment's record of its contents has it.

    A run that ends in between leaves a record of more than is there, never of less.
    """
    recording = {
        address: change.id
        for address, change in changes.items()
        if address.kind == "Compartment" and any(_records(call.body) for call in change.calls)
    }
    by_id = {id: address for address, id in recording.items()}
    for address, change in changes.items() if recording else ():
        if address.kind == "Compartment" or change.after is None:
            continue
        place = change.after.get("compartmentId")
        needed = place.address if isinstance(place, Reference) else by_id.get(str(place))
        moves = "create" in change.actions or (change.before or {}).get("compartmentId") != place
        if needed in recording and moves:
            yield address, needed


def _records(body: Mapping[str, Value]) -> bool:
    tags = body.get("freeformTags")
    return isinstance(tags, Mapping) and CONTENTS_TAG in tags


def _matters(change: Change | None, reference: Reference) -> bool:
    """Whether the reference has to wait: its target is created, or a field other than the OCID may change."""
    return change is not None and (reference.field != "id" or "create" in change.actions)


def _named(changes: Mapping[Address, Change], resolver: Resolver) -> Iterator[tuple[Address, Address]]:
    """A policy whose statements name a compartment waits until the compartment has that name.

    OCI resolves names when a policy is written, and refuses one that does not exist yet. Names are compared without case.
    """
    appearing: dict[str, list[Address]] = {}
    for address, change in changes.items():
        if address.kind == "Compartment" and change.after is not None:
            appearing.setdefault(str(resolver.value(change.after["name"])).casefold(), []).append(address)
    if not appearing:
        return
    for address, change in changes.items():
        if change.after is not None:
            for name in RESOURCE_TYPES[address.kind].names_compartments(change.after):
                for needed in appearing.get(name.casefold(), ()):
                    yield address, needed


def _rewritten(changes: Mapping[Address, Change]) -> Iterator[tuple[Address, Address]]:
    """Never concurrently: a compartment that is renamed, moved or deleted, and a policy that names it.

    OCI rewrites such a policy itself, which changes its etag; an update of ours at that moment would be refused as stale.
    The policy goes first when it stops naming the compartment, else last.
    """
    reshaped: dict[str, list[Address]] = {}
    for address, change in changes.items():
        if address.kind == "Compartment" and change.before is not None and _reshapes(change):
            reshaped.setdefault(str(change.before["name"]).casefold(), []).append(address)
    for address, change in changes.items() if reshaped else ():
        still = _names(change, change.after)
        for name in _names(change, change.before) & set(reshaped):
            for compartment in reshaped[name]:
                yield (address, compartment) if name in still else (compartment, address)


def _reshapes(change: Change) -> bool:
    """Whether the change renames, moves or deletes the compartment, so that OCI rewrites policies that name it."""
    if change.after is None:
        return "delete" in change.actions
    assert change.before is not None
    return any(change.before[field] != change.after[field] for field in ("name", "compartmentId"))


def _names(change: Change, attributes: Mapping[str, Value] | None) -> set[str]:
    """Names of compartments in the statements of a policy, without case; nothing for other kinds."""
    if attributes is None:
        return set()
    return {name.casefold() for name in RESOURCE_TYPES[change.address.kind].names_compartments(attributes)}


def _held(changes: Mapping[Address, Change]) -> Iterator[tuple[Address, Address]]:
    """A delete waits for every change of what mentions its OCID: resources in a compartment, statements that name a key.

    OCI does not delete a compartment that is not empty; and a key is deleted after the policies that name it are written.
    """
    deleted = {
        change.id: address for address, change in changes.items() if change.after is None and "delete" in change.actions
    }
    if not deleted:
        return
    for address, change in changes.items():
        # Searching the text finds OCIDs wherever an attribute has them, also in kinds that are
        # added later.
        for id in set(_OCID.findall(json.dumps(change.before))):
            if id in deleted and change.id != id:
                yield deleted[id], address


def _freed(changes: Mapping[Address, Change]) -> Iterator[tuple[Address, Address]]:
    """A change that takes a name waits for the change that gives it up: policies are unique in a tenancy, compartments below a parent."""
    freed = {
        claim: address for address, change in changes.items() for claim in _claims(address, change.before, change.after)
    }
    for address, change in changes.items():
        for claim in _claims(address, change.after, change.before):
            if claim in freed:
                yield address, freed[claim]


def _claims(
    address: Address, some: Mapping[str, Value] | None, other: Mapping[str, Value] | None
) -> Iterator[tuple[str, ...]]:
    """The name that a change gains (`some` after, `other` before) or gives up; none when it keeps its name."""
    claim, counter = _claim(address, some), _claim(address, other)
    if claim is not None and claim != counter:
        yield claim


def _claim(address: Address, attributes: Mapping[str, Value] | None) -> tuple[str, ...] | None:
    """What must be unique: kind, parent OCID where the scope is a compartment, and the name without case."""
    kind = RESOURCE_TYPES[address.kind]
    if attributes is None or kind.name_scope is None:
        return None
    place = "" if kind.name_scope == "tenancy" else str(attributes["compartmentId"])
    return address.kind, place, str(attributes[kind.name_field]).casefold()


def _sorted(order: Sequence[Address], needs: Mapping[Address, set[Address]]) -> list[Address]:
    # Kahn's algorithm with a heap of positions: the same input always gives the same order, so plans can be compared as text
    position = {address: index for index, address in enumerate(order)}
    waiting = {address: len(needs[address]) for address in order}
    dependents: dict[Address, list[Address]] = {}
    for address, needed in needs.items():
        for one in needed:
            dependents.setdefault(one, []).append(address)
    ready = [position[address] for address in order if not waiting[address]]
    heapq.heapify(ready)
    done: list[Address] = []
    while ready:
        address = order[heapq.heappop(ready)]
        done.append(address)
        for dependent in dependents.get(address, ()):
            # `needs` holds each pair once, so the count reaches zero exactly when the last need is
            # placed.
            waiting[dependent] -= 1
            if not waiting[dependent]:
                heapq.heappush(ready, position[dependent])
    if len(done) < len(order):
        stuck = ", ".join(str(address) for address in order if address not in set(done))
        raise PlanError(f"these changes wait for each other in a cycle: {stuck}", hint="make the change in two steps")
    return done
