"""Reading the tenancy: list calls only, in waves, and no more of them however many keys and policies there are.

One call finds the home region, one lists the compartments, then one a kind and compartment (and region), all of those at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from genai_iac.kinds import KINDS, Kind
from genai_iac.model import (
    TAG,
    Address,
    ExistingCompartment,
    Live,
    LiveResource,
    Node,
    Owner,
    Resource,
    Tree,
    read_mark,
)
from genai_iac.provider import Provider

_GONE = ("DELETED", "FAILED")


def read_live(
    provider: Provider,
    owner: Owner,
    resources: Mapping[Address, Resource],
    *,
    region: str,
    parallelism: int = 10,
    full_scan: bool = False,
) -> Live:
    """What the tenancy holds of these resources and of this owner.

    The compartments read are the tenancy itself, those that the manifests name and those that carry the owner's mark;
    with `full_scan` all of them, in every subscribed region. Raises ServiceFailure.
    """
    home = provider.home_region
    found = list(_read_tenancy_wide(provider))
    compartments = [resource for resource in found if resource.kind == "Compartment"]
    tree = Tree.of(provider.tenancy, (Node(one.id, one.name, one.compartment) for one in compartments))
    regions = _regions(provider, resources, region, full_scan)
    places = _places(tree, owner, resources, compartments, full_scan)
    with ThreadPoolExecutor(max_workers=parallelism, thread_name_prefix="read") as pool:
        for rows in pool.map(lambda job: job(), _jobs(provider, places, regions)):
            found.extend(rows)
    return _sort(provider, owner, tree, [_marked(resource) for resource in found], regions, home)


def _read_tenancy_wide(provider: Provider) -> Iterator[LiveResource]:
    for kind in _reaching("tenancy"):
        rows = provider.read_all(kind.listing.operation, provider.tenancy, **kind.listing.parameters)
        yield from _live_rows(kind, rows, None)


def _jobs(
    provider: Provider, places: Iterable[str], regions: Iterable[str]
) -> Iterator[Callable[[], list[LiveResource]]]:
    for place in places:
        for kind in _reaching("compartment"):
            yield _job(provider, kind, place, None)
        for kind in _reaching("compartment and region"):
            for region in regions:
                yield _job(provider, kind, place, region)


def _job(provider: Provider, kind: Kind, place: str, region: str | None) -> Callable[[], list[LiveResource]]:
    def read() -> list[LiveResource]:
        rows = provider.read_all(kind.listing.operation, place, region, **kind.listing.parameters)
        return list(_live_rows(kind, rows, region))

    return read


def _reaching(reach: str) -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.listing.reach == reach]


def _live_rows(kind: Kind, rows: Iterable[Mapping[str, Any]], region: str | None) -> Iterator[LiveResource]:
    for row in rows:
        if row.get("lifecycleState") not in _GONE:
            yield kind.live(row, region)


def _regions(
    provider: Provider, resources: Mapping[Address, Resource], region: str, full_scan: bool
) -> tuple[str, ...]:
    named = {resource.region for resource in resources.values() if resource.region}
    return tuple(sorted(named | {region} | (set(provider.regions) if full_scan else set())))


def _places(
    tree: Tree,
    owner: Owner,
    resources: Mapping[Address, Resource],
    compartments: Iterable[LiveResource],
    full_scan: bool,
) -> list[str]:
    if full_scan:
        return sorted({tree.tenancy, *tree.nodes})
    owned = {one.id for one in compartments if owner.owns(read_mark(one.tags.get(TAG))) and one.lifecycle != "DELETING"}
    return sorted({tree.tenancy} | owned | set(_named(tree, resources)))


def _named(tree: Tree, resources: Mapping[Address, Resource]) -> Iterator[str]:
    for resource in resources.values():
        match resource.attributes.get("compartmentId"):
            case ExistingCompartment(path=_) as existing:
                found = tree.find(existing.names)
                if found is not None:
                    yield found
            case str() as id if id in tree:
                yield id


def _marked(resource: LiveResource) -> LiveResource:
    mark = read_mark(resource.tags.get(TAG))
    return replace(resource, mark=mark) if mark else resource


def _sort(
    provider: Provider, owner: Owner, tree: Tree, found: Iterable[LiveResource], regions: tuple[str, ...], home: str
) -> Live:
    owned: dict[Address, list[LiveResource]] = {}
    others: list[LiveResource] = []
    strays: list[LiveResource] = []
    for resource in found:
        mark = resource.mark
        if mark is None or not owner.owns(mark) or resource.lifecycle == "DELETING":
            others.append(resource)
        elif mark.address.kind != resource.kind:
            strays.append(resource)
        else:
            owned.setdefault(mark.address, []).append(resource)
    frozen = {address: tuple(sorted(group, key=lambda one: one.id)) for address, group in owned.items()}
    return Live(provider.tenancy, home, provider.now(), tree, frozen, tuple(others), tuple(strays), regions)
