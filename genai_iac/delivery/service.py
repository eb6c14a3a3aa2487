"""Where deliveries are arranged: sinks opened, proved, written and emptied. Remembers nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genai_iac.core import LiveResource, Record, Resource, Role, Secret, SinkState, Source, Value, read_compartment
from genai_iac.core.errors import PlanError, SinkError
from genai_iac.delivery.contents import (
    Values,
    build_delivery,
    check_readers,
    check_unchanged,
    confirm_arrivals,
    empty_delivery,
    match_live_masks,
    roles_with_pending,
    values_from_sinks,
)
from genai_iac.delivery.sinks import Context, Sink, VaultClient, entry_compartments, open_sink
from genai_iac.references.resolver import Resolver


@dataclass(frozen=True)
class DeliveryService:
    """Opens the sinks of one stack. `vault` and `resolver` are there when a tenancy is."""

    root: Path  # the manifests' directory
    notes: Path  # `.genai-iac`
    owner: str  # Stack.owner
    vault: VaultClient | None = None
    resolver: Resolver | None = None  # knows the compartments that a plan found and that an apply made

    def knowing(self, resolver: Resolver) -> DeliveryService:
        """A desk whose sinks find their compartments with that resolver, as far as it knows them by then."""
        return replace(self, resolver=resolver)

    def sinks(self, resource: Resource, id: str | None = None) -> list[Sink]:
        """The sinks that the resource declares; `id` is the key's OCID once it exists. Opening one touches nothing.

        Raises SinkError, with its place in the manifest, for one that cannot be.
        """
        context = Context(
            self.root, self.notes, resource.address, self.owner, id, self.vault, compartment=self._compartment
        )
        entries = enumerate(resource.settings.get("deliverTo", ()))
        return [
            _open(entry, context, resource.places.get(f"deliverTo.{index}", resource.source))
            for index, entry in entries
        ]

    def compartments(self, resource: Resource) -> set[str]:
        """The OCIDs of the compartments that its sinks name, as far as they are known."""
        entries = resource.settings.get("deliverTo", ())
        found = (self._known(named) for entry in entries for named in entry_compartments(entry))
        return {id for id in found if id is not None}

    def project_name(self, resource: Resource) -> str | None:
        """The OCID of the project that calls with the key name; its reference as text while that is not known."""
        named = resource.settings.get("project")
        return None if named is None else self._known(named) or str(named)

    def prove(self, resource: Resource, id: str | None) -> None:
        """Show that every sink of the resource can be written, before anything is minted. Raises SinkError."""
        for sink in self.sinks(resource, id):
            sink.prove()

    def tidy(self, resources: Iterable[Resource]) -> None:
        """Remove what killed runs left beside their sinks. What cannot be done is told by `prove`, when it matters."""
        for resource in resources:
            for sink in self.sinks(resource):
                with suppress(SinkError):
                    sink.clean()

    def announce(self, resource: Resource, id: str | None, secrets: Iterable[str]) -> None:
        """Tell the sinks that cannot be looked into what is about to be minted, so that a crash in between is seen."""
        for sink in self.sinks(resource, id):
            sink.announce(tuple(secrets))

    def look(self, resource: Resource, id: str) -> tuple[Record, ...]:
        """What its sinks hold now, of whatever key. Raises SinkError when one cannot be asked."""
        holdings = [sink.read() for sink in self.sinks(resource, id)]
        return tuple(record for holding in holdings if holding for record in holding.records)

    def deliver(
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        roles: Mapping[str, Role],
        minted: Mapping[str, Secret],
        known: Values | None = None,
        project: str | None = None,
    ) -> tuple[str, ...]:
        """Bring every sink of the resource to hold these secrets in these parts; answers the places written.

        A value that was not minted now is kept where it is, and copied to a sink that lacks it from one that has it.
        `known`: a sink that holds any other value by now is left alone. Raises SinkError for the places that could not be
        written; the others are.
        """
        return self._write(resource, live, base_url, lambda _: roles, minted, known, project)

    def stage(
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        name: str,
        minted: Mapping[str, Secret],
        known: Values | None = None,
        project: str | None = None,
    ) -> None:
        """Bring every sink that keeps pending values to hold that secret; what callers read there stays as it is.

        `known`: as for `deliver`. Raises SinkError for the places that could not be written; the others are.
        """
        self._write(resource, live, base_url, lambda held: roles_with_pending(held, name), minted, known, project)

    def take(self, resource: Resource, live: LiveResource, name: str) -> Secret | None:
        """The live value of that secret from a sink that can give it, or None."""
        secret = live.secret(name)
        return next(values_from_sinks(self.sinks(resource, live.id), live.id, secret), None) if secret else None

    def empty(self, resource: Resource, id: str) -> tuple[str, ...]:
        """Take the values of a key that is no more out of its sinks; answers for each what was done, in words.

        A place that holds something else, or cannot be looked into, is left alone.
        """
        return tuple(said for sink in self.sinks(resource, id) if (said := _empty(sink, resource, id)))

    def _write(
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        roles: Callable[[SinkState], Mapping[str, Role]],
        minted: Mapping[str, Secret],
        known: Values | None,
        project: str | None,
    ) -> tuple[str, ...]:
        sinks = self.sinks(resource, live.id)
        failures: list[str] = []
        written: list[str] = []
        for sink in sinks:
            try:
                holding = sink.read()
                held = match_live_masks(sink, holding, live, alone=len(sinks) == 1)
                wanted = roles(held)
                if not wanted:
                    continue
                if known is not None:
                    check_unchanged(sink, holding, live, known)
                confirm_arrivals(sink, holding, held, live)
                delivery = build_delivery(sink, held, resource, live, base_url, wanted, minted, sinks, project)
                check_readers(sink, held, live, delivery, wanted)
                sink.write(delivery)
                if sink.readable or any(item.value is not None for item in delivery.items):
                    written.append(sink.place)
            except SinkError as error:
                failures.append(str(error))
        if failures:
            raise SinkError("; ".join(failures))
        return tuple(written)

    def _compartment(self, written: str) -> str | None:
        return self._known(read_compartment(written))

    def _known(self, named: Value) -> str | None:
        try:
            found = self.resolver.value(named) if self.resolver else named
        except PlanError as error:
            raise SinkError(error.message, hint=error.hint) from error
        return found if isinstance(found, str) else None


def _open(entry: Mapping[str, Any], context: Context, where: Source) -> Sink:
    try:
        return open_sink(entry, context)
    except SinkError as error:
        raise SinkError(f"{where}: {context.address}: {error.message}", hint=error.hint) from error


def _empty(sink: Sink, resource: Resource, id: str) -> str:
    try:
        holding = sink.read()
        if holding is None or holding.id != id:
            return ""
        sink.write(empty_delivery(resource, id))
    except SinkError as error:
        return f"left as it is: {error}"
    return f"emptied {sink.place}" if sink.readable else f"{sink.place} still holds a value that no longer works"
