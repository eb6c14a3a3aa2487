"""Where a key stands in its rotation, told from live states, times of minting and the sinks' own records. Pure; nothing is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from genai_iac.core import LiveResource, LiveSecret, Resource, Role, SinkState
from genai_iac.rotation.declared_states import declared_secrets

GONE = ("EXPIRED", "REVOKED", "DELETED")
_TOGETHER = timedelta(milliseconds=50)  # secrets made by one CreateApiKey

Phase = Literal["idle", "promoting", "overlap", "rolling back", "outage"]
_PART_OF_OTHER: Mapping[Phase, Role] = {
    "idle": "inactive",
    "promoting": "pending",
    "overlap": "standby",
    "rolling back": "inactive",
    "outage": "inactive",
}


@dataclass(frozen=True, slots=True)
class RotationState:
    """Where a key stands in its turn.

    | phase       | `current`: what callers have | `other`                                              |
    |-------------|------------------------------|------------------------------------------------------|
    | idle        | works                        | stands by, inactive or gone                          |
    | bringing up | works, or did                | minted later and working, not yet current everywhere |
    | overlap     | works                        | the older one, still working                         |
    | taking back | works                        | minted later and working, but given up               |
    | down        | does not work                | does not work either                                 |
    """

    phase: Phase
    current: LiveSecret
    other: LiveSecret

    @property
    def roles(self) -> dict[str, Role]:
        """The part each secret plays in the sinks while the key stands there."""
        roles: dict[str, Role] = {} if self.current.state in GONE else {self.current.name: "current"}
        if self.other.state not in GONE:
            roles[self.other.name] = _PART_OF_OTHER[self.phase]
        return roles


def derive_state(resource: Resource, live: LiveResource, held: Iterable[SinkState]) -> RotationState:
    """Where the key stands. The live key has exactly the two secrets that the resource declares."""
    first, second = (secret for name in declared_secrets(resource) if (secret := live.secret(name)))
    sinks = tuple(held)
    current = _find_current(first, second, sinks)
    other = second if current is first else first
    return RotationState(_find_phase(current, other, sinks), current, other)


def is_newer(one: LiveSecret, other: LiveSecret) -> bool:
    """Whether it was minted by a later call than the other one."""
    return one.created is not None and other.created is not None and one.created - other.created > _TOGETHER


def _find_current(first: LiveSecret, second: LiveSecret, held: tuple[SinkState, ...]) -> LiveSecret:
    older, newer = (second, first) if is_newer(first, second) else (first, second)
    shown = {name for sink in held for name, role in sink.records.items() if role == "current"}
    if len(shown) == 2:
        return older  # the switch has not reached every sink: callers may still have the older one
    if shown and not (newer.state == "ACTIVE" and _may_have_come_since(older, newer, held)):
        return first if first.name in shown else second
    working = [secret for secret in (first, second) if secret.state == "ACTIVE"]
    if len(working) == 1:
        return working[0]
    # a place that cannot be looked into counts as having what was delivered last, and so does no place at all
    told = not held or any(sink.may_hold(newer.name) for sink in held)
    return newer if told and is_newer(newer, older) else older


def _may_have_come_since(older: LiveSecret, newer: LiveSecret, held: tuple[SinkState, ...]) -> bool:
    """Whether only places that cannot be looked into tell of the older one, and another machine may have brought the newer
    one there."""
    tellers = [sink for sink in held if sink.records.get(older.name) == "current"]
    return is_newer(newer, older) and bool(tellers) and all(sink.may_hold(newer.name) for sink in tellers)


def _find_phase(current: LiveSecret, other: LiveSecret, held: tuple[SinkState, ...]) -> Phase:
    if current.state != "ACTIVE":
        # what callers have does not work: if the other one does, it is the one to go on with
        return "promoting" if other.state == "ACTIVE" else "outage"
    if other.state != "ACTIVE":
        return "idle"
    if not is_newer(other, current):
        return "overlap"
    parts = {sink.records[other.name] for sink in held if other.name in sink.records}
    shown = any(current.name in sink.records for sink in held)
    return "rolling back" if parts == {"inactive"} and shown else "promoting"
