"""One change, call by call: the etag first, the owner mark inside the create, values to the sinks before anything stops working."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from genai_iac import policy as language
from genai_iac.compiled import digest_names, names_anything
from genai_iac.delivery import Desk
from genai_iac.errors import IacError, ServiceFailure, SinkError, StalePlanError
from genai_iac.future import foresee
from genai_iac.kinds import KINDS, Kind
from genai_iac.model import TAG, Address, Call, Change, Live, LiveResource, Owner, Resource, Role, Secret
from genai_iac.provider import Provider, Reply
from genai_iac.resolve import Resolver
from genai_iac.stop import Stop
from genai_iac.verify import is_dead, verify_secret

_SETTLING = ("CREATING", "UPDATING")
_SETTLE_SECONDS = 600.0


class Performer:
    """Does changes, in any order that their `needs` allow and from any thread; knows the OCIDs of what it has made."""

    def __init__(
        self,
        provider: Provider,
        owner: Owner,
        resources: Mapping[Address, Resource],
        live: Live,
        desk: Desk,
        directory: language.Directory,
        stop: Stop,
    ) -> None:
        self._provider, self._owner, self.stop = provider, owner, stop
        self._resources, self._tree, self._directory = resources, live.tree, directory
        self._before = {address: group[0] for address, group in live.owned.items() if len(group) == 1}
        self._ids = {address: one.id for address, one in self._before.items()}
        self._resolver = Resolver(resources, live.tree, self._ids)
        self._desk = desk.knowing(self._resolver)
        self.reshaped = False  # a compartment got another name, place or end: OCI rewrites the policies that name it
        self._open_window(live)

    def prove(self, change: Change) -> None:
        """Show that every sink to which the change brings values can be written. Raises SinkError."""
        if change.deliver and change.address in self._resources:
            self._desk.prove(self._resources[change.address], change.id)

    def perform(self, change: Change) -> tuple[str | None, str]:
        """Make the change's calls and deliveries; answers the OCID and a note for people. Raises IacError."""
        return _Act(self, change).run()

    def digest_names(self, statements: list[str], attached: str) -> str:
        """What the names in a policy come to when it is written now."""
        future = foresee(self._resources, self._tree, dict(self._ids))
        known = future.directory(self._directory.group, self._directory.dynamic_group)
        return digest_names(statements, known, attached)

    def _open_window(self, live: Live) -> None:
        """A compartment that an earlier, interrupted run made seconds ago may be news to other services still."""
        for one in self._before.values():
            if one.created is not None:
                self._provider.window.open((live.now - one.created).total_seconds())


