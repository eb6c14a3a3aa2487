"""What the sinks of a live key lack, given the part each secret plays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genai_iac.core import LiveResource, Role, SinkState


@dataclass(frozen=True, slots=True)
class DeliveryGaps:
    """By secret name."""

    undelivered: frozenset[str]  # a sink lacks the value and none can give it: only a renewal brings one again
    incomplete: frozenset[
        str
    ]  # a sink lacks it, or keeps it in another part, and nothing has to be minted to mend that


def find_delivery_gaps(roles: Mapping[str, Role], held: Iterable[SinkState], live: LiveResource) -> DeliveryGaps:
    """Compare what each sink should hold with what it does. A secret that does not work (inactive) is never undelivered."""
    sinks = tuple(held)
    undelivered: set[str] = set()
    incomplete: set[str] = set()
    for name, role in roles.items():
        lacking = any(sink.lacks(name, role) for sink in sinks)
        copyable = any(sink.readable and name in sink.records for sink in sinks)
        secret = live.secret(name)
        if lacking and not copyable:
            if secret is not None and secret.state == "ACTIVE":
                undelivered.add(name)
        elif lacking or any(_is_out_of_order(sink, name, role) for sink in sinks):
            incomplete.add(name)
    return DeliveryGaps(frozenset(undelivered), frozenset(incomplete))


def why_incomplete(names: Iterable[str], held: Iterable[SinkState]) -> str:
    """Why sinks are written although nothing is minted, for people."""
    damaged = [f"{sink.place}: {sink.damage}" for sink in held if sink.damage]
    lacking = " and ".join(sorted(names))
    return "; ".join(damaged) or f"a sink lacks {lacking}"


def _is_out_of_order(sink: SinkState, name: str, role: Role) -> bool:
    if role not in sink.keeps or name not in sink.records:
        return False
    return sink.records[name] != role or bool(sink.damage)
