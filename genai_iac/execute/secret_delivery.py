"""Delivery of one change's secret values: as pending, verified, then as current; finally a check that the retired value is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from genai_iac.core import Change, LiveResource, Record, Resource, Role, Secret
from genai_iac.core.errors import IacError, SinkError, StalePlanError
from genai_iac.delivery import Values
from genai_iac.execute.context import ApplyContext
from genai_iac.execute.verification import InferenceEndpoint, is_refused, verify_secret
from genai_iac.vocabulary import model_warning


class SecretDelivery:
    """Takes the values of one key from OCI's responses to the sinks of its manifest.

    One per change. A change without `deliverTo`, or without a delivery plan, makes every
    method do nothing.
    """

    def __init__(self, progress: ApplyContext, change: Change, resource: Resource) -> None:
        self._progress, self._provider, self._deliveries = progress, progress.provider, progress.deliveries
        self._change, self._resource = change, resource
        self._handover = change.handover if resource.settings.get("deliverTo") else None
        self._retired = self._take_retired()
        self._known: Values | None = None  # (name, mask) of what the sinks had before the renewal; None: not read
        self.pending = bool(change.deliver)  # whether a delivery is still to be made
        self.notes: list[str] = []

    def rename(self, id: str | None) -> None:
        """Let the sinks record the key's new address, before its tag says it: an interrupted rename is planned again, whole.

        Raises SinkError.

        Args:
            id: OCID of the key; None when it is created by this change.
        """
        if self._change.previous is not None and id is not None:
            self._deliveries.rename(self._resource, id)

    def announce(self, id: str | None) -> None:
        """Log in the sinks what is about to be created or renewed, so that a run killed before the delivery is noticed.

        Raises SinkError, and StalePlanError when another run has delivered meanwhile.

        Args:
            id: OCID of the key; None when it is created by this change.
        """
        if not self._change.new_secrets:
            return
        if self._change.needs:  # a Vault sink's compartment may have been created by this very apply
            self._deliveries.prove(self._resource, id, again=True)
        self._deliveries.announce(self._resource, id, self._change.new_secrets)
        before = self._progress.before.get(self._change.address)
        if before is not None and before.id == id:
            self._know(before)

    def withdraw(self, secrets: Iterable[str]) -> None:
        """These values were announced and the service refused to make them.

        Args:
            secrets: names of those that were announced.
        """
        self._deliveries.withdraw(self._resource, self._change.id, secrets)

    def deliver(self, live: LiveResource, new_values: dict[str, Secret]) -> None:
        """Deliver the values, then clear `new_values`. Raises IacError when a value was lost, not verified or not written.

        Nothing is written as current before the verification: on failure callers keep the old value.

        Args:
            live: the key as the last response showed it; masks and expiries are recorded beside
                the values.
            new_values: by secret name; emptied whatever happens, so that no value stays in
                memory.
        """
        self.pending = False
        handover = self._handover
        if handover is None:
            return
        lost = [name for name in self._change.new_secrets if name not in new_values]
        try:
            if lost:
                raise IacError(
                    f"the answer that showed the value of {' and '.join(lost)} was lost on the way",
                    hint="apply again: it is renewed and delivered",
                )
            if handover.prove is not None:
                self._prove(live, handover.prove, new_values)
            self._write(live, handover.roles, new_values)
        finally:
            # Also after a failure: `save` must not write what could not be verified as current.
            new_values.clear()

    def save(self, live: LiveResource, new_values: Mapping[str, Secret]) -> None:
        """Store new values although a later call of the same change failed: OCI does not show them again. Raises SinkError.

        A renewed standby is stored as pending, so the next run can verify it instead of
        renewing it again.
        """
        self.pending = False
        handover = self._handover
        if handover is None or not new_values:
            return
        if handover.prove is None:
            self._write(live, handover.roles, new_values)
        elif handover.prove in new_values:
            self._stage(live, handover.prove, new_values)

    def end(self, live: LiveResource | None, id: str | None) -> None:
        """What comes after the last call: a check that the retired value is refused, and sinks are emptied that are to hold nothing more.

        Args:
            live: None when no call of the change showed the key.
        """
        if self._retired is not None and live is not None and live.region is not None:
            # A report, not a condition: the value was deactivated or deleted, and how soon
            # endpoints know that is not documented.
            refused = is_refused(
                self._where(live.region), self._retired, self._progress.stop, client=self._provider.http
            )
            said = "no longer works" if refused else "still answers: the change has not propagated yet"
            self.notes.append(f"the old value {said}")
        if self._change.empties:
            # Where another key takes its place, the sinks still hold the values of the one that was replaced.
            for one in dict.fromkeys(filter(None, (id, self._change.id))):
                self.notes.extend(self._deliveries.empty(self._resource, one))
        elif self._change.id is not None and {"create", "delete"} <= set(self._change.actions):
            # What its successor's sinks hold is the successor's; a file that left the manifest holds values that no longer work.
            self.notes.extend(self._deliveries.empty(self._resource, self._change.id))

    def _know(self, before: LiveResource) -> None:
        """Read the sinks before the renewal: any value that appears later is another run's, newer, and is not overwritten."""
        held = self._deliveries.look(self._resource, before.id)
        self._check_lost(before, held)
        values = [(one.secret, one.mask) for one in held] + [(one.name, one.mask) for one in before.secrets]
        self._known = frozenset(values)

    def _check_lost(self, before: LiveResource, held: Iterable[Record]) -> None:
        """Refuse to renew a secret that became current after the plan was made.

        At plan time no sink had it as current, so it was to be renewed. If one has now, another run delivered it, and
        callers use it. Raises StalePlanError.
        """
        handover = self._handover
        secret = before.secret(handover.prove) if handover and handover.unshown and handover.prove else None
        if secret is None or secret.state != "ACTIVE" or secret.name not in self._change.new_secrets:
            return
        if any((one.secret, one.mask, one.role) == (secret.name, secret.mask, "current") for one in held):
            raise StalePlanError(f"{secret.name} was made current since the plan was made", hint="plan again")

    def _take_retired(self) -> Secret | None:
        """The value whose refusal is checked at the end; read now, because the delivery removes it from the sinks."""
        name = self._handover.retired if self._handover else None
        before = self._progress.before.get(self._change.address)
        return self._deliveries.take(self._resource, before, name) if name and before else None

    def _prove(self, live: LiveResource, name: str, new_values: Mapping[str, Secret]) -> None:
        """Store the new value as pending, then verify it with one inference call where the manifest asks for that.

        Raises:
            IacError: the model did not answer with this value, or no sink can give it.
            SinkError: the pending value could not be stored.
        """
        self._stage(live, name, new_values)
        block = (self._resource.settings.get("rotation") or {}).get("verify")
        if not block:
            return
        value = new_values.get(name) or self._deliveries.take(self._resource, live, name)
        if value is None:
            raise IacError(
                f"no sink can give the value of {name}, so it cannot be verified", hint="apply again: it is renewed"
            )
        assert live.region is not None
        where, api = self._where(live.region), block.get("api", "chat")
        said = verify_secret(where, value, block["model"], api, self._progress.stop, client=self._provider.http)
        warning = model_warning(block["model"], live.region, self._provider.now())
        more = warning or said
        self.notes.append(f"{name} answered with {block['model']}" + (f" (warning: {more})" if more else ""))

    def _stage(self, live: LiveResource, name: str, new_values: Mapping[str, Secret]) -> None:
        assert live.region is not None
        with _storing():
            url, project = self._base_url(live.region), self._project
            self._deliveries.stage(self._resource, live, url, name, new_values, self._known, project=project)

    def _write(self, live: LiveResource, roles: Mapping[str, Role], new_values: Mapping[str, Secret]) -> None:
        assert live.region is not None
        with _storing():
            url, project = self._base_url(live.region), self._project
            written = self._deliveries.deliver(
                self._resource, live, url, roles, new_values, self._known, project=project
            )
        if written:
            self.notes.append(f"delivered to {', '.join(written)}")

    @property
    def _project(self) -> str | None:
        """The OCID of the project that calls with this key name. Known by now: its change comes before this one."""
        named = self._progress.resolver.value(self._resource.settings.get("project"))
        return named if isinstance(named, str) else None

    def _base_url(self, region: str) -> str:
        return self._provider.base_url(region, self._resource.settings.get("endpoint", "actions/v1"))

    def _where(self, region: str) -> InferenceEndpoint:
        url = self._provider.inference_url(region, self._resource.settings.get("endpoint", "actions/v1"))
        return InferenceEndpoint(url, self._project)


@contextmanager
def _storing() -> Iterator[None]:
    """Say of any sink error in between that a value is not stored everywhere, and how the next run continues."""
    try:
        yield
    except SinkError as error:
        raise SinkError(
            f"a value was not stored everywhere: {error}",
            hint="fix the sink and apply again: what is missing is copied, or renewed",
        ) from error
