"""Reading the tenancy: list calls only, in waves, and no more of them however many keys and policies there are.

One call finds the home region and at the same time one lists the compartments; then one a kind and compartment (and
region), all of those at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
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
)
from genai_iac.core.errors import ServiceFailure
from genai_iac.oci_client import OciClient
from genai_iac.references.resolver import named_compartments
from genai_iac.resource_types import RESOURCE_TYPES, ResourceType

_GONE = ("DELETED", "FAILED")


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
    """What the tenancy holds of these resources and of this owner.

    The compartments read are the tenancy itself, those that the manifests name and those that carry the owner's mark;
    with `full_scan` all of them, in every subscribed region. `also` are resources of other manifests whose places are
    read too; `choose` answers the compartments to read instead of all these. Raises ServiceFailure.
    """
    with ThreadPoolExecutor(max_workers=max(parallelism, 2), thread_name_prefix="read") as pool:
        home, found = _read_tenancy_wide(provider, pool)
        compartments = [resource for resource in found if resource.kind == "Compartment"]
        tree = CompartmentTree.of(
            provider.tenancy, (CompartmentNode(one.id, one.name, one.compartment) for one in compartments)
        )
        declared = (*resources.values(), *also)
        regions = _regions(provider, declared, region, full_scan)
        places = sorted(choose(tree)) if choose else _places(tree, owner, declared, compartments, full_scan)
        wanted = frozenset(resource.address.kind for resource in declared)
        for rows in pool.map(lambda job: job(), _jobs(provider, places, regions, wanted)):
            found.extend(rows)
    return Live.of(owner, tree, found, home_region=home, now=provider.now(), regions=regions, places=places)


def _read_tenancy_wide(provider: OciClient, pool: ThreadPoolExecutor) -> tuple[str, list[LiveResource]]:
    """The home region, and what is listed once for the tenancy.

    Both are asked for at the same time, on the guess that the region we were told to call is the home region; when it is
    not, the lists are read again there, because another region's copy may lag behind.
    """
    guess = provider.region
    guessed = [pool.submit(_read_wide, provider, kind, guess) for kind in _reaching("tenancy")]
    home = provider.home_region
    read = [future.result() for future in guessed]
    if home != guess:
        read = [_read_wide(provider, kind, home) for kind in _reaching("tenancy")]
    return home, [resource for rows in read for resource in rows]


def _read_wide(provider: OciClient, kind: ResourceType, region: str) -> list[LiveResource]:
    rows = provider.read_all(kind.listing.operation, provider.tenancy, region, **kind.listing.parameters)
    return list(_live_rows(kind, rows, None))


def _jobs(
    provider: OciClient, places: Iterable[str], regions: Iterable[str], declared: frozenset[str]
) -> Iterator[Callable[[], list[LiveResource]]]:
    for place in places:
        for kind in _reaching("compartment"):
            yield _job(provider, kind, place, None, declared)
        for kind in _reaching("compartment and region"):
            for region in regions:
                yield _job(provider, kind, place, region, declared)


def _job(
    provider: OciClient, kind: ResourceType, place: str, region: str | None, declared: frozenset[str]
) -> Callable[[], list[LiveResource]]:
    def read() -> list[LiveResource]:
        try:
            rows = provider.read_all(kind.listing.operation, place, region, **kind.listing.parameters)
        except ServiceFailure as failure:
            # identities from before this type existed may not list it, and a stack that has none need not care
            if kind.listing.optional and failure.status == 404 and kind.name not in declared:
                return []
            raise
        if kind.listing.summary:
            rows = [_in_full(provider, kind, row, region) for row in rows]
        return list(_live_rows(kind, rows, region))

    return read


def _in_full(provider: OciClient, kind: ResourceType, row: dict[str, Any], region: str | None) -> dict[str, Any]:
    """The row with what only the Get operation shows. A stranger's that this identity may not read stays as it is listed."""
    if row.get("lifecycleState") in _GONE or "id" not in row:
        return row
    try:
        data = provider.get(kind.get_operation, row["id"], region).data
    except ServiceFailure as failure:
        if failure.status != 404 or OWNERSHIP_TAG in (row.get("freeformTags") or {}):
            raise
        return row
    return data if isinstance(data, dict) else row


def _reaching(reach: str) -> list[ResourceType]:
    return [kind for kind in RESOURCE_TYPES.values() if kind.listing.reach == reach]


def _live_rows(kind: ResourceType, rows: Iterable[Mapping[str, Any]], region: str | None) -> Iterator[LiveResource]:
    for row in rows:
        if row.get("lifecycleState") not in _GONE:
            yield kind.read(row, region)


def _regions(provider: OciClient, declared: Iterable[Resource], region: str, full_scan: bool) -> tuple[str, ...]:
    named = {resource.region for resource in declared if resource.region}
    return tuple(sorted(named | {region} | (set(provider.regions) if full_scan else set())))


def _places(
    tree: CompartmentTree,
    owner: Owner,
    declared: Iterable[Resource],
    compartments: Iterable[LiveResource],
    full_scan: bool,
) -> list[str]:
    if full_scan:
        return sorted({tree.tenancy, *tree.nodes})
    owned = {
        one.id
        for one in compartments
        if owner.owns(read_ownership_tag(one.tags.get(OWNERSHIP_TAG))) and one.lifecycle != "DELETING"
    }
    return sorted({tree.tenancy} | owned | set(named_compartments(tree, declared)))