class _Act:
    """One change under way."""

    def __init__(self, performer: Performer, change: Change) -> None:
        self._p, self.change = performer, change
        self.provider = performer._provider
        self.kind: Kind = KINDS[change.address.kind]
        self.resource = performer._resources.get(change.address)
        self.id = change.id
        self.etag: str | None = None
        self.now: LiveResource | None = None  # as the last answer showed it
        self.minted: dict[str, Secret] = {}
        self.pending = bool(change.deliver)
        self.notes: list[str] = []

    def run(self) -> tuple[str | None, str]:
        minted = self.change.mints
        if self.resource is not None and minted:
            if self.change.needs:
                self._p.prove(self.change)  # the compartment that a sink needs may be there only now
            self._p._desk.announce(self.resource, self.id, minted)
        retired = self._take_retired()
        for call in self.change.calls:
            if self.pending and (call.takes_away or (self.minted and self._p.stop.is_set())):
                self._deliver()
            self._end_when_asked(call)
            self._make(call)
        if self.pending:
            self._deliver()
        self._prove_dead(retired)
        if self.change.ends and self.resource is not None and self.id is not None:
            self.notes.extend(self._p._desk.empty(self.resource, self.id))
        return self.id, "; ".join(self.notes)

    def _end_when_asked(self, call: Call) -> None:
        """Between two requests, never between a mint and its delivery."""
        if self._p.stop.is_set():
            raise IacError(f"interrupted before {call.operation}", hint="apply again: it goes on from there")

    def _take_retired(self) -> Secret | None:
        """The value that is to be shown dead at the end, before the sinks let it go."""
        name = self.change.handover.retired if self.change.handover else None
        before = self._p._before.get(self.change.address)
        if name is None or self.resource is None or before is None:
            return None
        return self._p._desk.take(self.resource, before, name)

    def _make(self, call: Call) -> None:
        if call.operation.startswith("Create"):
            self._create(call)
        elif call.operation == self.kind.delete_operation:
            self._delete(call)
        else:
            self._modify(call)

    def _create(self, call: Call) -> None:
        body = self._p._resolver.final(call.body, self.provider.now())
        mark = self._p._owner.birth(
            self.change.address, body["compartmentId"], self.resource.deletion if self.resource else "delete"
        )
        if names_anything(body.get("statements", ())):
            mark = Owner.with_names(mark, self._p.digest_names(body["statements"], body["compartmentId"]))
        body["freeformTags"] = {**body.get("freeformTags", {}), TAG: mark}
        try:
            reply = self.provider.write(call.operation, body=body, region=call.region)
        except ServiceFailure as failure:
            found = self._find_lost(call, body) if failure.uncertain or failure.status == 409 else None
            if found is None:
                raise
            reply = Reply(found)
        self._keep(reply, call.region)
        assert self.id is not None
        self._p._ids[self.change.address] = self.id
        if self.minted and self.pending:
            self._deliver()  # values are in this memory alone: nothing is waited for first
        self._settle(call.region)

    def _find_lost(self, call: Call, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The resource of a create whose answer was lost: it carries the very mark that the call sent."""
        listing = self.kind.listing
        place = self.provider.tenancy if listing.reach == "tenancy" else body["compartmentId"]
        for row in self.provider.read_all(listing.operation, place, call.region, **listing.parameters):
            alive = row.get("lifecycleState") in ("ACTIVE", "CREATING")
            if alive and (row.get("freeformTags") or {}).get(TAG) == body["freeformTags"][TAG]:
                return row
        return None

    def _settle(self, region: str | None) -> None:
        began, pause = time.monotonic(), 0.1
        while self.now is not None and self.now.lifecycle in _SETTLING and time.monotonic() - began < _SETTLE_SECONDS:
            if not self._p.stop.rest(pause):
                return
            pause = min(pause * 1.5, 5.0)
            assert self.id is not None
            self._keep(self.provider.get(self.kind.get_operation, self.id, region, patient=True), region)

    def _modify(self, call: Call) -> None:
        assert self.id is not None
        if self.etag is None and call.id is not None:
            self._look(call)
        body = self._p._resolver.final(call.body, self.provider.now())
        if "statements" in body and self.now is not None:
            tags, digest = body["freeformTags"], self._p.digest_names(body["statements"], self.now.compartment)
            body["freeformTags"] = {**tags, TAG: Owner.with_names(tags[TAG], digest)}
        try:
            reply = self.provider.write(call.operation, id=self.id, body=body, region=call.region, etag=self.etag)
        except ServiceFailure as failure:
            # an earlier attempt of this very call may be what changed the etag
            if not (failure.uncertain and failure.code == "NoEtagMatch" and self._has_landed(call, body)):
                raise
            return
        if reply.work_request:
            self._follow(reply.work_request, call)
        self._note_reshaping(call)
        self.etag = reply.etag
        if reply.data:
            self._keep(reply, call.region)

    def _look(self, call: Call) -> None:
        """Read the etag, and refuse to touch what somebody changed since the plan was made."""
        assert self.id is not None
        reply = self.provider.get(self.kind.get_operation, self.id, call.region)
        seen = self.kind.read(reply.data, call.region)
        if self.now is None and not self._is_as_planned(seen):
            raise StalePlanError(
                f"{self.change.address} ({self.id}) was changed by somebody since the plan was made", hint="plan again"
            )
        self._keep(reply, call.region)

    def _is_as_planned(self, seen: LiveResource) -> bool:
        planned = self._p._before.get(self.change.address)
        if planned is None or (seen.attributes, seen.tags) == (planned.attributes, planned.tags):
            return True
        rewritten = dict.fromkeys(self.kind.statement_fields)
        return self._p.reshaped and {**seen.attributes, **rewritten} == {**planned.attributes, **rewritten}

    def _has_landed(self, call: Call, body: Mapping[str, Any]) -> bool:
        assert self.id is not None
        reply = self.provider.get(self.kind.get_operation, self.id, call.region)
        self._keep(reply, call.region)
        return all(reply.data.get(name) == value for name, value in body.items())

    def _delete(self, call: Call) -> None:
        assert self.id is not None
        try:
            self._look(call)
            reply = self.provider.write(call.operation, id=self.id, region=call.region, etag=self.etag)
        except ServiceFailure as failure:
            if failure.status == 404 and (failure.uncertain or failure.operation == self.kind.get_operation):
                self.notes.append("it was gone already")
                return
            raise
        if reply.work_request:
            self._follow(reply.work_request, call)
        self._note_reshaping(call)
        self.etag = None

    def _note_reshaping(self, call: Call) -> None:
        if self.change.address.kind == "Compartment" and (
            call.operation != self.kind.update_operation or "name" in call.body
        ):
            self._p.reshaped = True

    def _follow(self, work_request: str, call: Call) -> None:
        ended = self.provider.follow(work_request)
        if not ended:
            assert self.id is not None
            said = "; ".join(ended.errors) or f"the work request ended {ended.status}"
            inside = ", ".join(_inside(self.provider, self.id)) if call.operation == "DeleteCompartment" else ""
            raise IacError(
                f"{call.operation} did not happen: {said}" + (f"; still inside: {inside}" if inside else ""),
                hint="remove or move what is inside, then apply again" if inside else "apply again",
            )

    def _keep(self, reply: Reply, region: str | None) -> None:
        self.now = self.kind.read(reply.data, region)
        self.id, self.etag = self.now.id, reply.etag
        self.minted.update(reply.secrets)

    def _deliver(self) -> None:
        """Values to the sinks; a new one that must prove itself is pending until it has, and only then current."""
        self.pending = False
        resource, handover = self.resource, self.change.handover
        if resource is None or handover is None or not resource.settings.get("deliverTo"):
            return
        live = self.now or self._p._before[self.change.address]
        lost = [name for name in self.change.mints if name not in self.minted]
        try:
            if lost:
                raise IacError(
                    f"the answer that showed the value of {' and '.join(lost)} was lost on the way",
                    hint="apply again: it is renewed and delivered",
                )
            if handover.prove is not None:
                self._prove(resource, live, handover.prove)
            self._write(resource, live, handover.roles)
        finally:
            self.minted.clear()

    def _prove(self, resource: Resource, live: LiveResource, name: str) -> None:
        block = (resource.settings.get("rotation") or {}).get("verify")
        assert live.region is not None
        with _storing():
            self._p._desk.stage(resource, live, self.provider.base_url(live.region), name, self.minted)
        if not block:
            return
        value = self.minted.get(name) or self._p._desk.take(resource, live, name)
        if value is None:
            raise IacError(
                f"no sink can give the value of {name}, so it cannot be proved", hint="apply again: it is renewed"
            )
        verify_secret(
            self.provider.inference_url(live.region), value, block["model"], block.get("api", "chat"), self._p.stop
        )
        self.notes.append(f"{name} answered with {block['model']}")

    def _write(self, resource: Resource, live: LiveResource, roles: Mapping[str, Role]) -> None:
        assert live.region is not None
        with _storing():
            written = self._p._desk.deliver(resource, live, self.provider.base_url(live.region), roles, self.minted)
        self.notes.extend(f"delivered to {place}" for place in written)

    def _prove_dead(self, value: Secret | None) -> None:
        """After a retirement the old value must be refused; said when it is not yet."""
        live = self.now
        if value is None or live is None or live.region is None:
            return
        if is_dead(self.provider.inference_url(live.region), value, self._p.stop):
            self.notes.append("the old value is dead")
        else:
            self.notes.append("the old value still answers: the change has not propagated yet")


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except SinkError as error:
        raise SinkError(
            f"a value was not stored everywhere: {error}",
            hint="mend the sink and apply again: what is missing is copied, or renewed",
        ) from error


def _inside(provider: Provider, compartment: str) -> Iterator[str]:
    for kind in KINDS.values():
        for region in provider.regions if kind.listing.reach == "compartment and region" else (None,):
            place = provider.tenancy if kind.listing.reach == "tenancy" else compartment
            for row in provider.read_all(kind.listing.operation, place, region, **kind.listing.parameters):
                one = kind.read(row, region)
                if one.compartment == compartment and one.lifecycle not in ("DELETED", "DELETING"):
                    yield f"{kind.name} {one.name} ({one.id})"
