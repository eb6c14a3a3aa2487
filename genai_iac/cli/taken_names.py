"""Policies that the reading of a plan passed over and that have a name which the plan is about to give.

A policy's name is unique in the tenancy, while policies are listed one compartment at a time. So the compartments that were not
read are listed too, and only when a policy is to be created: an empty plan makes no request for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from genai_iac.core import OWNERSHIP_TAG, Address, Live, LiveResource, Resource, read_ownership_tag
from genai_iac.core.errors import PlanError, ServiceFailure
from genai_iac.oci_client import OciClient
from genai_iac.references.resolver import Resolver
from genai_iac.resource_types import RESOURCE_TYPES

_MOST = 500  # requests; of more compartments than that, a 409 tells


def add_taken_names(live: Live, resources: Mapping[Address, Resource], provider: OciClient, parallelism: int) -> Live:
    """The reading with these policies among what is not ours. Those that may not be listed are left out."""
    names = {name.casefold() for name in _new_names(live, resources)}
    # Compartments that the reading covered have been compared already.
    asked = sorted({*live.tree.nodes} - {*live.places}) if names else []
    if not asked or len(asked) > _MOST:
        return live
    with ThreadPoolExecutor(max_workers=max(parallelism, 2), thread_name_prefix="read") as pool:
        found = [one for rows in pool.map(lambda place: _list(provider, place), asked) for one in rows]
    taken = (one for one in found if one.name.casefold() in names)
    return replace(live, others=(*live.others, *taken))


def _new_names(live: Live, resources: Mapping[Address, Resource]) -> Iterator[str]:
    resolver = Resolver.of(resources, live)
    for address, resource in resources.items():
        if address.kind != "Policy":
            continue
        try:
            name = resolver.value(resource.attributes["name"])
        except PlanError:
            continue  # the plan tells it
        one = live.one(address)
        if isinstance(name, str) and (one is None or one.name != name):
            yield name


def _list(provider: OciClient, place: str) -> list[LiveResource]:
    kind = RESOURCE_TYPES["Policy"]
    try:
        rows = provider.read_all(kind.listing.operation, place, **kind.listing.parameters)
    except ServiceFailure:
        return []
    found = [kind.read(row, None) for row in rows if row.get("lifecycleState") not in ("DELETED", "FAILED")]
    return [replace(one, mark=read_ownership_tag(one.tags.get(OWNERSHIP_TAG))) for one in found]
