"""The calls of one change: each with the etag of the object as planned, and followed to the end of its work request.

Responses can be lost. A create is found again by its ownership tag, an update by reading whether it took effect, a delete by 404;
so a repeated call never makes a second object. tests/plan_apply/test_faults.py loses every response once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genai_iac.core import CONTENTS_TAG, OWNERSHIP_TAG, Address, Call, Change, LiveResource, Secret
from genai_iac.core.errors import IacError, ServiceFailure, StalePlanError
from genai_iac.execute.context import ApplyContext, is_alive
from genai_iac.oci_client import OciClient, OciResponse
from genai_iac.resource_types import RESOURCE_TYPES, ResourceType

LIFECYCLE_TIMEOUT = 600.0  # seconds; an API key needs seconds; the limit is for a service that is stuck


class CallExecutor:
    """Makes calls on one object, and keeps what the last response said of it (OCID, etag, state).

    One per change; used by one thread.

    Args:
        progress: state shared by the changes of this apply.
        change: whose calls are made.
    """

    def __init__(self, progress: ApplyContext, change: Change) -> None:
        self._progress, self._change = progress, change
        self._provider = progress.provider
        self._kind: ResourceType = RESOURCE_TYPES[change.address.kind]
        self._etag: str | None = None  # of the last response; sent as if-match with the next write
        self.id = change.id
        self.live: LiveResource | None = None  # as the last answer showed it
        self.new_values: dict[str, Secret] = {}  # by secret name; emptied by the delivery
        self.notes: list[str] = []  # for the Outcome

    def make(self, call: Call) -> None:
        """Make one call. Raises IacError.

        Args:
            call: of this change, in the plan's order. The kind of the operation decides how a
                lost answer is found again.

        Raises:
            StalePlanError: the object was changed since the plan was made.
            ServiceFailure: the service refused, or it is not known whether the call had its
                effect.
            IacError: a work request failed.
        """
        if call.about is not None:
            self._modify_other(call, call.about)
        elif call.operation.startswith("Create"):
            self._create(call)
        elif call.operation == self._kind.delete_operation:
            self._delete(call)
        else:
            self._modify(call)

    def wait_until_ready(self, call: Call) -> None:
        """Wait until the object is no longer CREATING or UPDATING, at most LIFECYCLE_TIMEOUT; returns early when interrupted.

        Args:
            call: the create; gives the region of the reads.
        """
        pauses = self._progress.stop.pauses(LIFECYCLE_TIMEOUT)
        while self.live is not None and self.live.in_transition and next(pauses, False):
            assert self.id is not None
            self._keep(self._provider.get(self._kind.get_operation, self.id, call.region, retry_404=True), call)

    def _create(self, call: Call) -> None:
        """Create the object, or find the one that an earlier attempt created although its answer was lost."""
        resolved = self._progress.resolver.final(call.body, self._provider.now())
        sent: list[dict[str, Any]] = []
        recovered = False

        # Called per attempt: the tag holds the moment of the call, and a second attempt minutes
        # later would not fit the first's tag.
        def marked() -> dict[str, Any]:
            sent.append(self._progress.mark_created(self._change, call, resolved))
            return sent[-1]

        try:
            reply = self._provider.create(call.operation, marked, region=call.region)
        except ServiceFailure as failure:
            # 409: a name that must be unique is taken, perhaps by our own first attempt.
            found = self._find_lost(call, sent[-1]) if failure.uncertain or failure.status == 409 else None
            if found is None:
                raise
            # Another run's: what that recorded of the contents may be less than what this run puts there.
            if (found.get("freeformTags") or {}).get(CONTENTS_TAG) != sent[-1]["freeformTags"].get(CONTENTS_TAG):
                said = f"another apply made {self._change.address} at the same time"
                raise StalePlanError(said, hint="plan again") from failure
            reply, recovered = OciResponse(found), True
        self._keep(reply, call)
        assert self.id is not None
        # a name that need not be unique is made twice by two applies; the answer, and values in it, show that this one is ours
        ours = bool(reply.secrets) if self._kind.creates_secrets else not recovered
        if ours and self._kind.name_scope is None:
            self._progress.duplicates.watch(self._change, self.id, call.region, sent[-1])
        # From now on references to this address resolve; changes that need it may begin.
        self._progress.ids[self._change.address] = self.id

    def seal(self, call: Call) -> None:
        """Bind the ownership tag to the OCID at once when the create took too long for the tag to fit.

        The tag of a create call fits creations within 60 seconds. A slower one would look like
        a copy to the next plan (tests/plan_apply/test_identity.py,
        test_a_creation_that_took_long_is_bound_to_its_ocid_at_once).
        """
        tags = self._progress.seal_unfit(self.live) if self.live is not None else None
        if tags is None:
            return
        assert self.id is not None
        body = {"freeformTags": tags}
        reply = self._provider.write(
            self._kind.update_operation, id=self.id, body=body, region=call.region, etag=self._etag
        )
        self.notes.append("its creation took long, so its ownership tag was written again")
        if reply.data:
            self._keep(reply, call)

    def _find_lost(self, call: Call, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The object of a create whose answer was lost: it carries the very tag that the call sent."""
        listing, tag = self._kind.listing, body["freeformTags"][OWNERSHIP_TAG]
        place = self._provider.tenancy if listing.reach == "tenancy" else body["compartmentId"]
        for row in self._provider.read_all(listing.operation, place, call.region, **listing.parameters):
            if is_alive(row) and self._progress.is_same_birth(tag, self._kind.read(row, call.region)):
                return row
        return None

    def _modify(self, call: Call) -> None:
        """Update the object with the etag of its last reading, so that a concurrent edit is refused and never overwritten."""
        assert self.id is not None
        # The first write of a change reads once; later ones use the etag of the answer before.
        if self._etag is None and call.id is not None:
            self._look(call)
        body = self._progress.resolver.final(call.body, self._provider.now())
        if self.live is not None:
            body = self._progress.mark_updated(call, body, self.live.compartment)
        try:
            reply = self._provider.write(call.operation, id=self.id, body=body, region=call.region, etag=self._etag)
        except ServiceFailure as failure:
            # the first attempt may have worked and its response been lost: then the retry meets the etag that it made
            if not (failure.uncertain and failure.code == "NoEtagMatch" and self._was_applied(call, body)):
                raise
            return
        self._end(call, reply)
        self._etag = reply.etag
        if reply.data:
            self._keep(reply, call)

    def _modify_other(self, call: Call, address: Address) -> None:
        """Change another resource first; its own change follows later and starts from what this one wrote."""
        kind, progress = RESOURCE_TYPES[address.kind], self._progress
        assert call.id is not None
        reply = self._provider.get(kind.get_operation, call.id, call.region)
        seen = kind.read(reply.data, call.region)
        # The other change's plan was made on what was read before; it must still hold.
        if not progress.is_as_planned(address, seen, kind.statement_fields):
            raise StalePlanError(f"{address} ({call.id}) was changed since the plan was made", hint="plan again")
        resolved = progress.resolver.final(call.body, self._provider.now())
        body = progress.mark_updated(call, resolved, seen.compartment)
        try:
            reply = self._provider.write(call.operation, id=call.id, body=body, region=call.region, etag=reply.etag)
        except ServiceFailure as failure:
            if not (failure.uncertain and failure.code == "NoEtagMatch"):
                raise
            reply = self._provider.get(kind.get_operation, call.id, call.region)
            if any(reply.data.get(name) != value for name, value in body.items()):
                raise
        # Else that other change would find the object changed, by this very write, and refuse
        # itself.
        progress.before[address] = kind.read(reply.data, call.region)

    def _look(self, call: Call) -> None:
        """Read the etag before the first write. Raises StalePlanError when somebody changed the object since the plan was made."""
        assert self.id is not None
        reply = self._provider.get(self._kind.get_operation, self.id, call.region)
        seen = self._kind.read(reply.data, call.region)
        address = self._change.address
        if self.live is None and not self._progress.is_as_planned(address, seen, self._kind.statement_fields):
            raise StalePlanError(f"{address} ({self.id}) was changed since the plan was made", hint="plan again")
        self._keep(reply, call)

    def _was_applied(self, call: Call, body: Mapping[str, Any]) -> bool:
        """Whether the object already has every value that the call would set."""
        assert self.id is not None
        reply = self._provider.get(self._kind.get_operation, self.id, call.region)
        self._keep(reply, call)
        return all(reply.data.get(name) == value for name, value in body.items())

    def _delete_replaced(self, call: Call) -> None:
        """Delete what the resource of this change has taken the place of."""
        assert call.id is not None
        address = self._change.address
        try:
            reply = self._provider.get(self._kind.get_operation, call.id, call.region)
            seen = self._kind.read(reply.data, call.region)
            if not self._progress.is_as_planned(address, seen, self._kind.statement_fields):
                raise StalePlanError(f"{address} ({call.id}) was changed since the plan was made", hint="plan again")
            reply = self._provider.write(call.operation, id=call.id, region=call.region, etag=reply.etag)
        except ServiceFailure as failure:
            if failure.status != 404 and not self._was_deleted(failure, call, call.id):
                raise
            self.notes.append("the one that it replaces was gone already")
        else:
            if reply.work_request:
                self._follow(reply.work_request, call)

    def _delete(self, call: Call) -> None:
        """Delete the object. One that is gone already counts as deleted."""
        assert self.id is not None
        # A replacement: this change has created the successor, and the call names the old
        # object.
        if call.id is not None and call.id != self.id:
            self._delete_replaced(call)
            return
        try:
            self._look(call)
            reply = self._provider.write(call.operation, id=self.id, region=call.region, etag=self._etag)
        except ServiceFailure as failure:
            gone = failure.status == 404 and (failure.uncertain or failure.operation == self._kind.get_operation)
            if not gone and not self._was_deleted(failure, call, self.id):
                raise
            self.notes.append("it was already deleted")
            reply = OciResponse({})
        self._end(call, reply)
        self._etag = None

    def _was_deleted(self, failure: ServiceFailure, call: Call, id: str) -> bool:
        """Whether a deletion whose answer was lost took place after all; waits for one that is under way.

        A compartment that is being deleted answers the second attempt with 412 or 409, because the first one changed its
        state (tests/crash/test_fault_matrix.py, the answers of DeleteCompartment that cannot be read).
        """
        if not (failure.uncertain and failure.status in (409, 412)):
            return False
        pauses = self._progress.stop.pauses(LIFECYCLE_TIMEOUT)
        while True:
            try:
                state = self._kind.read(self._provider.get(self._kind.get_operation, id, call.region).data, call.region)
            except ServiceFailure as unreadable:
                if unreadable.status != 404:
                    raise
                return True
            if state.lifecycle != "DELETING" or not next(pauses, False):
                return state.lifecycle == "DELETED"

    def _end(self, call: Call, reply: OciResponse) -> None:
        """Wait for the work request that the response named; note when compartments changed."""
        if reply.work_request:
            self._follow(reply.work_request, call)
        if self._change.address.kind == "Compartment" and (
            call.operation != self._kind.update_operation or "name" in call.body
        ):
            self._progress.reshape()

    def _follow(self, work_request: str, call: Call) -> None:
        """Wait for the work request.

        Raises IacError with its errors, and for a compartment with what is still inside.
        """
        try:
            ended = self._provider.follow(work_request)
        except ServiceFailure as failure:
            if failure.status != 404:
                raise
            self.notes.append("the service does not know the work request that it named")
            return
        if not ended:
            assert self.id is not None
            said = "; ".join(ended.errors) or f"the work request ended {ended.status}"
            inside = ", ".join(_inside(self._provider, self.id)) if call.operation == "DeleteCompartment" else ""
            raise IacError(
                f"{call.operation} did not happen: {said}" + (f"; still inside: {inside}" if inside else ""),
                hint="remove or move what is inside, then apply again" if inside else "apply again",
            )

    def _keep(self, reply: OciResponse, call: Call) -> None:
        """Remember what a response says: new values first, then the object, its OCID and its etag."""
        self.new_values.update(reply.secrets)  # first: nothing else that the answer says can take them away again
        self.live = self._kind.read(reply.data, call.region)
        self.id, self._etag = self.live.id, reply.etag


def _inside(provider: OciClient, compartment: str) -> Iterator[str]:
    """What a compartment still contains, for the message of a failed deletion.

    Reads only the kinds that this tool manages.
    """
    for kind in RESOURCE_TYPES.values():
        for region in provider.regions if kind.listing.reach == "compartment and region" else (None,):
            place = provider.tenancy if kind.listing.reach == "tenancy" else compartment
            for row in provider.read_all(kind.listing.operation, place, region, **kind.listing.parameters):
                one = kind.read(row, region)
                if one.compartment == compartment and one.lifecycle not in ("DELETED", "DELETING"):
                    yield f"{kind.name} {one.name} ({one.id})"
