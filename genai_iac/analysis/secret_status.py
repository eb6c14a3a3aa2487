"""Every secret of a stack's live keys in one list: its state, when it expires, when it was last used, which sinks hold it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from genai_iac.core import Address, Live, LiveResource, Reference, Resource, SinkState
from genai_iac.resource_types import Rotation, declared_secrets, derive_state, telling_sinks

# By phase, with the name of the other secret.
_STEPS = {
    "idle": "no rotation in progress",
    "promoting": "rotating to {}",
    "overlap": "overlap: {} to be retired",
    "rolling back": "rolling back: {} to be deactivated",
    "outage": "outage: the next apply renews {}",
}


class SecretStatus(Struct, frozen=True):
    """One secret. Times are aware UTC."""

    address: Address
    id: str  # OCID of the key
    secret: str  # name within the key
    state: str  # of the service: ACTIVE, INACTIVE, EXPIRED, REVOKED
    mask: str
    expires: datetime | None
    last_used: datetime | None
    role: str  # current, standby, pending, inactive; empty where nothing says
    sinks: tuple[str, ...]  # places that hold this very value
    step: str  # where the key's rotation stands; empty without one
    project: str = ""  # the project that callers name: an address or an OCID

    @property
    def is_expired_in_use(self) -> bool:
        """Whether callers read it in a sink and it has expired."""
        return self.state == "EXPIRED" and self.role == "current"

    def left(self, now: datetime) -> timedelta | None:
        """How long until it expires; negative when that time is over, None when it never does, or is revoked or EXPIRED.

        Args:
            now: the tenancy's time.
        """
        if self.expires is None or self.state not in ("ACTIVE", "INACTIVE"):
            return None
        return self.expires - now


def list_secrets(
    resources: Mapping[Address, Resource],
    live: Live,
    held: Mapping[Address, tuple[SinkState, ...]],
    places: Mapping[Address, tuple[str, ...]],
) -> tuple[SecretStatus, ...]:
    """All secrets of the stack's own keys, declared or not, by address and name; `places` names the sinks in the order of `held`.

    Args:
        resources: declared ones; a key without a declaration has no rotation step.
        held: sink states; a key without an entry has no roles.
    """
    return tuple(
        entry
        for address, group in sorted(live.owned.items())
        for key in group
        if address.kind == "ApiKey"
        for entry in _of_key(address, key, resources.get(address), held.get(address, ()), places.get(address, ()))
    )


def due_within(entries: tuple[SecretStatus, ...], length: timedelta, now: datetime) -> tuple[SecretStatus, ...]:
    """Those that work and expire within that time, and those that callers read and that are expired already.

    One that is the standby, inactive, expires unnoticed and does not count.

    Args:
        length: of `--within`.
        now: the tenancy's time.
    """
    return tuple(entry for entry in entries if entry.is_expired_in_use or _expires_within(entry, length, now))


def _expires_within(entry: SecretStatus, length: timedelta, now: datetime) -> bool:
    left = entry.left(now)
    return entry.state == "ACTIVE" and left is not None and left <= length


def _of_key(
    address: Address, key: LiveResource, resource: Resource | None, held: tuple[SinkState, ...], places: tuple[str, ...]
) -> Iterator[SecretStatus]:
    step = _step(resource, key, held)
    for secret in key.secrets:
        roles = [sink.records[secret.name] for sink in telling_sinks(held) if secret.name in sink.records]
        yield SecretStatus(
            address=address,
            id=key.id,
            secret=secret.name,
            state=secret.state,
            mask=secret.mask,
            expires=secret.expires,
            last_used=secret.last_used,
            role=roles[0] if roles else "",
            sinks=tuple(place for place, sink in zip(places, held, strict=False) if secret.name in sink.records),
            step=step,
            project=_project(resource),
        )


def _project(resource: Resource | None) -> str:
    named = resource.settings.get("project") if resource else None
    return str(named.address) if isinstance(named, Reference) else str(named or "")


def _step(resource: Resource | None, key: LiveResource, held: tuple[SinkState, ...]) -> str:
    """Where the key's rotation is, in words."""
    if resource is None or Rotation.of(resource) is None:
        return ""
    if {secret.name for secret in key.secrets} != set(declared_secrets(resource)):
        return ""  # the manifest names others than the live key has: plan says so
    position = derive_state(resource, key, held)
    if position.other.state == "REVOKED":
        return f"cannot rotate again: {position.other.name} is revoked"
    return _STEPS[position.phase].format(position.other.name)
