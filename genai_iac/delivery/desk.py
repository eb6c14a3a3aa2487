"""Between the tenancy and the sinks: what each sink lacks, and bringing values to where they belong.

A live secret whose mask a sink does not hold is missing there. It is copied from a sink that has it; when none has,
it is *undelivered* and only a renewal brings a value again, because the service shows one once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from genai_iac.errors import SinkError
from genai_iac.model import (
    Address,
    Delivery,
    Held,
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

_GONE = ("EXPIRED", "REVOKED", "DELETED")


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
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        roles: Mapping[str, Role],
        minted: Mapping[str, Secret],
    ) -> tuple[str, ...]:
        """Bring every sink of the resource to hold these secrets in these parts; answers the places written.

        A value that was not minted now is kept where it is, and copied to a sink that lacks it from one that has it.
        Raises SinkError for the places that could not be written; the others are.
        """
        return self._write(resource, live, base_url, lambda _: roles, minted)

    def _write(
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        roles: Callable[[Held], Mapping[str, Role]],
        minted: Mapping[str, Secret],
    ) -> tuple[str, ...]:
        sinks = self.sinks(resource, live.id)
        failures: list[str] = []
        written: list[str] = []
        for sink in sinks:
            try:
                held = _held(sink, live)
                wanted = roles(held)
                if not wanted:
                    continue
                delivery = _delivery(resource, live, base_url, wanted, minted, sink, sinks)
                _check_readers(sink, held, live, delivery, wanted)
                sink.write(delivery)
                written.append(sink.place)
            except SinkError as error:
                failures.append(str(error))
        if failures:
            raise SinkError("; ".join(failures))
        return tuple(written)

    def stage(
        self, resource: Resource, live: LiveResource, base_url: str, name: str, minted: Mapping[str, Secret]
    ) -> None:
        """Bring every sink that keeps pending values to hold that secret; what callers read there stays as it is.

        Raises SinkError for the places that could not be written; the others are.
        """
        self._write(resource, live, base_url, lambda held: _beside(held, name), minted)

    def take(self, resource: Resource, live: LiveResource, name: str) -> Secret | None:
        """The live value of that secret from a sink that can give it, or None."""
        secret = live.secret(name)
        return next(_copies(self.sinks(resource, live.id), live.id, secret), None) if secret else None


def read_held(desk: Desk, resources: Mapping[Address, Resource], live: Live) -> dict[Address, tuple[Held, ...]]:
    """What each sink of each live key holds. Raises SinkError when one cannot be asked."""
    held: dict[Address, tuple[Held, ...]] = {}
    for address, resource in resources.items():
        found = live.one(address)
        if found is not None and resource.settings.get("deliverTo"):
            held[address] = tuple(_held(sink, found) for sink in desk.sinks(resource, found.id))
    return held


def assume_held(desk: Desk, resources: Mapping[Address, Resource], live: Live) -> dict[Address, tuple[Held, ...]]:
    """The same for a run that must not look into sinks: whatever they hold is unknown, which counts as delivered."""
    return {
        address: tuple(
            Held(sink.roles, sink.readable, {}, frozenset(secret.name for secret in found.secrets))
            for sink in desk.sinks(resource, found.id)
        )
        for address, resource in resources.items()
        if (found := live.one(address)) is not None and resource.settings.get("deliverTo")
    }


def _held(sink: Sink, live: LiveResource) -> Held:
    holding = sink.read()
    if holding is None or holding.id not in (live.id, ""):
        return Held(sink.roles, sink.readable, {})
    answers = {secret.name: holding.holds(secret.name, secret.mask) for secret in live.secrets}
    records = {record.secret: record.role for record in holding.records if answers.get(record.secret)}
    return Held(
        sink.roles, sink.readable, records, frozenset(name for name, answer in answers.items() if answer is None)
    )


def _delivery(
    resource: Resource,
    live: LiveResource,
    base_url: str,
    roles: Mapping[str, Role],
    minted: Mapping[str, Secret],
    sink: Sink,
    sinks: Iterable[Sink],
) -> Delivery:
    held = _held(sink, live)
    items = []
    for name, role in roles.items():
        secret = live.secret(name)
        if secret is None or secret.state in _GONE or role not in sink.roles:
            continue
        value = minted.get(name)
        if value is None and name not in held.records:
            # a place that cannot be looked into is given the value again where there is one, and believed where not
            value = next(_copies(sinks, live.id, secret), None)
            if value is None and name not in held.unknown:
                continue
        items.append(Item(Record(name, secret.mask, role, secret.expires), value))
    return Delivery(resource.address, live.id, base_url, tuple(items))


def _beside(held: Held, name: str) -> dict[str, Role]:
    """What a sink holds, and that secret as pending unless it has a part there already; nothing where no pending value is kept."""
    if "pending" not in held.keeps or name in held.records:
        return {}
    return {**held.records, name: "pending"}


def _check_readers(sink: Sink, held: Held, live: LiveResource, delivery: Delivery, wanted: Mapping[str, Role]) -> None:
    """What callers read is only ever replaced, never taken away for want of a value. Raises SinkError."""
    working = {secret.name for secret in live.secrets if secret.state == "ACTIVE"}
    missing = [name for name, role in wanted.items() if role == "current" and name in working]
    if missing and "current" in held.records.values() and delivery.item("current") is None:
        raise SinkError(
            f"{sink.place} was left as it is: no sink can give the value of {missing[0]}",
            hint="plan again: what is not held is delivered anew",
        )


def _copies(sinks: Iterable[Sink], id: str, secret: LiveSecret) -> Iterator[Secret]:
    for sink in sinks:
        holding = sink.read() if sink.readable else None
        if holding is not None and holding.id == id:
            value = sink.take(secret.name, secret.mask)
            if value is not None:
                yield value
