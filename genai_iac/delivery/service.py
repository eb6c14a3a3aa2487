"""Writes API-key secrets to their sinks. Stateless.

The service knows no order of steps: the executor calls `prove`, `announce`, `stage`, `deliver` and `empty` in the order that
docs/architecture.md draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from genai_iac.core import LiveResource, Record, Resource, Role, Secret, SinkState, Source, Value, read_compartment
from genai_iac.core.errors import PlanError, SinkError
from genai_iac.delivery.contents import (
    Values,
    build_delivery,
    build_renamed_delivery,
    check_readers,
    check_unchanged,
    confirm_arrivals,
    empty_delivery,
    log_delivered,
    match_live_masks,
    roles_with_pending,
    values_from_sinks,
)
from genai_iac.delivery.sinks import Context, DeliveryLog, Memory, Sink, VaultClient, entry_compartments, open_sink
from genai_iac.references.resolver import Resolver


@dataclass(frozen=True)
class DeliveryService:
    """Opens the sinks of one stack. `vault` and `resolver` are there when a tenancy is.

    Safe to share between threads. `resource` arguments are declared ApiKeys; `id` is the
    key's OCID, None before it is created.
    """

    root: Path  # the manifests' directory
    notes: Path  # `.genai-iac`
    owner: str  # Stack.owner
    vault: VaultClient | None = None
    resolver: Resolver | None = None  # knows the compartments that a plan found and that an apply made
    now: Callable[[], datetime] | None = None  # the tenancy's clock
    sink_hosts: frozenset[str] = frozenset()  # hosts of networked sinks that are allowed outside the manifests
    # by resource and OCID; a sink holds settings alone, so one that is open serves every step of a change
    _opened: dict[tuple[int, str | None], tuple[Resource, tuple[Sink, ...]]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    # directories in which a file can be written, as this service found out: a disk is the same for every file in one
    _writable: set[tuple[str, ...]] = field(default_factory=set, init=False, compare=False, repr=False)

    def knowing(self, resolver: Resolver) -> DeliveryService:
        """Copy of this service that resolves compartment names with `resolver`.

        Args:
            resolver: one that knows the OCIDs that an apply creates.
        """
        return replace(self, resolver=resolver)

    def sinks(self, resource: Resource, id: str | None = None) -> list[Sink]:
        """The sinks that the resource declares; `id` is the key's OCID once it exists. Opening one touches nothing.

        Raises SinkError, with its place in the manifest, for one that cannot be.

        Returns:
            In the order of `deliverTo`. They are kept, so asking again opens none.
        """
        known = self._opened.get((_identity(resource), id))
        if known is None:
            context = self._context(resource, id)
            places = (
                resource.places.get(f"deliverTo.{n}", resource.source) for n in range(len(self._entries(resource)))
            )
            sinks = tuple(_open(entry, context, at) for entry, at in zip(self._entries(resource), places, strict=True))
            # kept with the resource, so that its identity stays its own
            known = self._opened[_identity(resource), id] = (resource, sinks)
        return list(known[1])

    def former(self, resource: Resource, id: str) -> list[Sink]:
        """The places that this machine delivered to for that key and that no manifest declares any more.

        One that cannot be opened is left out: nothing can be taken from it.

        Source: the delivery log of this machine; other machines may know other ones.
        """
        context, found = self._context(resource, id), list[Sink]()
        with suppress(SinkError):
            # other labels, or a default that is written out, are no other place
            declared = {sink.place for sink in self.sinks(resource, id)}
            for entry in DeliveryLog(context).former(self._entries(resource), id):
                with suppress(SinkError):
                    sink = open_sink(entry, context)
                    found += [sink] if sink.place not in declared else []
        return found

    def memory(self, resource: Resource, id: str | None) -> Memory:
        """What this machine noted of its deliveries for that key. Raises SinkError.

        Returns:
            An empty Memory when this machine never delivered for that key.
        """
        return DeliveryLog(self._context(resource, id)).memory()

    def compartments(self, resource: Resource) -> set[str]:
        """The OCIDs of the compartments that its sinks name, as far as they are known.

        Used to order the creation of a compartment before the delivery into it.
        """
        entries = self._entries(resource)
        found = (self._known(named) for entry in entries for named in entry_compartments(entry))
        return {id for id in found if id is not None}

    def project_name(self, resource: Resource) -> str | None:
        """The OCID of the project that calls with the key name; its reference as text while that is not known."""
        named = resource.settings.get("project")
        return None if named is None else self._known(named) or str(named)

    def prove(self, resource: Resource, id: str | None, *, again: bool = False) -> None:
        """Check that every sink of the resource can be written, before any value is created. Raises SinkError for the first that cannot.

        Args:
            again: only those that name a compartment, which this apply may have made since they were checked.
        """
        for entry, sink in zip(self._entries(resource), self.sinks(resource, id), strict=True):
            if not again or any(entry_compartments(entry)):
                sink.prove()

    def tidy(self, resources: Iterable[Resource]) -> None:
        """Remove what killed runs left beside their sinks. What cannot be done is reported by `prove`, when it matters.

        Called at the start of every apply, also one without changes
        (tests/plan_apply/test_delivery.py,
        test_what_a_killed_run_left_is_removed_by_an_apply_with_nothing_to_do).
        """
        for resource in resources:
            for sink in self.sinks(resource):
                with suppress(SinkError):
                    sink.clean()

    def announce(self, resource: Resource, id: str | None, secrets: Iterable[str]) -> None:
        """Log what is about to be created for write-only sinks, so that a crash before the delivery is noticed.

        A file can be read on the machine that it lies on, and on no other.

        Args:
            secrets: names whose values are about to exist.

        Raises:
            SinkError: the log cannot be written. Then nothing has been created.
        """
        names, now = tuple(secrets), self.now() if self.now else None
        log = DeliveryLog(self._context(resource, id))
        for entry, sink in zip(self._entries(resource), self.sinks(resource, id), strict=True):
            sink.announce(names)
            if sink.local:
                log.announce(entry, sink, names, now)

    def withdraw(self, resource: Resource, id: str | None, secrets: Iterable[str]) -> None:
        """The service refused to make what was announced. What cannot be noted then is only believed lost for longer."""
        names = frozenset(secrets)
        log = DeliveryLog(self._context(resource, id))
        for entry, sink in zip(self._entries(resource), self.sinks(resource, id), strict=True):
            with suppress(SinkError):
                sink.withdraw(names)
                if sink.local:
                    log.withdraw(entry, sink, names)

    def look(self, resource: Resource, id: str) -> tuple[Record, ...]:
        """What its sinks hold now, of whatever key. Raises SinkError when one cannot be asked.

        Args:
            id: OCID of the key; sinks that hold another key's records are included.
        """
        holdings = [sink.read() for sink in self.sinks(resource, id)]
        return tuple(record for holding in holdings if holding for record in holding.records)

    def deliver(
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        roles: Mapping[str, Role],
        new_values: Mapping[str, Secret],
        known: Values | None = None,
        *,
        project: str | None = None,
    ) -> tuple[str, ...]:
        """Bring every sink of the resource to hold these secrets in these parts; returns the places written.

        A value that is not new is kept where it is, and copied to a sink that lacks it from one that has it.
        `known`: a sink that holds any other value by now is left alone. Raises SinkError for the places that could not be
        written; the others are.

        Args:
            resource: the declared key.
            live: the key with the masks of the new values.
            base_url: what consumers are to call.
            roles: by secret name.
            new_values: by secret name, from this run's responses.
            known: None skips the check for values of another run.
            project: OCID that consumers are to name.
        """
        return self._write(resource, live, base_url, lambda _: roles, new_values, known, project)

    def stage(
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        name: str,
        new_values: Mapping[str, Secret],
        known: Values | None = None,
        *,
        project: str | None = None,
    ) -> None:
        """Bring every sink that keeps pending values to hold that secret; what callers read there stays as it is.

        `known`: as for `deliver`. Raises SinkError for the places that could not be written; the others are.

        Args:
            name: the secret to store as pending; all other roles stay.

        Sinks that keep no pending values are left alone until `deliver`.
        """
        self._write(resource, live, base_url, lambda held: roles_with_pending(held, name), new_values, known, project)

    def rename(self, resource: Resource, id: str) -> None:
        """Bring the records that its sinks keep of the key to its present address; values and parts stay. Raises SinkError.

        Called before the ownership tag changes: an interrupted rename is then still one for the
        next plan.
        """
        log = DeliveryLog(self._context(resource, id))
        for entry, sink in zip(self._entries(resource), self.sinks(resource, id), strict=True):
            delivery = build_renamed_delivery(sink.read(), resource, id)
            if delivery is not None:
                sink.rename(delivery)
            log.rename(entry, sink)

    def take(self, resource: Resource, live: LiveResource, name: str) -> Secret | None:
        """The live value of that secret from a sink that can give it, or None.

        Declared sinks are asked before former ones.
        """
        secret = live.secret(name)
        sources = [*self.sinks(resource, live.id), *self.former(resource, live.id)]
        return next(values_from_sinks(sources, live.id, secret), None) if secret else None

    def empty(self, resource: Resource, id: str) -> tuple[str, ...]:
        """Take the values of a key that is no more out of its sinks; returns for each what was done, in words.

        A place that holds something else, or cannot be read, is left alone.

        Never raises: the key is gone already, and a sink that cannot be cleared must not fail
        the change.
        """
        files = [sink for sink in self.former(resource, id) if sink.local]
        sinks = [*self.sinks(resource, id), *files]
        return tuple(said for sink in sinks if (said := _empty(sink, resource, id)))

    def _write(
        self,
        resource: Resource,
        live: LiveResource,
        base_url: str,
        roles: Callable[[SinkState], Mapping[str, Role]],
        new_values: Mapping[str, Secret],
        known: Values | None,
        project: str | None,
    ) -> tuple[str, ...]:
        """Write each sink that wants something, and collect failures.

        One failing sink does not keep the others from getting the value: it is shown once, and
        every copy helps.

        Returns:
            The names of the sinks that were written, for the outcome's note.
        """
        sinks = self.sinks(resource, live.id)
        sources = [*sinks, *self.former(resource, live.id)]
        memory = self.memory(resource, live.id) if any(sink.local for sink in sinks) else None
        log = DeliveryLog(self._context(resource, live.id))
        failures: list[str] = []
        written: list[str] = []
        for entry, sink in zip(self._entries(resource), sinks, strict=True):
            try:
                holding = sink.read()
                held = match_live_masks(sink, holding, live, memory, alone=len(sinks) == 1)
                wanted = roles(held)
                if not wanted:
                    continue
                if known is not None:
                    check_unchanged(sink, holding, live, known)
                confirm_arrivals(sink, holding, held, live)
                delivery = build_delivery(sink, held, resource, live, base_url, wanted, new_values, sources, project)
                check_readers(sink, held, live, delivery, wanted)
                sink.write(delivery)
                log_delivered(log, entry, sink, delivery)
                if sink.readable or any(item.value is not None for item in delivery.items):
                    written.append(sink.place)
            except SinkError as error:
                failures.append(str(error))
        if failures:
            raise SinkError("; ".join(failures))
        return tuple(written)

    def _context(self, resource: Resource, id: str | None) -> Context:
        return Context(
            self.root,
            self.notes,
            resource.address,
            self.owner,
            id,
            self.vault,
            compartment=self._compartment,
            previous=resource.previous,
            now=self.now,
            sink_hosts=self.sink_hosts,
            declared_key=self.resolver.declared_at if self.resolver else lambda _: None,
            real_root=self._real_root,
            writable=self._writable,
        )

    @cached_property
    def _real_root(self) -> str:
        return str(self.root.resolve())

    @staticmethod
    def _entries(resource: Resource) -> tuple[Mapping[str, Any], ...]:
        return tuple(resource.settings.get("deliverTo", ()))

    def _compartment(self, written: str) -> str | None:
        return self._known(read_compartment(written))

    def _known(self, named: Value) -> str | None:
        try:
            found = self.resolver.value(named) if self.resolver else named
        except PlanError as error:
            raise SinkError(error.message, hint=error.hint) from error
        return found if isinstance(found, str) else None


def _identity(resource: Resource) -> int:
    """The object's id: resources hold mappings and cannot be hashed."""
    return id(resource)


def _open(entry: Mapping[str, Any], context: Context, where: Source) -> Sink:
    """Open a sink; an error gets the position of the entry in the manifest."""
    try:
        return open_sink(entry, context)
    except SinkError as error:
        raise SinkError(f"{where}: {context.address}: {error.message}", hint=error.hint) from error


def _empty(sink: Sink, resource: Resource, id: str) -> str:
    """Clear one sink; text for the outcome's note, empty when it holds nothing of this key."""
    try:
        holding = sink.read()
        if holding is None or holding.id != id:
            return ""
        sink.write(empty_delivery(resource, id))
    except SinkError as error:
        return f"left as it is: {error}"
    return (
        f"emptied {sink.place}"
        if sink.readable or sink.forgets
        else f"{sink.place} still holds a value that no longer works"
    )
