"""Between the tenancy and the sinks: what each sink lacks, and bringing values to where they belong.

A live secret whose mask a sink does not hold is missing there. It is copied from a sink that has it; when none has, it is *undelivered* and only a
renewal brings a value again, because the service shows one once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genai_iac.errors import SinkError
from genai_iac.kinds import declared_secrets
from genai_iac.model import (
    Address,
    Delivery,
    Gaps,
    Holding,
    Item,
    Live,
    LiveResource,
    LiveSecret,
    Record,
    Resource,
    Role,
    Secret,
)
from genai_iac.sinks import Context, Sink, open_sink


@dataclass(frozen=True)
class Desk:
    """Where deliveries are arranged: opens sinks, remembers nothing."""

    root: Path  # the manifests' directory
    notes: Path  # `.genai-iac`
    owner: str  # Stack.owner

    def sinks(self, resource: Resource, id: str | None = None) -> list[Sink]:
        """The sinks that the resource declares; `id` is the key's OCID once it exists. Opening one touches nothing."""
        context = Context(self.root, self.notes, resource.address, self.owner, id)
        return [open_sink(entry, context) for entry in resource.settings.get("deliverTo", ())]

    def prove(self, resource: Resource, id: str | None) -> None:
        """Show that every sink of the resource can be written, before anything is minted. Raises SinkError."""
        for sink in self.sinks(resource, id):
            sink.clean()
            sink.prove()

    def announce(self, resource: Resource, id: str | None, secrets: Iterable[str]) -> None:
        """Tell the sinks that cannot be looked into what is about to be minted, so that a crash in between is seen."""
        for sink in self.sinks(resource, id):
            sink.announce(tuple(secrets))

    def deliver(
        self, resource: Resource, live: LiveResource, base_url: str, minted: Mapping[str, Secret]
    ) -> tuple[str, ...]:
        """Bring every sink of the resource to what is live; answers the places written. Raises SinkError for those that could not be."""
        sinks = self.sinks(resource, live.id)
        failures: list[str] = []
        written: list[str] = []
        for sink in sinks:
            try:
                sink.write(self._delivery(resource, live, base_url, minted, sink, sinks))
                written.append(sink.place)
            except SinkError as error:
                failures.append(str(error))
        if failures:
            raise SinkError("; ".join(failures))
        return tuple(written)

    def _delivery(
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        minted: Mapping[str, Secret],
        sink: Sink,
        sinks: Sequence[Sink],
    ) -> Delivery:
        held = sink.read()
        items = []
        for secret, role in roles(resource, live):
            if role not in sink.roles:
                continue
            record = Record(secret.name, secret.mask, role, secret.expires)
            value = minted.get(secret.name)
            if value is None and _lacks(held, live.id, secret):
                value = next(_copies(sinks, live.id, secret), None)
                if value is None:
                    continue
            items.append(Item(record, value))
        return Delivery(resource.address, live.id, base_url, tuple(items))


def roles(resource: Resource, live: LiveResource) -> Iterator[tuple[LiveSecret, Role]]:
    """Each secret of the live key that still has a future, with the part it plays: the first declared active one is current."""
    current_taken = False
    for name, declared in declared_secrets(resource).items():
        secret = live.secret(name)
        if secret is None or secret.state in ("REVOKED", "EXPIRED", "DELETED") or declared["state"] == "revoked":
            continue
        if declared["state"] == "inactive":
            yield secret, "inactive"
        else:
            yield secret, "standby" if current_taken else "current"
            current_taken = True


def read_gaps(desk: Desk, resources: Mapping[Address, Resource], live: Live) -> dict[Address, Gaps]:
    """What the sinks of each live key lack. Raises SinkError when a sink cannot be asked."""
    gaps: dict[Address, Gaps] = {}
    for address, resource in resources.items():
        found = live.one(address)
        if found is not None and resource.settings.get("deliverTo"):
            gaps[address] = _gaps(desk.sinks(resource, found.id), resource, found)
    return gaps


def _gaps(sinks: Sequence[Sink], resource: Resource, live: LiveResource) -> Gaps:
    holdings = [(sink, sink.read()) for sink in sinks]
    undelivered: set[str] = set()
    incomplete: set[str] = set()
    for secret, role in roles(resource, live):
        lacking = [sink for sink, held in holdings if role in sink.roles and _lacks(held, live.id, secret)]
        if lacking and not any(True for _ in _copies(sinks, live.id, secret)):
            if secret.state == "ACTIVE":
                undelivered.add(secret.name)
        elif lacking or any(_misplaced(held, secret, role) for _, held in holdings):
            incomplete.add(secret.name)
    return Gaps(frozenset(undelivered), frozenset(incomplete))


def _lacks(held: Holding | None, id: str, secret: LiveSecret) -> bool:
    """Whether the sink is known not to have the value; what cannot be told counts as delivered."""
    if held is None:
        return True
    return held.id != id or held.holds(secret.name, secret.mask) is False


def _misplaced(held: Holding | None, secret: LiveSecret, role: Role) -> bool:
    record = held.record(secret.name) if held else None
    return record is not None and record.role != role


def _copies(sinks: Iterable[Sink], id: str, secret: LiveSecret) -> Iterator[Secret]:
    for sink in sinks:
        held = sink.read() if sink.readable else None
        if held is not None and held.id == id:
            value = sink.take(secret.name, secret.mask)
            if value is not None:
                yield value
