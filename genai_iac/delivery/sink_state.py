"""What the sinks of live keys hold, as a plan looks at it: only what fits the live masks counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from genai_iac.core import Address, Live, LiveResource, Resource, SinkState
from genai_iac.core.errors import SinkError
from genai_iac.delivery.contents import inspect_sink
from genai_iac.delivery.service import DeliveryService

_AT_ONCE = 8  # sinks read at once; each may be a Vault call or a program


def read_sink_states(
    service: DeliveryService, resources: Mapping[Address, Resource], live: Live
) -> dict[Address, tuple[SinkState, ...]]:
    """What each sink of each live key holds; several keys are looked at at once. Raises SinkError when a sink cannot be asked.

    Args:
        live: keys that several live resources claim are left out, as are keys without
            `deliverTo`.

    Returns:
        By address, one state per declared sink and per former one.
    """

    def look(key: LiveResource, resource: Resource) -> tuple[SinkState, ...]:
        return look_at_sinks(service, resource, key)

    keys = dict(_delivered(resources, live))
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="sinks") as pool:
        found = pool.map(look, keys.values(), [resources[address] for address in keys])
        return dict(zip(keys, found, strict=True))


def look_at_sinks(service: DeliveryService, resource: Resource, key: LiveResource) -> tuple[SinkState, ...]:
    """What each declared sink of the key holds, in their order, then each that is not declared any more. Raises SinkError.

    Args:
        key: the live key.
    """
    sinks = service.sinks(resource, key.id)
    memory = service.memory(resource, key.id) if any(sink.local for sink in sinks) else None
    held = [inspect_sink(sink, key, memory, alone=len(sinks) == 1) for sink in sinks]
    # a file was written from this machine, so a place that its notes do not mention did not get what it holds
    # Without this an exec sink that is declared later counts as delivered
    # (test_a_program_that_is_declared_later_gets_the_value_that_a_file_has).
    brought = {name for sink, one in zip(sinks, held, strict=True) if sink.local for name in one.records}
    declared = (replace(one, unknown=one.unknown - brought) for one in held)
    return (*declared, *_former(service, resource, key))


def _former(service: DeliveryService, resource: Resource, key: LiveResource) -> Iterator[SinkState]:
    """Those that still hold something; values can be taken from them, and none are brought."""
    for sink in service.former(resource, key.id):
        try:
            found = inspect_sink(sink, key)
        except SinkError:
            # A former sink may be a directory that was deleted. That is no reason to fail a plan.
            continue  # it is no business of this key any more
        if found.records:
            yield replace(found, keeps=frozenset(), former=True, damage="")


def assume_delivered(
    service: DeliveryService, resources: Mapping[Address, Resource], live: Live
) -> dict[Address, tuple[SinkState, ...]]:
    """The same for a run that must not read sinks: whatever they hold is unknown, which counts as delivered.

    Used for a plan from a snapshot, and for `plan` without access to sinks. Such a plan may
    lack a delivery; it never renews without reason.
    """
    return {
        address: tuple(
            SinkState(sink.roles, sink.readable, {}, frozenset(secret.name for secret in key.secrets), sink.place)
            for sink in service.sinks(resources[address], key.id)
        )
        for address, key in _delivered(resources, live)
    }


def _delivered(resources: Mapping[Address, Resource], live: Live) -> Iterator[tuple[Address, LiveResource]]:
    """The live keys that are declared with `deliverTo`."""
    for address, resource in resources.items():
        found = live.one(address)
        if found is not None and resource.settings.get("deliverTo"):
            yield address, found
