"""What the sinks of live keys hold, as a plan looks at it: only what fits the live masks counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from genai_iac.core import Address, Live, LiveResource, Resource, SinkState
from genai_iac.delivery.contents import inspect_sink
from genai_iac.delivery.service import DeliveryService

_AT_ONCE = 8


def read_sink_states(
    desk: DeliveryService, resources: Mapping[Address, Resource], live: Live
) -> dict[Address, tuple[SinkState, ...]]:
    """What each sink of each live key holds; several keys are looked at at once. Raises SinkError when a sink cannot be asked."""

    def look(key: LiveResource, resource: Resource) -> tuple[SinkState, ...]:
        sinks = desk.sinks(resource, key.id)
        held = [inspect_sink(sink, key, alone=len(sinks) == 1) for sink in sinks]
        # a file beside the notes was written from here, so a place that they do not mention did not get what it holds
        brought = {name for sink, one in zip(sinks, held, strict=True) if sink.local for name in one.records}
        return tuple(replace(one, unknown=one.unknown - brought) for one in held)

    keys = dict(_delivered(resources, live))
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="sinks") as pool:
        found = pool.map(look, keys.values(), [resources[address] for address in keys])
        return dict(zip(keys, found, strict=True))


def assume_delivered(
    desk: DeliveryService, resources: Mapping[Address, Resource], live: Live
) -> dict[Address, tuple[SinkState, ...]]:
    """The same for a run that must not look into sinks: whatever they hold is unknown, which counts as delivered."""
    return {
        address: tuple(
            SinkState(sink.roles, sink.readable, {}, frozenset(secret.name for secret in key.secrets), sink.place)
            for sink in desk.sinks(resources[address], key.id)
        )
        for address, key in _delivered(resources, live)
    }


def _delivered(resources: Mapping[Address, Resource], live: Live) -> Iterator[tuple[Address, LiveResource]]:
    for address, resource in resources.items():
        found = live.one(address)
        if found is not None and resource.settings.get("deliverTo"):
            yield address, found
