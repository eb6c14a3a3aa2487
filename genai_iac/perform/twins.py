"""Two applies at once: names of API keys are not unique, so both make one. The first one stays; who made the other deletes it.

Both look after they have made theirs, so that at least one of them sees two, and both judge by the same order. One list
call a compartment and region finds that, however many keys were made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.errors import ServiceFailure
from genai_iac.kinds import KINDS
from genai_iac.model import TAG, Change, Outcome, Status
from genai_iac.provider import Provider

_ALIVE = ("ACTIVE", "CREATING")


def is_twin(row: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a row of a list call is alive and carries the very mark that the create call sent."""
    sent = body["freeformTags"][TAG]
    return row.get("lifecycleState") in _ALIVE and (row.get("freeformTags") or {}).get(TAG) == sent


@dataclass(frozen=True)
class _Made:
    """A key that this apply made, and what it sent to make it."""

    change: Change
    id: str
    region: str | None
    body: Mapping[str, Any]


class Twins:
    """The keys that an apply has made, and what becomes of those that another apply made too."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._made: list[_Made] = []
        self._lock = threading.Lock()

    def watch(self, change: Change, id: str, region: str | None, body: Mapping[str, Any]) -> None:
        """That key was made by this very apply."""
        with self._lock:
            self._made.append(_Made(change, id, region, body))

    def part(self) -> Iterator[Outcome]:
        """Delete each key of ours that is not the first of its address; a failed outcome for each."""
        places: dict[tuple[str, str | None], list[_Made]] = {}
        for made in self._made:
            places.setdefault((made.body["compartmentId"], made.region), []).append(made)
        listing = KINDS["ApiKey"].listing
        for (compartment, region), several in places.items():
            try:
                rows = self._provider.read_all(listing.operation, compartment, region, **listing.parameters)
            except ServiceFailure:
                continue  # the next plan names both
            for made in several:
                yield from self._give_way(made, [row for row in rows if is_twin(row, made.body)])

    def _give_way(self, made: _Made, twins: list[Mapping[str, Any]]) -> Iterator[Outcome]:
        first = min(twins, key=lambda row: (row["timeCreated"], row["id"]), default=None)
        if first is None or first["id"] == made.id:
            return
        said = f"another apply made it at the same time ({first['id']})"
        try:
            self._provider.write(KINDS["ApiKey"].delete_operation, id=made.id, region=made.region)
        except ServiceFailure as failure:
            note = f"{said}, and ours could not be deleted: {failure}"
        else:
            note = f"{said}; ours was deleted again. Apply again: what a sink lacks is delivered"
        yield Outcome(made.change, Status.FAILED, made.id, note)
