"""Shared state of one apply: what was read before it, and the OCIDs of what it has created so far.

Two applies at once: OCI accepts two API keys of one name, so both create one. The first stays; the run that made the other deletes it.
Each run lists after its own create, so at least one of them sees both. Both compare by creation time, then OCID, so they agree which
stays. One list call per compartment and region is enough, however many keys were created. On one machine a lock prevents this; two CI
runners have no common lock (tests/crash/test_two_at_once.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from genai_iac import iam_policy as language
from genai_iac.core import (
    OWNERSHIP_TAG,
    Address,
    Call,
    Change,
    Live,
    LiveResource,
    Outcome,
    Owner,
    Resource,
    Status,
    fixed_part_of_create,
    make_origin,
    read_ownership_tag,
)
from genai_iac.core.address import making_change_of
from genai_iac.core.cancellation import CancelToken
from genai_iac.core.errors import ServiceFailure
from genai_iac.delivery import DeliveryService
from genai_iac.oci_client import OciClient
from genai_iac.planning.planned_state import predict_state
from genai_iac.planning.policy_staleness import digest_names, names_anything
from genai_iac.references.resolver import Resolver
from genai_iac.resource_types import RESOURCE_TYPES

_ALIVE = ("ACTIVE", "CREATING")  # what is being deleted gives way already


def is_alive(row: Mapping[str, Any]) -> bool:
    """Whether a row of a list call is of something that is there, or is about to be."""
    return row.get("lifecycleState") in _ALIVE


class _CreatedKey(Struct, frozen=True):
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
            found: dict[Address, list[LiveResource]] = {}  # a list of many keys is read once, not once for each of them
            for live in (RESOURCE_TYPES[kind].read(row, region) for row in rows if is_alive(row)):
                if (mark := read_ownership_tag(live.tags.get(OWNERSHIP_TAG))) is not None:
                    found.setdefault(mark.address, []).append(live)
            for made in several:
                tag, alike = made.body["freeformTags"][OWNERSHIP_TAG], found.get(made.change.address, ())
                yield from self._give_way(made, [live for live in alike if self._is_same_birth(tag, live)])

    def _give_way(self, made: _CreatedKey, duplicates: list[LiveResource]) -> Iterator[Outcome]:
        # The time of creation is the service's own, so both runs see the same order.
        first = min(duplicates, key=lambda live: live.age_order, default=None)
        if first is None or first.id == made.id:
            return
        said = f"another apply made it at the same time ({first.id})"
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


class ApplyContext:
    """Shared by the changes of one apply, whatever thread each is in.

    Args:
        provider: the client; safe to share between threads.
        owner: writes the ownership tags.
        resources: the declared ones.
        live: what the plan was made from.
        deliveries: writes the sinks.
        directory: names of groups to OCIDs.
        stop: set when the run is interrupted.
    """

    def __init__(
        self,
        provider: OciClient,
        owner: Owner,
        resources: Mapping[Address, Resource],
        live: Live,
        deliveries: DeliveryService,
        directory: language.Directory,
        stop: CancelToken,
    ) -> None:
        self.provider, self.resources, self.stop, self.now = provider, resources, stop, live.now
        # Objects as the plan saw them; each first write is compared with it.
        self.before = {address: group[0] for address, group in live.owned.items() if len(group) == 1}
        self.ids = {address: one.id for address, one in self.before.items()}
        # Shares `ids`, so it knows every OCID as soon as it is created.
        self.resolver = Resolver(resources, live.tree, self.ids)
        self.deliveries = deliveries.knowing(self.resolver)
        self.duplicates = DuplicateGuard(provider, self.is_same_birth, self._empty_sinks)
        self._owner, self._tree, self._directory = owner, live.tree, directory
        self._compartments = {address: one for address, one in resources.items() if address.kind == "Compartment"}
        self._known = {
            one.id for one in (*live.found, *live.beyond)
        }  # was there before this run, so no other run's duplicate
        self._reshaped = False  # a compartment got another name, place or end: OCI rewrites the policies that name it

    def _empty_sinks(self, address: Address, id: str) -> tuple[str, ...]:
        """Take the values of a key that this apply made, and deleted again, out of its sinks."""
        resource = self.resources.get(address)
        return self.deliveries.empty(resource, id) if resource is not None else ()

    def describe_place(self, change: Change) -> str:
        """Where the rights of a change are granted: `compartment /a/b (OCID)`, or the tenancy."""
        declared, before = self.resources.get(change.address), self.before.get(change.address)
        # where it is now comes first: an update, and the first step of a move, are judged there
        place = before.compartment if before else self._tree.tenancy
        if declared is not None and not before:
            place = str(self.resolver.value(declared.attributes["compartmentId"]))
        if place == self._tree.tenancy:
            return f"the tenancy ({place})"
        made = {id: str(address) for address, id in self.ids.items()}
        name = self._tree.path(place) if place in self._tree else made.get(place, "")
        return f"compartment {name} ({place})"

    def reshape(self) -> None:
        """Note that a compartment was renamed, moved or deleted.

        OCI then rewrites statements that name it. Such a policy has changed since the plan, and nobody edited it: without this
        note every such policy of the same plan would be refused as stale.
        """
        self._reshaped = True

    def is_as_planned(self, address: Address, seen: LiveResource, rewritten: tuple[str, ...]) -> bool:
        """Whether nobody changed the object since it was read; `rewritten` names the fields that OCI itself may rewrite.

        Args:
            address: of the change that writes.
            seen: the object as read just now.

        Returns:
            True as well for an object that the plan did not know, or knew under another OCID:
                there is nothing to compare.
        """
        planned = self.before.get(address)
        if (
            planned is None
            or planned.id != seen.id
            or (seen.attributes, seen.tags) == (planned.attributes, planned.tags)
        ):
            return True
        blank = dict.fromkeys(rewritten)
        return self._reshaped and {**seen.attributes, **blank} == {**planned.attributes, **blank}

    def mark_created(self, change: Change, call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a create that is about to be sent, with the ownership tag in it.

        Args:
            call: the create.
            body: of that call, with all references resolved.
        """
        resource, origin = self.resources.get(change.address), make_origin(self.provider.now())
        fixed = fixed_part_of_create(change.address.kind, body, call.region)
        mark = self._owner.create_tag(change.address, fixed, origin, resource.deletion if resource else "delete")
        marked = {**body, "freeformTags": {**body.get("freeformTags", {}), OWNERSHIP_TAG: mark}}
        return self._with_names(call, marked, body["compartmentId"])

    def seal_unfit(self, live: LiveResource) -> dict[str, str] | None:
        """The tags to write at once when the service took so long to create it that its ownership tag does not fit; else None.

        Args:
            live: the object as the create's answer shows it.
        """
        mark = read_ownership_tag(live.tags.get(OWNERSHIP_TAG))
        if mark is None or self._owner.fits(mark, live):
            return None
        seal = self._owner.seal(mark.address, live.id, mark.deletion, mark.origin)
        return {**live.tags, OWNERSHIP_TAG: Owner.with_names(seal, mark.names)}

    def is_same_birth(self, sent: str, found: LiveResource) -> bool:
        """Whether a create call with that ownership tag, or another run's for the same address, made that resource.

        Args:
            sent: the tag of our create call.
            found: a live resource from a list call.

        True for another run's resource too: two applies of one stack at the same time make two
        originals.
        """
        tag = found.tags.get(OWNERSHIP_TAG)
        mark, asked = read_ownership_tag(tag), read_ownership_tag(sent)
        if mark is None or asked is None or mark.sealed or found.id in self._known:
            return False
        same = (mark.owner, mark.stack_id, mark.address) == (asked.owner, asked.stack_id, asked.address)
        return tag == sent or (same and self._owner.fits(mark, found))

    def mark_updated(self, call: Call, body: Mapping[str, Any], attached: str) -> dict[str, Any]:
        """The body of an update; when it writes a policy, its tag has a digest of what the names in it mean by now.

        Args:
            call: the update.
            body: of that call, resolved, with tags.
            attached: OCID of the compartment where the policy is attached.
        """
        return self._with_names(call, body, attached) if "statements" in body else dict(body)

    def _with_names(self, call: Call, body: Mapping[str, Any], attached: str) -> dict[str, Any]:
        tags, statements = body["freeformTags"], call.body.get("statements", ())
        assert isinstance(statements, list | tuple)
        # Asked of the statements as written, whose trees planning made: filled in, each is a new text to parse.
        names = self._digest_names(body["statements"], attached) if names_anything(statements) else ""
        return {**body, "freeformTags": {**tags, OWNERSHIP_TAG: Owner.with_names(tags[OWNERSHIP_TAG], names)}}

    def _digest_names(self, statements: Iterable[str], attached: str) -> str:
        """What the names mean now, with the compartments that this apply has created so far."""
        future = predict_state(self._compartments, self._tree, dict(self.ids))
        return digest_names(
            statements, future.directory(self._directory.group, self._directory.dynamic_group), attached
        )
