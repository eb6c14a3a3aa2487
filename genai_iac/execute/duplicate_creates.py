"""Two applies at once: OCI accepts two API keys of one name, so both create one. The first stays; the run that made the other deletes it.

Each run lists after its own create, so at least one of them sees both. Both compare by creation time, then OCID, so they
agree which stays. One list call per compartment and region is enough, however many keys were created.
On one machine a lock prevents this; two CI runners have no common lock (tests/crash/test_two_at_once.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.core import OWNERSHIP_TAG, Address, Change, LiveResource, Outcome, Status
from genai_iac.core.current_address import making_change_of
from genai_iac.core.errors import ServiceFailure
from genai_iac.oci_client import OciClient
from genai_iac.resource_types import RESOURCE_TYPES

_ALIVE = ("ACTIVE", "CREATING")  # what is being deleted gives way already


def is_alive(row: Mapping[str, Any]) -> bool:
    """Whether a row of a list call is of something that is there, or is about to be."""
    return row.get("lifecycleState") in _ALIVE


@dataclass(frozen=True)
class _CreatedKey:
    """A key that this apply created, and the body that it sent."""

    change: Change  # for the Outcome of a duplicate
    id: str
    region: str | None
    body: Mapping[str, Any]  # with the ownership tag that was sent


class DuplicateGuard:
    """Remembers the keys that an apply created, and deletes those that another apply created first.

    Args:
        provider: lists and deletes.
        is_same_birth: whether a create with that tag, of this run or another, made that
            resource.
    """

    def __init__(
        self,
        provider: OciClient,
        is_same_birth: Callable[[str, LiveResource], bool],
        empty: Callable[[Address, str], Iterable[str]],
    ) -> None:
        """`empty` takes the values of a key out of its sinks, and says what it did."""
        self._provider, self._is_same_birth, self._empty = provider, is_same_birth, empty
        self._made: list[_CreatedKey] = []
        self._lock = threading.Lock()

    def watch(self, change: Change, id: str, region: str | None, body: Mapping[str, Any]) -> None:
        """Remember a key that this apply created. Safe to call from any thread.

        Args:
            body: as sent; holds the ownership tag and the compartment.
        """
        with self._lock:
            self._made.append(_CreatedKey(change, id, region, body))

    def part(self) -> Iterator[Outcome]:
        """Delete each key of ours that is not the first of its address; yields a failed Outcome for each.

        Called once, after all changes. An apply that created no key makes no request.
        """
        places: dict[tuple[str, str, str | None], list[_CreatedKey]] = {}
        for made in self._made:
            places.setdefault((made.change.address.kind, made.body["compartmentId"], made.region), []).append(made)
        for (kind, compartment, region), several in places.items():
            listing = RESOURCE_TYPES[kind].listing
            try:
                rows = self._provider.read_all(listing.operation, compartment, region, **listing.parameters)
            except ServiceFailure:
                continue  # the next plan reports both as a conflict
            for made in several:
                yield from self._give_way(made, [row for row in rows if self._is_duplicate(row, made)])

    def _is_duplicate(self, row: Mapping[str, Any], made: _CreatedKey) -> bool:
        return is_alive(row) and self._is_same_birth(
            made.body["freeformTags"][OWNERSHIP_TAG], RESOURCE_TYPES[made.change.address.kind].read(row, made.region)
        )

    def _give_way(self, made: _CreatedKey, duplicates: list[Mapping[str, Any]]) -> Iterator[Outcome]:
        # `timeCreated` is the service's own, so both runs see the same order.
        first = min(duplicates, key=lambda row: (row["timeCreated"], row["id"]), default=None)
        if first is None or first["id"] == made.id:
            return
        said = f"another apply made it at the same time ({first['id']})"
        try:
            # For the audit file: this delete is no call of the plan.
            with making_change_of(made.change.address):
                self._provider.write(
                    RESOURCE_TYPES[made.change.address.kind].delete_operation, id=made.id, region=made.region
                )
        except ServiceFailure as failure:
            note = f"{said}, and ours could not be deleted: {failure}"
        else:
            # what a file of this machine holds is of no use to anybody now, and the values of the other key are not here
            emptied = "".join(f"; {what}" for what in self._empty(made.change.address, made.id))
            note = f"{said}; ours was deleted again{emptied}. Apply again: what a sink lacks is delivered"
        yield Outcome(made.change, Status.FAILED, made.id, note)
