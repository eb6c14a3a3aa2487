"""Which phase a key's rotation is in, derived from live states, creation times and what the sinks hold; and what was edited by hand. Pure.

The phase is derived each time because any stored progress could be lost or stale: runs are killed, another machine continues,
somebody uses the Console. tests/rotation/test_decisions.py goes through every combination of states.

`drift` reports edits by hand. A plan needs no such list: it compares with the declaration and corrects the difference, whoever made it. The
states that a rotation itself brings about are no edits (tests/plan_apply/test_sink_drift.py,
test_the_states_that_a_rotation_brings_about_are_no_drift).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from genai_iac.core import LiveResource, LiveSecret, Resource, Role, SinkState
from genai_iac.rotation.block import Rotation
from genai_iac.rotation.declared_states import declared_roles, declared_secrets
from genai_iac.rotation.delivery_gaps import sink_differences

Path = tuple[str, ...]  # where the edit is, as `drift` prints it
HandEdit = tuple[Path, str, str]  # what differs, as it is, as it should be

# states that no call but a renewal changes; REVOKED and DELETED not even that
GONE = ("EXPIRED", "REVOKED", "DELETED")
_TOGETHER = timedelta(milliseconds=50)  # one CreateApiKey makes both secrets: their times differ by less than this

# named as in docs/rotation.md and the glossary
Phase = Literal["idle", "promoting", "overlap", "rolling back", "outage"]
# Where a sink keeps only the current value (exec without names of its own), these roles
# are not written at all.
_PART_OF_OTHER: Mapping[Phase, Role] = {
    "idle": "inactive",
    "promoting": "pending",
    "overlap": "standby",
    "rolling back": "inactive",
    "outage": "inactive",
}


class RotationState(Struct, frozen=True):
    """The phase of a rotation, and which of the two secrets is which.

    | phase        | `current`: what callers read | `other`                                          |
    |--------------|------------------------------|--------------------------------------------------|
    | idle         | works                        | standby: inactive, expired or revoked            |
    | promoting    | works, or did                | renewed later and works; not current everywhere  |
    | overlap      | works                        | the older one, still works                       |
    | rolling back | works                        | renewed later and works; the rotation is aborted |
    | outage       | does not work                | does not work either                             |

    `current` and `other` are chosen by what the sinks show, not by the order in the
    manifest. Callers of the decision functions may exchange them to say "as if the other
    one were current".
    """

    phase: Phase
    current: LiveSecret  # see the table
    other: LiveSecret

    @property
    def roles(self) -> dict[str, Role]:
        """The role that each secret should have in the sinks in this phase. A secret that can never work again has none."""
        roles: dict[str, Role] = {} if self.current.state in GONE else {self.current.name: "current"}
        if self.other.state not in GONE:
            roles[self.other.name] = _PART_OF_OTHER[self.phase]
        return roles


def derive_state(resource: Resource, live: LiveResource, held: Iterable[SinkState]) -> RotationState:
    """Derive the phase from live secrets and sink states.

    `live` must have exactly the two secrets that the resource declares; the resource type checks that first.

    Args:
        resource: gives the names of the two secrets.
        held: the key's sinks, former ones included; empty for a key that is delivered
            nowhere.

    Raises:
        ValueError: the live key has other secrets than the resource declares.
    """
    first, second = (secret for name in declared_secrets(resource) if (secret := live.secret(name)))
    sinks = telling_sinks(held)
    current = _find_current(first, second, sinks)
    other = second if current is first else first
    return RotationState(_find_phase(current, other, sinks), current, other)


def telling_sinks(held: Iterable[SinkState]) -> tuple[SinkState, ...]:
    """The sinks that show what callers read: one that is not declared any more counts only until a declared one shows a value.

    Nothing is brought to it, so what it shows stays as it is: each later rotation began its last step again at every apply until
    both secrets expired, and an aborted one was promoted once more (tests/rotation/test_former_sinks.py).
    """
    sinks = tuple(held)
    declared = tuple(sink for sink in sinks if not sink.former)
    return declared if any("current" in sink.records.values() for sink in declared) else sinks


def is_newer(one: LiveSecret, other: LiveSecret) -> bool:
    """Whether `one` was created or renewed by a later call than `other`. Unknown times are never newer.

    Times differ by milliseconds within one CreateApiKey, so a difference of up to 50 ms is
    the same call.
    """
    return one.created is not None and other.created is not None and one.created - other.created > _TOGETHER


def _find_current(first: LiveSecret, second: LiveSecret, held: tuple[SinkState, ...]) -> LiveSecret:
    """Which secret callers read. Sinks are asked first, then states, then the times of creation."""
    # What the sinks show decides, since that is what callers read. States and times decide only where sinks say nothing.
    older, newer = (second, first) if is_newer(first, second) else (first, second)
    shown = {name for sink in held for name, role in sink.records.items() if role == "current"}
    if len(shown) == 2:
        # One sink failed half-way:
        # test_one_sink_that_fails_half_way_is_completed_by_the_next_apply.
        return older  # the switch has not reached every sink: some callers still read the older one, so it must keep working
    if shown and not (newer.state == "ACTIVE" and _may_have_come_since(older, newer, held)):
        return first if first.name in shown else second
    # No sink shows either of them for certain. One that works alone must be it; of two, the one delivered last, because the
    # current secret is never renewed while it is in use.
    working = [secret for secret in (first, second) if secret.state == "ACTIVE"]
    if len(working) == 1:
        return working[0]
    # a write-only sink counts as having what was delivered last, and so does no place at all
    # A key without sinks once never became idle, because no record could show what its
    # callers have (test_a_key_that_is_delivered_nowhere_is_rotated).
    delivered = not held or any(sink.may_hold(newer.name) for sink in held)
    return newer if delivered and is_newer(newer, older) else older


def _may_have_come_since(older: LiveSecret, newer: LiveSecret, held: tuple[SinkState, ...]) -> bool:
    """Whether another machine may have delivered the newer secret since this machine's log was written.

    True when every sink that shows the older one is write-only. Its log is this machine's own memory: it does not know
    what a CI runner delivered later, so an old entry must not override a newer delivery.
    """
    showing_older = [sink for sink in held if sink.records.get(older.name) == "current"]
    return is_newer(newer, older) and bool(showing_older) and all(sink.may_hold(newer.name) for sink in showing_older)


def _find_phase(current: LiveSecret, other: LiveSecret, held: tuple[SinkState, ...]) -> Phase:
    """The phase by the two states and by which secret is newer; `current` is chosen already."""
    if current.state != "ACTIVE":
        # current no longer works: promote the other secret if it is active
        return "promoting" if other.state == "ACTIVE" else "outage"
    if other.state != "ACTIVE":
        return "idle"
    if not is_newer(other, current):
        # The newer secret is the one that callers read: the switch is complete.
        return "overlap"
    # Only an abort writes a newer, working secret as inactive. A sink that lost everything shows nothing, hence `shown`.
    parts = {sink.records[other.name] for sink in held if other.name in sink.records}
    shown = any(current.name in sink.records for sink in held)
    return "rolling back" if parts == {"inactive"} and shown else "promoting"


def find_hand_edits(resource: Resource, live: LiveResource, held: Iterable[SinkState]) -> tuple[HandEdit, ...]:
    """Sinks that were emptied or edited, and of a key that rotates, the secret that callers have and that was stopped.

    `held` is what was read of the sinks; without any, only the live states count.

    Args:
        resource: the declared ApiKey.
        live: the same key as listed.

    Returns:
        `(path, found, wanted)` per edit. The path starts with `deliverTo` for a sink and
            with `secrets` for a state.
    """
    sinks = tuple(held)
    if {secret.name for secret in live.secrets} != set(declared_secrets(resource)):
        return ()  # the manifest names others than the live key has: that is reported as it is
    edits: list[HandEdit] = []
    if Rotation.of(resource) is not None:
        position = derive_state(resource, live, sinks)
        edits += _stopped(position, sinks)
        # Of a rotating key only the current value is compared: roles of the other secret change
        # with the phase.
        roles: dict[str, Role] = {name: role for name, role in position.roles.items() if role == "current"}
    else:
        roles = declared_roles(resource)
    for place, secret, there, wanted in sink_differences(roles, sinks, live):
        edits.append((("deliverTo", place, *([secret] if secret else [])), there, wanted))
    return tuple(edits)


def _stopped(position: RotationState, held: tuple[SinkState, ...]) -> Iterator[HandEdit]:
    """A rotation stops a secret only after every sink shows the other one; age is not somebody's doing."""
    current = position.current
    if current.state not in ("INACTIVE", "REVOKED"):
        return
    # Without a sink that shows it, the stopped secret may just be the one that the last
    # rotation retired.
    shown = any(sink.records.get(current.name) == "current" for sink in held)
    if shown or position.phase == "outage":
        yield ("secrets", current.name, "state"), current.state.lower(), "active"
