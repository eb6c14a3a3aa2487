"""Reading the tenancy: list calls only, in waves, and no more of them however many keys and policies there are.

One call finds the home region and at the same time one lists the compartments; then one a kind and compartment (and
region), all of those at once. `scope` says which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

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
from genai_iac.oci_client.read_places import DELETED, PlaceReader, ScopeRead, live_rows, read_scope
from genai_iac.oci_client.scope import Place, ReadScope, choose_scope, kinds_reaching, whole_scope
from genai_iac.references.resolver import named_compartments
from genai_iac.resource_types import RESOURCE_TYPES, ResourceType
from genai_iac.resource_types.compartment import Contents, read_contents

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
        compartments = [one for one in found if one.kind == "Compartment" and one.lifecycle != DELETED]
        nodes = (CompartmentNode(one.id, one.name, one.compartment) for one in compartments)
        tree = CompartmentTree.of(provider.tenancy, nodes)
        declared = (*resources.values(), *also)
        named = {resource.region for resource in declared if resource.region} | {region}
        regions = tuple(sorted(named | (set(provider.regions) if full_scan else set())))  # for keys and projects
        every = {tree.tenancy, *tree.nodes}
        own = set(choose(tree)) if choose else every if full_scan else _own_places(tree, owner, declared, compartments)
        narrow = bool(choose) or full_scan
        scope = whole_scope(own, regions) if narrow else _choose_scope(provider, tree, own, regions)
        reader = PlaceReader(provider, owner, frozenset(one.address.kind for one in declared))
        known = None if narrow else _known_contents(tree, owner, declared, compartments)
        read = read_scope(pool, reader, scope, known, [one for one in found if one.kind != "Compartment"], resources)
        if not (narrow or scope.whole):
            read.scanned.extend(_read_named_keys(provider, owner, (*found, *read.rows, *read.scanned)))
    return _sort_read(provider, owner, tree, (home, regions, own), [*found, *read.rows], read)


def _choose_scope(provider: OciClient, tree: CompartmentTree, own: set[str], regions: tuple[str, ...]) -> ReadScope:
    # A policy of a parent compartment may allow what a key may do here.
    above = {parent for place in own for parent in tree.lineage(place)} - own  # their policies reach into the own
    return choose_scope({tree.tenancy, *tree.nodes}, own, regions, provider.regions, above)


def _sort_read(
    provider: OciClient,
    owner: Owner,
    tree: CompartmentTree,
    asked: tuple[str, tuple[str, ...], set[str]],
    found: list[LiveResource],
    read: ScopeRead,
) -> Live:
    """The Live of what was read; `asked` is the home region, the searched regions and the own places, `found` all but what is scanned."""
    home, regions, own = asked
    return Live.of(
        owner,
        tree,
        [one for one in found if one.lifecycle != DELETED],
        home_region=home,
        now=provider.now(),
        regions=regions,
        places=sorted(own - read.left_places),
        scanned=[one for one in read.scanned if one.lifecycle != DELETED],
        unread=[*read.scope.gaps(), *_say_left(read.left_places), *_say_unread(read.unread, tree)],
        gone=[one for one in (*found, *read.scanned) if one.lifecycle == DELETED],
        policies_unread=sorted({tree.tenancy, *tree.nodes} - read.listed_policies(own)),
    )


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


def _say_left(left: Collection[str]) -> Iterator[str]:
    """One sentence for the compartments of which only what the stack recorded was listed."""
    if count := len(left):
        yield (
            f"{count} compartment{'s' if count > 1 else ''} of the stack, in which the manifests put nothing, "
            f"{'were' if count > 1 else 'was'} not searched for what somebody else moved there; to search: --full-scan"
        )


def _read_tenancy_wide(provider: OciClient, pool: ThreadPoolExecutor) -> tuple[str, list[LiveResource]]:
    """The home region, and what is listed once for the tenancy.

    Both are asked for at the same time, on the guess that the region of the settings is the home region; when it is
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
    return list(live_rows(kind, rows, None))


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
            yield from live_rows(kind, [provider.get(kind.get_operation, id, region).data], region)
        except ServiceFailure:
            continue  # gone, or nothing that may be looked at


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
