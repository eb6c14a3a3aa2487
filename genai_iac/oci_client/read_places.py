"""Lists of many compartments at once: one call a kind, compartment and region, and what of a wide search could not be read.

A failure in a compartment that the manifests name, or that has something of the owner, is an error; elsewhere it is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import OWNERSHIP_TAG, Address, LiveResource, Owner, Resource, read_ownership_tag
from genai_iac.core.errors import ServiceFailure
from genai_iac.oci_client import OciClient
from genai_iac.oci_client.scope import Place, ReadScope
from genai_iac.resource_types import ResourceType
from genai_iac.resource_types.compartment import Contents

_GONE = ("DELETED", "FAILED")  # lifecycle states that a plan does not see
DELETED = "DELETED"


class ScopeRead(Struct):
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

    def listed_policies(self, own: set[str]) -> set[str]:
        """OCIDs of the compartments whose policies were listed: all of the `own` ones but those that are left, and some beyond."""
        listed = set(self.scope.own) | (set(self.scope.beyond) - set(self.unread))
        return (own - self.left_places) | {compartment for kind, compartment, _ in listed if kind.name == "Policy"}


class PlaceReader(Struct, frozen=True):
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
        return list(live_rows(kind, rows, region))

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


def read_scope(
    pool: ThreadPoolExecutor,
    reader: PlaceReader,
    scope: ReadScope,
    known: tuple[dict[str, Contents], set[str]] | None,
    found: Iterable[LiveResource],
    resources: Mapping[Address, Resource],
) -> ScopeRead:
    """List the places of the scope, without those that are known to hold nothing. Raises ServiceFailure."""
    scope, left = scope.without(*known) if known else (scope, ())
    read = ScopeRead(scope, left, *_read_places(pool, reader, scope))
    # Something declared is not where the manifests put it: before it is made a second time, it is looked for everywhere.
    if left and _misses(reader.owner, resources.values(), (*found, *read.rows, *read.scanned)):
        read.rows.extend(_read_places(pool, reader, replace(scope, own=left, beyond=()))[0])
        read.left = ()
    return read


def _misses(owner: Owner, resources: Iterable[Resource], found: Iterable[LiveResource]) -> bool:
    """Whether something declared was not found: it is to be created, or is elsewhere."""
    marks = ((read_ownership_tag(one.tags.get(OWNERSHIP_TAG)), one) for one in found)
    seen = {mark.address for mark, one in marks if mark is not None and owner.owns(mark) and owner.fits(mark, one)}
    return any(one.address not in seen for one in resources if one.address.kind != "Compartment")


def _read_places(
    pool: ThreadPoolExecutor, reader: PlaceReader, scope: ReadScope
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


def _try(reader: PlaceReader, place: Place) -> tuple[Place, list[LiveResource] | ServiceFailure]:
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


def live_rows(kind: ResourceType, rows: Iterable[Mapping[str, Any]], region: str | None) -> Iterator[LiveResource]:
    """Without what is gone, but for what a tag of this tool is still on: it shows that another tag is a copy."""
    for row in rows:
        state = row.get("lifecycleState")
        if state not in _GONE or (state == DELETED and OWNERSHIP_TAG in (row.get("freeformTags") or {})):
            yield kind.read(row, region)
