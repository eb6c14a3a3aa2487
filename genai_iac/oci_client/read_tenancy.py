"""Reading the tenancy: list calls only, in waves, and no more of them however many keys and policies there are.

One call finds the home region and at the same time one lists the compartments; then one a kind and compartment (and
region), all of those at once. `scope` says which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from genai_iac.core import (
    OWNERSHIP_TAG,
    Address,
    CompartmentNode,
    CompartmentTree,
    Live,
    LiveResource,
    Owner,
    Resource,
    read_ownership_tag,
    references,
)
from genai_iac.core.errors import ServiceFailure
from genai_iac.oci_client import OciClient
from genai_iac.oci_client.scope import Place, ReadScope, choose_scope, kinds_reaching, whole_scope
from genai_iac.references.resolver import named_compartments
from genai_iac.resource_types import RESOURCE_TYPES, ResourceType
from genai_iac.resource_types.compartment import Contents, read_contents

_GONE = ("DELETED", "FAILED")  # lifecycle states that a plan does not see
_DELETED = "DELETED"
_DENIED = (401, 403, 404)  # statuses by which OCI says that an identity may not list
# The region is part of the OCID, so a key that a policy names can be looked up without
# a list.
_KEY_ID = re.compile(r"ocid1\.generativeaiapikey\.[a-z0-9-]+\.(?P<region>[a-z0-9-]+)\.[a-z0-9]+", re.IGNORECASE)
_MOST_NAMED = 20  # keys that policies name and no list showed, looked for one by one


def read_live(
    provider: OciClient,
    owner: Owner,
    resources: Mapping[Address, Resource],
    *,
    region: str,
    parallelism: int = 10,
    full_scan: bool = False,
    also: Iterable[Resource] = (),
    choose: Callable[[CompartmentTree], Iterable[str]] | None = None,
) -> Live:
    """What the tenancy holds of these resources and of this owner. Raises ServiceFailure.

    Read are the tenancy itself, the compartments that the manifests name and those that carry the owner's tag, in the regions
    that the manifests name; beyond them all other places where something of this owner could be, as far as `scope` goes. What
    could not be searched is in `unread`, in words, unless the stack names it: then it is an error.

    Args:
        region: the stack's, read even without a declared key.
        parallelism: list calls at once.
        full_scan: read everything, in every subscribed region.
        also: resources of other manifests whose places are read too.
        choose: answers the compartments to read instead of all these.
    """
    with ThreadPoolExecutor(max_workers=max(parallelism, 2), thread_name_prefix="read") as pool:
        home, found = _read_tenancy_wide(provider, pool)
        compartments = [one for one in found if one.kind == "Compartment" and one.lifecycle != _DELETED]
        tree = CompartmentTree.of(
            provider.tenancy, (CompartmentNode(one.id, one.name, one.compartment) for one in compartments)
        )
        declared = (*resources.values(), *also)
        regions = _regions(provider, declared, region, full_scan)
        every = {tree.tenancy, *tree.nodes}
        own = set(choose(tree)) if choose else every if full_scan else _own_places(tree, owner, declared, compartments)
        narrow = bool(choose) or full_scan
        # A policy of a parent compartment may allow what a key may do here.
        above = {parent for place in own for parent in tree.lineage(place)} - own  # their policies reach into the own
        scope = whole_scope(own, regions) if narrow else choose_scope(every, own, regions, provider.regions, above)
        reader = _PlaceReader(provider, owner, frozenset(one.address.kind for one in declared))
        known = None if narrow else _known_contents(tree, owner, declared, compartments)
        read = _read_scope(pool, reader, scope, known, [one for one in found if one.kind != "Compartment"], resources)
        if not (narrow or scope.whole):
            read.scanned.extend(_read_named_keys(provider, owner, (*found, *read.rows, *read.scanned)))
    found = [*found, *read.rows]
    return Live.of(
        owner,
        tree,
        [one for one in found if one.lifecycle != _DELETED],
        home_region=home,
        now=provider.now(),
        regions=regions,
        places=sorted(own - read.left_places),
        scanned=[one for one in read.scanned if one.lifecycle != _DELETED],
        unread=[*read.scope.gaps(), *_say_left(read.left_places), *_say_unread(read.unread, tree)],
        gone=[one for one in (*found, *read.scanned) if one.lifecycle == _DELETED],
        policies_unread=sorted(every - _policies_read(read, own)),
    )


@dataclass
class _ScopeRead:
    """What a reading of a scope found."""

    scope: ReadScope  # without what is left out
    left: tuple[Place, ...]  # own places that were not listed, because the stack put nothing there
    rows: list[LiveResource]  # in the own places
    scanned: list[LiveResource]  # beyond them
    unread: dict[Place, ServiceFailure]  # beyond them, and could not be read

    @property
    def left_places(self) -> set[str]:
        """OCIDs of the compartments of `left`."""
        return {compartment for _, compartment, _ in self.left}


def _read_scope(
    pool: ThreadPoolExecutor,
    reader: _PlaceReader,
    scope: ReadScope,
    known: tuple[dict[str, Contents], set[str]] | None,
    found: Iterable[LiveResource],
    resources: Mapping[Address, Resource],
) -> _ScopeRead:
    """List the places of the scope, without those that are known to hold nothing. Raises ServiceFailure."""
    scope, left = scope.without(*known) if known else (scope, ())
    read = _ScopeRead(scope, left, *_read_places(pool, reader, scope))
    # Something declared is not where the manifests put it: before it is made a second time, it is looked for everywhere.
    if left and _misses(reader.owner, resources.values(), (*found, *read.rows, *read.scanned)):
        read.rows.extend(_read_places(pool, reader, replace(scope, own=left, beyond=()))[0])
        read.left = ()
    return read


def _policies_read(read: _ScopeRead, own: set[str]) -> set[str]:
    """OCIDs of the compartments whose policies were listed: all of the own ones but those that are left, and some beyond."""
    listed = set(read.scope.own) | (set(read.scope.beyond) - set(read.unread))
    return (own - read.left_places) | {compartment for kind, compartment, _ in listed if kind.name == "Policy"}


def _read_places(
    pool: ThreadPoolExecutor, reader: _PlaceReader, scope: ReadScope
) -> tuple[list[LiveResource], list[LiveResource], dict[Place, ServiceFailure]]:
    """What is in the own places, what is beyond them, and what of that could not be read. Raises ServiceFailure."""
    reads = [pool.submit(reader.read, place) for place in scope.own]
    tries = [pool.submit(_try, reader, place) for place in scope.beyond]
    try:
        rows = [row for read in reads for row in read.result()]
    except BaseException:
        for waiting in tries:
            waiting.cancel()
        raise
    return rows, *_gather(one.result() for one in tries)


def _known_contents(
    tree: CompartmentTree, owner: Owner, declared: Iterable[Resource], compartments: Iterable[LiveResource]
) -> tuple[dict[str, Contents], set[str]]:
    """What the stack has put at any time into compartments that it created, and in which something is declared now.

    Those, and all above them, are read whole: what anybody has there may matter to it.
    """
    marks = [(read_ownership_tag(one.tags.get(OWNERSHIP_TAG)), one) for one in compartments]
    ids = {mark.address: one.id for mark, one in marks if mark is not None and owner.owns(mark)}
    inside = [one for one in declared if one.address.kind != "Compartment"]
    used = {ids.get(one.address) for resource in inside for one in references(resource.attributes.get("compartmentId"))}
    used |= {tree.tenancy, *named_compartments(tree, declared)}
    known = {one.id: read_contents(one, owner) for _, one in marks if one.lifecycle != "DELETING"}
    recorded = {id: found for id, found in known.items() if found is not None and all(map(_is_listed, found))}
    return recorded, {above for place in used if place is not None for above in tree.lineage(place)}


def _is_listed(item: tuple[str, str | None]) -> bool:
    """Whether that is listed so; a later version may record kinds that this one does not know."""
    kind, region = item
    reach = RESOURCE_TYPES[kind].listing.reach if kind in RESOURCE_TYPES else ""
    return reach == ("compartment and region" if region else "compartment")


def _misses(owner: Owner, resources: Iterable[Resource], found: Iterable[LiveResource]) -> bool:
    """Whether something declared was not found: it is to be created, or is elsewhere."""
    marks = ((read_ownership_tag(one.tags.get(OWNERSHIP_TAG)), one) for one in found)
    seen = {mark.address for mark, one in marks if mark is not None and owner.owns(mark) and owner.fits(mark, one)}
    return any(one.address not in seen for one in resources if one.address.kind != "Compartment")


def _say_left(left: Collection[str]) -> Iterator[str]:
    """One sentence for the compartments of which only what the stack recorded was listed."""
    if count := len(left):
        yield (
            f"{count} compartment{'s' if count > 1 else ''} of the stack, in which the manifests put nothing, "
            f"{'were' if count > 1 else 'was'} not searched for what somebody else moved there; to search: --full-scan"
        )


def _read_tenancy_wide(provider: OciClient, pool: ThreadPoolExecutor) -> tuple[str, list[LiveResource]]:
    """The home region, and what is listed once for the tenancy.

    Both are asked for at the same time, on the guess that the region we were told to call is the home region; when it is
    not, the lists are read again there, because another region's copy may lag behind.
    """
    guess = provider.region
    guessed = [pool.submit(_read_wide, provider, kind, guess) for kind in kinds_reaching("tenancy")]
    home = provider.home_region
    read = [future.result() for future in guessed]
    if home != guess:
        read = [_read_wide(provider, kind, home) for kind in kinds_reaching("tenancy")]
    return home, [resource for rows in read for resource in rows]


def _read_wide(provider: OciClient, kind: ResourceType, region: str) -> list[LiveResource]:
    """A kind that is listed once for the tenancy, in that region."""
    rows = provider.read_all(kind.listing.operation, provider.tenancy, region, **kind.listing.parameters)
    return list(_live_rows(kind, rows, None))


@dataclass(frozen=True)
class _PlaceReader:
    """Reads places: one list call each, and one Get for each row of a kind whose list leaves attributes out."""

    provider: OciClient
    owner: Owner  # decides which rows are read in full
    declared: frozenset[str]  # the kinds that the manifests declare

    def read(self, place: Place, *, every: bool = True) -> list[LiveResource]:
        """What is there; without `every`, what is not the owner's is left as it is listed. Raises ServiceFailure."""
        kind, compartment, region = place
        try:
            rows = self.provider.read_all(kind.listing.operation, compartment, region, **kind.listing.parameters)
        except ServiceFailure as failure:
            # identities from before this type existed may not list it, and a stack that has none need not care
            if kind.listing.optional and failure.status == 404 and kind.name not in self.declared:
                return []
            raise
        if kind.listing.summary:
            rows = [self._in_full(kind, row, region) if every or self._owns(row) else row for row in rows]
        return list(_live_rows(kind, rows, region))

    def _in_full(self, kind: ResourceType, row: dict[str, Any], region: str | None) -> dict[str, Any]:
        """The row with what only the Get operation shows. Another's that this identity may not read stays as it is listed."""
        if row.get("lifecycleState") in _GONE or "id" not in row:
            return row
        try:
            data = self.provider.get(kind.get_operation, row["id"], region).data
        except ServiceFailure as failure:
            if failure.status != 404 or self._owns(row):
                raise
            return row
        return data if isinstance(data, dict) else row

    def _owns(self, row: Mapping[str, Any]) -> bool:
        return self.owner.owns(read_ownership_tag((row.get("freeformTags") or {}).get(OWNERSHIP_TAG)))


