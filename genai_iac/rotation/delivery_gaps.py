"""What the sinks of a live key lack, given the role of each secret. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genai_iac.core import LiveResource, Role, SinkState


@dataclass(frozen=True, slots=True)
class DeliveryGaps:
    """Names of secrets, in two classes that need different answers."""

    undelivered: frozenset[str]  # a sink lacks the value and no sink can give it: only a renewal returns a value again
    incomplete: frozenset[
        str
    ]  # a sink lacks it or has it in another role, and a delivery without a renewal corrects that


def find_delivery_gaps(roles: Mapping[str, Role], held: Iterable[SinkState], live: LiveResource) -> DeliveryGaps:
    """Compare what each sink should hold with what it holds.

    `roles`: by secret name, what each sink should show. A secret that is not ACTIVE is never undelivered: a missing value
    that works nowhere is no reason to renew.
    """
    sinks = tuple(held)
    undelivered: set[str] = set()
    incomplete: set[str] = set()
    for name, role in roles.items():
        lacking = any(sink.lacks(name, role) for sink in sinks)
        # write-only sinks (exec without `check`) hold values that we cannot copy out of them
        copyable = any(sink.readable and name in sink.records for sink in sinks)
        secret = live.secret(name)
        if lacking and not copyable:
            if secret is not None and secret.state == "ACTIVE":
                undelivered.add(name)
        elif lacking or any(sink.records.get(name, role) != role for sink in sinks if role in sink.keeps):
            incomplete.add(name)
    return DeliveryGaps(frozenset(undelivered), frozenset(incomplete))
