"""Shared state of one apply: what was read before it, and the OCIDs of what it has created so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genai_iac import iam_policy as language
from genai_iac.core import (
    OWNERSHIP_TAG,
    Address,
    Change,
    Live,
    LiveResource,
    Owner,
    Resource,
    fixed_part_of_create,
    make_origin,
    read_ownership_tag,
)
from genai_iac.core.cancellation import CancelToken
from genai_iac.delivery import DeliveryService
from genai_iac.execute.duplicate_creates import DuplicateGuard
from genai_iac.oci_client import OciClient
from genai_iac.planning.planned_state import predict_state
from genai_iac.planning.policy_staleness import digest_names, names_anything
from genai_iac.references.resolver import Resolver


class ApplyContext:
    """Shared by the changes of one apply, whatever thread each is in.

    Args:
        provider: the client; safe to share between threads.
        owner: writes the ownership tags.
        resources: the declared ones.
        live: what the plan was made from.
        desk: writes the sinks.
        directory: names of groups to OCIDs.
        stop: set when the run is interrupted.
    """

    def __init__(
        self,
        provider: OciClient,
        owner: Owner,
        resources: Mapping[Address, Resource],
        live: Live,
        desk: DeliveryService,
        directory: language.Directory,
        stop: CancelToken,
    ) -> None:
        self.provider, self.resources, self.stop, self.now = provider, resources, stop, live.now
        # Objects as the plan saw them; each first write is compared with it.
        self.before = {address: group[0] for address, group in live.owned.items() if len(group) == 1}
        self.ids = {address: one.id for address, one in self.before.items()}
        # Shares `ids`, so it knows every OCID as soon as it is created.
        self.resolver = Resolver(resources, live.tree, self.ids)
        self.desk = desk.knowing(self.resolver)
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
        return self.desk.empty(resource, id) if resource is not None else ()

    def reshape(self) -> None:
        """Note that a compartment was renamed, moved or deleted.

        OCI then rewrites statements that name it. Such a policy has changed since the plan, and by nobody's hand: without this
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

    def mark_created(self, change: Change, body: Mapping[str, Any], region: str | None) -> dict[str, Any]:
        """The body of a create that is about to be sent, with the ownership tag in it.

        Args:
            body: with all references resolved.
            region: None for the home region.
        """
        resource, origin = self.resources.get(change.address), make_origin(self.provider.now())
        fixed = fixed_part_of_create(change.address.kind, body, region)
        mark = self._owner.birth(change.address, fixed, origin, resource.deletion if resource else "delete")
        marked = {**body, "freeformTags": {**body.get("freeformTags", {}), OWNERSHIP_TAG: mark}}
        return self._with_names(marked, body["compartmentId"])

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

    def mark_updated(self, body: Mapping[str, Any], attached: str) -> dict[str, Any]:
        """The body of an update; when it writes a policy, its mark tells what the names in it come to by now.

        Args:
            body: of an update, resolved, with tags.
            attached: OCID of the compartment where the policy is attached.
        """
        return self._with_names(body, attached) if "statements" in body else dict(body)

    def _with_names(self, body: Mapping[str, Any], attached: str) -> dict[str, Any]:
        statements, tags = body.get("statements", ()), body["freeformTags"]
        names = self._digest_names(statements, attached) if names_anything(statements) else ""
        return {**body, "freeformTags": {**tags, OWNERSHIP_TAG: Owner.with_names(tags[OWNERSHIP_TAG], names)}}

    def _digest_names(self, statements: Iterable[str], attached: str) -> str:
        """What the names mean now, with the compartments that this apply has created so far."""
        future = predict_state(self._compartments, self._tree, dict(self.ids))
        return digest_names(
            statements, future.directory(self._directory.group, self._directory.dynamic_group), attached
        )