def _try(reader: _PlaceReader, place: Place) -> tuple[Place, list[LiveResource] | ServiceFailure]:
    """What is there; the failure where the identity may not look, or the region does not answer: the stack names no such place."""
    try:
        return place, reader.read(place, every=False)
    except ServiceFailure as failure:
        return place, failure


def _gather(
    answers: Iterable[tuple[Place, list[LiveResource] | ServiceFailure]],
) -> tuple[list[LiveResource], dict[Place, ServiceFailure]]:
    """What was found, and the failures by place."""
    scanned: list[LiveResource] = []
    unread: dict[Place, ServiceFailure] = {}
    for place, answer in answers:
        if isinstance(answer, ServiceFailure):
            unread[place] = answer
        else:
            scanned.extend(answer)
    return scanned, unread


def _say_unread(unread: Mapping[Place, ServiceFailure], tree: CompartmentTree) -> Iterator[str]:
    """One sentence for the compartments that may not be read, one for each region that does not answer."""
    denied = {compartment for (_, compartment, _), why in unread.items() if why.status in _DENIED}
    if denied:
        named = ", ".join(sorted(tree.path(id) for id in denied)[:3])
        yield (
            f"{len(denied)} compartment{'s' if len(denied) > 1 else ''} could not be searched for what the stack may have there "
            f"({named}{', …' if len(denied) > 3 else ''}): this identity may not list it"
        )
    silent = {region or "the home region": why for (_, _, region), why in unread.items() if why.status not in _DENIED}
    for region, why in sorted(silent.items()):
        yield f"{region} could not be searched for what the stack may have there: {why}"


