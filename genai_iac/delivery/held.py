"""What the sinks of live keys hold, as a plan looks at it: only what fits the live masks counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from genai_iac.delivery.desk import Desk
from genai_iac.delivery.portion import look_into
from genai_iac.model import Address, Held, Live, LiveResource, Resource

_AT_ONCE = 8


def read_held(desk: Desk, resources: Mapping[Address, Resource], live: Live) -> dict[Address, tuple[Held, ...]]:
    """What each sink of each live key holds; several keys are looked at at once. Raises SinkError when a sink cannot be asked."""

    def look(key: LiveResource, resource: Resource) -> tuple[Held, ...]:
        return tuple(look_into(sink, key) for sink in desk.sinks(resource, key.id))

    keys = dict(_delivered(resources, live))
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="sinks") as pool:
        found = pool.map(look, keys.values(), [resources[address] for address in keys])
        return dict(zip(keys, found, strict=True))


def assume_held(desk: Desk, resources: Mapping[Address, Resource], live: Live) -> dict[Address, tuple[Held, ...]]:
    """The same for a run that must not look into sinks: whatever they hold is unknown, which counts as delivered."""
    return {
        address: tuple(
            Held(sink.roles, sink.readable, {}, frozenset(secret.name for secret in key.secrets))
            for sink in desk.sinks(resources[address], key.id)
        )
        for address, key in _delivered(resources, live)
    }


def _delivered(resources: Mapping[Address, Resource], live: Live) -> Iterator[tuple[Address, LiveResource]]:
    for address, resource in resources.items():
        found = live.one(address)
        if found is not None and resource.settings.get("deliverTo"):
            yield address, found
