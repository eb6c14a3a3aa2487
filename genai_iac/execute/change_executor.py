"""The order inside one change: sinks checked, secrets created or renewed, values delivered, then calls that invalidate.

OCI shows a value once, in the response. From then until the delivery it is in this process's memory alone, so nothing is
waited for and no other call is made in between (tests/crash/test_kills.py ends the process at each request).
"""

from __future__ import annotations

from contextlib import suppress

from genai_iac.core import Address, Call, Change
from genai_iac.core.errors import IacError, ServiceFailure, StalePlanError
from genai_iac.execute.calls import CallExecutor
from genai_iac.execute.context import ApplyContext
from genai_iac.execute.secret_delivery import SecretDelivery


class ChangeExecutor:
    """Executes changes, in any order that their `needs` allow and from any thread.

    Args:
        progress: shared state of this apply. Its `before` says how long ago something was
            created.
    """

    def __init__(self, progress: ApplyContext, awaited: frozenset[Address] = frozenset()) -> None:
        """`awaited`: the addresses that other changes wait for."""
        self._progress, self._awaited = progress, awaited
        for one in progress.before.values():
            if one.created is not None:
                # other services may not know yet what an interrupted run created seconds ago: 404 is retried for as long
                progress.provider.window.open((progress.now - one.created).total_seconds())

    def prove(self, change: Change) -> None:
        """Check that every sink that the change delivers to can be written. Raises SinkError.

        Called for every change before the first call of the apply, and again for a sink whose
        compartment the apply creates.
        """
        resource = self._progress.resources.get(change.address)
        if (change.deliver or change.previous) and resource is not None:
            self._progress.deliveries.prove(resource, change.id)

    def perform(self, change: Change) -> tuple[str | None, str]:
        """Make the change's calls and deliveries; returns the OCID and a note for people. Raises IacError."""
        try:
            return _ChangeRun(self._progress, change, awaited=change.address in self._awaited).run()
        except ServiceFailure as failure:
            failure.name_place(self._progress.describe_place(change))
            raise


class _ChangeRun:
    """One change being executed."""

    def __init__(self, progress: ApplyContext, change: Change, *, awaited: bool) -> None:
        self._progress, self._change, self._awaited = progress, change, awaited
        self._calls = CallExecutor(progress, change)
        resource = progress.resources.get(change.address)
        self._delivery = SecretDelivery(progress, change, resource) if resource is not None else None

    def run(self) -> tuple[str | None, str]:
        """Rename, announce, calls with deliveries between them, and the end of the delivery.

        docs/architecture.md has the order of one delivery and why.
        """
        calls, delivery = self._calls, self._delivery
        if delivery:
            # The sinks' records get the new address before the tag does: interrupted here, the next
            # plan still sees a rename.
            delivery.rename(calls.id)
            delivery.announce(calls.id)
        for index, call in enumerate(self._change.calls):
            # when interrupted, before anything else, since the values would be lost
            if self._change.delivers_before(index) or (calls.new_values and self._progress.stop.is_set()):
                self._deliver()
            # After the delivery above, so that an interrupt never loses a value.
            self._end_when_asked(call)
            self._make(call, deliver=self._change.delivers_before(index + 1))
        self._deliver()
        if delivery:
            delivery.end(calls.live, calls.id)
        return calls.id, "; ".join([*calls.notes, *(delivery.notes if delivery else ())])

    def _make(self, call: Call, *, deliver: bool) -> None:
        try:
            self._calls.make(call)
        except IacError as error:
            # Else the sinks' log would claim for good that a value was lost on its way.
            if self._delivery and call.new_secrets and _made_nothing(error):
                self._delivery.withdraw(call.new_secrets)
            if self._delivery and self._calls.live and self._delivery.pending:
                # e.g. CreateApiKey worked and a later UpdateApiKey failed: keep the values, they are never shown again
                # A second failure here would hide why the change failed.
                with suppress(IacError):  # report the failure of the call, not of this attempt
                    self._delivery.save(self._calls.live, self._calls.new_values)
            raise
        if call.operation.startswith("Create"):
            if deliver:
                self._deliver()  # the values are in this memory alone: no waiting for the key to become ACTIVE first
            if self._awaited or self._change.address.kind != "Compartment" or len(self._change.calls) > 1:
                self._calls.wait_until_ready(call)  # nobody waits for a compartment in which nothing is made
            self._calls.seal(call)

    def _end_when_asked(self, call: Call) -> None:
        """Raise IacError when interrupted: between two calls, never between a new value and its delivery."""
        if self._progress.stop.is_set():
            raise IacError(f"interrupted before {call.operation}", hint="apply again: it goes on from there")

    def _deliver(self) -> None:
        """Deliver what is pending, once. Without a new response the object as planned has the masks and the region."""
        if self._delivery and self._delivery.pending:
            live = self._calls.live or self._progress.before[self._change.address]
            self._delivery.deliver(live, self._calls.new_values)


def _made_nothing(error: IacError) -> bool:
    """Whether the call surely had no effect: it was not sent, or the service refused it."""
    if isinstance(error, StalePlanError):
        return True
    refused = isinstance(error, ServiceFailure) and error.status is not None and 400 <= error.status < 500
    return refused and not error.uncertain  # type: ignore[attr-defined]
