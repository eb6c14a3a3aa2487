"""Two applies at once: names of API keys are not unique, so both make one. The first one stays; who made the other deletes it.

Both look after they have made theirs, so that at least one of them sees two, and both judge by the same order. One list
call a compartment and region finds that, however many keys were made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.core import OWNERSHIP_TAG, Change, Outcome, Status
from genai_iac.core.errors import ServiceFailure
from genai_iac.oci_client import OciClient
from genai_iac.resource_types import RESOURCE_TYPES

_ALIVE = ("ACTIVE", "CREATING")


def has_same_tag(row: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a row of a list call is alive and carries the very mark that the create call sent."""
    sent = body["freeformTags"][OWNERSHIP_TAG]
    return row.get("lifecycleState") in _ALIVE and (row.get("freeformTags") or {}).get(OWNERSHIP_TAG) == sent


@dataclass(frozen=True)
class _CreatedKey:
    """A key that this apply made, and what it sent to make it."""

    change: Change
    id: str
    region: str | None
    body: Mapping[str, Any]


class DuplicateGuard:
    """The keys that an apply has made, and what becomes of those that another apply made too."""

    def __init__(self, provider: OciClient) -> None:
        self._provider = provider
        self._made: list[_CreatedKey] = []
        self._lock = threading.Lock()

    def watch(self, change: Change, id: str, region: str | None, body: Mapping[str, Any]) -> None:
        """That key was made by this very apply."""
        with self._lock:
            self._made.append(_CreatedKey(change, id, region, body))

    def part(self) -> Iterator[Outcome]:
        """Delete each key of ours that is not the first of its address; a failed outcome for each."""
        places: dict[tuple[str, str, str | None], list[_CreatedKey]] = {}
        for made in self._made:
            places.setdefault((made.change.address.kind, made.body["compartmentId"], made.region), []).append(made)
        for (kind, compartment, region), several in places.items():
            listing = RESOURCE_TYPES[kind].listing
            try:
                rows = self._provider.read_all(listing.operation, compartment, region, **listing.parameters)
            except ServiceFailure:
                continue  # the next plan names both
            for made in several:
                yield from self._give_way(made, [row for row in rows if has_same_tag(row, made.body)])

    def _give_way(self, made: _CreatedKey, twins: list[Mapping[str, Any]]) -> Iterator[Outcome]:
        first = min(twins, key=lambda row: (row["timeCreated"], row["id"]), default=None)
        if first is None or first["id"] == made.id:
            return
        said = f"another apply made it at the same time ({first['id']})"
        try:
            self._provider.write(
                RESOURCE_TYPES[made.change.address.kind].delete_operation, id=made.id, region=made.region
            )
        except ServiceFailure as failure:
            note = f"{said}, and ours could not be deleted: {failure}"
        else:
            note = f"{said}; ours was deleted again. Apply again: what a sink lacks is delivered"
        yield Outcome(made.change, Status.FAILED, made.id, note)
