"""The values of one change on their way: pending until they have proved themselves, then current; retired ones shown dead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from genai_iac.core import Change, LiveResource, Record, Resource, Role, Secret
from genai_iac.core.errors import IacError, SinkError, StalePlanError
from genai_iac.delivery import Values
from genai_iac.execute.context import ApplyContext
from genai_iac.execute.verification import InferenceEndpoint, is_dead, verify_secret
from genai_iac.vocabulary import model_warning


class SecretDelivery:
    """One key's values between the answers that showed them and the sinks that the manifest names."""

    def __init__(self, progress: ApplyContext, change: Change, resource: Resource) -> None:
        self._progress, self._provider, self._desk = progress, progress.provider, progress.desk
        self._change, self._resource = change, resource
        self._handover = change.handover if resource.settings.get("deliverTo") else None
        self._retired = self._take_retired()
        self._known: Values | None = None
        self.pending = bool(change.deliver)
        self.notes: list[str] = []

    def announce(self, id: str | None) -> None:
        """Say to the sinks what is about to be minted. Raises SinkError, and StalePlanError when there is no need any more."""
        if not self._change.mints:
            return
        if self._change.needs:  # the compartment that a sink needs may be there only now
            self._desk.prove(self._resource, id)
        self._desk.announce(self._resource, id, self._change.mints)
        before = self._progress.before.get(self._change.address)
        if before is not None and before.id == id:
            self._know(before)

    def deliver(self, live: LiveResource, minted: dict[str, Secret]) -> None:
        """Bring the values to the sinks, and forget them. Raises IacError when they are not where they must be."""
        self.pending = False
        handover = self._handover
        if handover is None:
            return
        lost = [name for name in self._change.mints if name not in minted]
        try:
            if lost:
                raise IacError(
                    f"the answer that showed the value of {' and '.join(lost)} was lost on the way",
                    hint="apply again: it is renewed and delivered",
                )
            if handover.prove is not None:
                self._prove(live, handover.prove, minted)
            self._write(live, handover.roles, minted)
        finally:
            minted.clear()

    def save(self, live: LiveResource, minted: Mapping[str, Secret]) -> None:
        """Store what was minted before a later call of the same change failed: it will not be shown again. Raises SinkError."""
        self.pending = False
        handover = self._handover
        if handover is None or not minted:
            return
        if handover.prove is None:
            self._write(live, handover.roles, minted)
        elif handover.prove in minted:
            self._stage(live, handover.prove, minted)

    def end(self, live: LiveResource | None, id: str | None) -> None:
        """What comes after the last call: the retired value is shown dead, and sinks are emptied that are to hold nothing more."""
        if self._retired is not None and live is not None and live.region is not None:
            dead = is_dead(self._where(live.region), self._retired, self._progress.stop)
            said = "is dead" if dead else "still answers: the change has not propagated yet"
            self.notes.append(f"the old value {said}")
        if self._change.empties and id is not None:
            self.notes.extend(self._desk.empty(self._resource, id))

    def _know(self, before: LiveResource) -> None:
        """Take note of what is there before the mint, so that what another run delivers meanwhile is told from it."""
        held = self._desk.look(self._resource, before.id)
        self._check_lost(before, held)
        values = [(one.secret, one.mask) for one in held] + [(one.name, one.mask) for one in before.secrets]
        self._known = frozenset(values)

    def _check_lost(self, before: LiveResource, held: Iterable[Record]) -> None:
        """A value that works and that no sink showed is minted anew; another run may have made it current since then."""
        handover = self._handover
        secret = before.secret(handover.prove) if handover and handover.unshown and handover.prove else None
        if secret is None or secret.state != "ACTIVE" or secret.name not in self._change.mints:
            return
        if any((one.secret, one.mask, one.role) == (secret.name, secret.mask, "current") for one in held):
            raise StalePlanError(f"{secret.name} was made current since the plan was made", hint="plan again")

    def _take_retired(self) -> Secret | None:
        """The value that is to be shown dead at the end, before the sinks let it go."""
        name = self._handover.retired if self._handover else None
        before = self._progress.before.get(self._change.address)
        return self._desk.take(self._resource, before, name) if name and before else None

    def _prove(self, live: LiveResource, name: str, minted: Mapping[str, Secret]) -> None:
        self._stage(live, name, minted)
        block = (self._resource.settings.get("rotation") or {}).get("verify")
        if not block:
            return
        value = minted.get(name) or self._desk.take(self._resource, live, name)
        if value is None:
            raise IacError(
                f"no sink can give the value of {name}, so it cannot be verified", hint="apply again: it is renewed"
            )
        assert live.region is not None
        where, api = self._where(live.region), block.get("api", "chat")
        said = verify_secret(where, value, block["model"], api, self._progress.stop)
        warning = model_warning(block["model"], live.region, self._provider.now())
        more = warning or said
        self.notes.append(f"{name} answered with {block['model']}" + (f" (warning: {more})" if more else ""))

    def _stage(self, live: LiveResource, name: str, minted: Mapping[str, Secret]) -> None:
        assert live.region is not None
        with _storing():
            url, project = self._base_url(live.region), self._project
            self._desk.stage(self._resource, live, url, name, minted, self._known, project)

    def _write(self, live: LiveResource, roles: Mapping[str, Role], minted: Mapping[str, Secret]) -> None:
        assert live.region is not None
        with _storing():
            url, project = self._base_url(live.region), self._project
            written = self._desk.deliver(self._resource, live, url, roles, minted, self._known, project)
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
    try:
        yield
    except SinkError as error:
        raise SinkError(
            f"a value was not stored everywhere: {error}",
            hint="fix the sink and apply again: what is missing is copied, or renewed",
        ) from error