def _read_named_keys(provider: OciClient, owner: Owner, found: Iterable[LiveResource]) -> Iterator[LiveResource]:
    """Keys that no list showed and that statements of the owner's policies name: what was granted something was made by somebody."""
    found = list(found)
    seen = {one.id for one in found}
    statements = (
        text
        for one in found
        if one.kind == "Policy" and owner.owns(read_ownership_tag(one.tags.get(OWNERSHIP_TAG)))
        for text in one.attributes["statements"]
    )
    named = {match[0]: match["region"] for text in statements for match in _KEY_ID.finditer(text)}
    kind = RESOURCE_TYPES["ApiKey"]
    for id, region in sorted(named.items())[:_MOST_NAMED]:
        if id in seen or region not in provider.regions:
            continue
        try:
            yield from _live_rows(kind, [provider.get(kind.get_operation, id, region).data], region)
        except ServiceFailure:
            continue  # gone, or nothing that may be looked at


def _live_rows(kind: ResourceType, rows: Iterable[Mapping[str, Any]], region: str | None) -> Iterator[LiveResource]:
    """Without what is gone, but for what a tag of this tool is still on: it tells a copy of that tag."""
    for row in rows:
        state = row.get("lifecycleState")
        if state not in _GONE or (state == _DELETED and OWNERSHIP_TAG in (row.get("freeformTags") or {})):
            yield kind.read(row, region)


def _regions(provider: OciClient, declared: Iterable[Resource], region: str, full_scan: bool) -> tuple[str, ...]:
    """The regions to search for keys and projects.

    Those that the manifests name and the stack's; with --full-scan all subscribed ones.
    """
    named = {resource.region for resource in declared if resource.region}
    return tuple(sorted(named | {region} | (set(provider.regions) if full_scan else set())))


def _own_places(
    tree: CompartmentTree, owner: Owner, declared: Iterable[Resource], compartments: Iterable[LiveResource]
) -> set[str]:
    """OCIDs of the tenancy, of compartments with the owner's tag, and of those that manifests name."""
    owned = {
        one.id
        for one in compartments
        if owner.owns(read_ownership_tag(one.tags.get(OWNERSHIP_TAG))) and one.lifecycle != "DELETING"
    }
    return {tree.tenancy} | owned | set(named_compartments(tree, declared))
