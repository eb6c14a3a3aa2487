"""What somebody did to a live key and its sinks outside the manifests: not what the next step will change. Pure.

`drift` reports these edits. A plan needs no such list: it compares with the declaration and corrects the difference, whoever made it. The
states that a rotation itself brings about are no edits (tests/plan_apply/test_sink_drift.py,
test_the_states_that_a_rotation_brings_about_are_no_drift).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genai_iac.core import LiveResource, Resource, Role, SinkState
from genai_iac.rotation.block import Rotation
from genai_iac.rotation.declared_states import declared_roles, declared_secrets
from genai_iac.rotation.delivery_gaps import sink_differences
from genai_iac.rotation.state import RotationState, derive_state

Path = tuple[str, ...]  # where the edit is, as `drift` prints it
HandEdit = tuple[Path, str, str]  # what differs, as it is, as it should be


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
