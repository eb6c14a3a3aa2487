"""What somebody did to a live key and its sinks outside the manifests: not what the next step will change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genai_iac.core import LiveResource, Resource, Role, SinkState
from genai_iac.rotation.block import Rotation
from genai_iac.rotation.declared_states import declared_roles, declared_secrets
from genai_iac.rotation.delivery_gaps import sink_differences
from genai_iac.rotation.state import RotationState, derive_state

Path = tuple[str, ...]
HandEdit = tuple[Path, str, str]  # what differs, as it is, as it should be


def find_hand_edits(resource: Resource, live: LiveResource, held: Iterable[SinkState]) -> tuple[HandEdit, ...]:
    """Sinks that were emptied or edited, and of a key that rotates, the secret that callers have and that was stopped.

    `held` is what was read of the sinks; without any, only the live states tell.
    """
    sinks = tuple(held)
    if {secret.name for secret in live.secrets} != set(declared_secrets(resource)):
        return ()  # the manifest names others than the live key has: that is reported as it is
    edits: list[HandEdit] = []
    if Rotation.of(resource) is not None:
        position = derive_state(resource, live, sinks)
        edits += _stopped(position, sinks)
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
    shown = any(sink.records.get(current.name) == "current" for sink in held)
    if shown or position.phase == "outage":
        yield ("secrets", current.name, "state"), current.state.lower(), "active"
