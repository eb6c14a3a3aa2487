"""The two secrets of an API key: from declared states and expiries to the calls, the losses and the deliveries.

What the service allows (its own page on API keys): ACTIVE and INACTIVE are exchanged by SetApiKeyState, REVOKED is
for ever, an expiry changes only by RenewApiKey, which replaces the value at once and leaves the secret ACTIVE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from genai_iac.core import Action, Call, DeliveryPlan, Invalidation, Lifetime, LiveResource, LiveSecret, Resource, Role
from genai_iac.core.errors import PlanError
from genai_iac.core.step import DiffContext, Step
from genai_iac.rotation.delivery_gaps import find_delivery_gaps, why_incomplete

Declared = Literal["active", "inactive", "revoked"]


def declared_secrets(desired: Resource) -> Mapping[str, Mapping[str, Any]]:
    """The declared secrets by name, in the manifest's order: `{"state": "active", "expires": Lifetime or moment}`."""
    return cast("Mapping[str, Mapping[str, Any]]", desired.attributes["secrets"])


@dataclass(frozen=True, slots=True)
class SecretChange:
    """One thing to be done to one secret."""

    action: Action
    call: Call
    reason: str
    loss: Invalidation | None = None

    @property
    def kills_only(self) -> bool:
        """Whether it takes a value away and brings none: such turns come last, after the sinks have what stays."""
        return self.action in ("deactivate", "revoke")


def declared_roles(desired: Resource) -> dict[str, Role]:
    """The part each declared secret plays in the sinks.

    The first active one is current, a second one stands by, inactive ones are kept aside.
    """
    roles: dict[str, Role] = {}
    for name, declared in declared_secrets(desired).items():
        if declared["state"] == "inactive":
            roles[name] = "inactive"
        elif declared["state"] == "active":
            roles[name] = "standby" if "current" in roles.values() else "current"
    return roles


def check_names(desired: Resource, live: LiveResource) -> None:
    """Raises PlanError when the live key has other secrets than the manifest declares: no call can change that."""
    declared, there = declared_secrets(desired), [secret.name for secret in live.secrets]
    if sorted(declared) != sorted(there):
        raise PlanError(
            f"{desired.source}: {desired.address} declares the secrets {_names(declared)}, the live key has {_names(there)}: "
            "OCI fixes the secrets of a key when it makes it",
            hint="write the live names, or declare a second ApiKey, move its users there and remove this one",
        )


def reconcile_secrets(desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
    """What brings each live secret to its declared state and expiry, and every sink to hold what it should.

    What takes a value away comes last. Raises PlanError when the service has no way: a revoked secret wanted back, an expiry in the past.
    """
    roles = {name: role for name, role in declared_roles(desired).items() if _has_future(live, name)}
    declared = declared_secrets(desired)
    gaps = find_delivery_gaps(roles, facts.held, _awake(live, declared))
    turns = [
        turn
        for secret in live.secrets
        for turn in _turn(desired, live, secret, declared[secret.name], facts, gaps.undelivered)
    ]
    turns.sort(key=lambda turn: turn.kills_only)
    renewed = {turn.call.secret for turn in turns if turn.action == "renew"}
    notes = tuple(
        f"{name} is in use but a sink lacks its value, which OCI shows only once; apply renews it once it is unused; to "
        f"renew it anyway: write `expires: {_another_expiry(declared[name]['expires'], facts.now)}` for it, "
        f"then genai-iac apply --accept-outage {desired.address}"
        for name in sorted(gaps.undelivered - renewed)
    )
    handover = DeliveryPlan(declared_roles(desired))
    if turns:
        return Step(
            tuple(dict.fromkeys(turn.action for turn in turns)),
            tuple(turn.call for turn in turns),
            tuple(turn.reason for turn in turns),
            tuple(turn.loss for turn in turns if turn.loss),
            tuple(sorted({turn.call.secret for turn in turns if turn.call.secret} | gaps.incomplete)),
            handover,
            notes,
        )
    if gaps.incomplete and not _would_take_away(roles, gaps.undelivered, facts):
        names = tuple(sorted(gaps.incomplete))
        return Step(("deliver",), (), (why_incomplete(names, facts.held),), (), names, handover, notes)
    return Step(notes=notes)


def _would_take_away(roles: Mapping[str, Role], undelivered: frozenset[str], facts: DiffContext) -> bool:
    """Whether callers read one value in some sink, and the one that is to stand there cannot be given."""
    lost = any(roles[name] == "current" for name in undelivered if name in roles)
    return lost and any("current" in sink.records.values() for sink in facts.held)


def _another_expiry(expires: Lifetime | str, now: datetime) -> str:
    """A moment near the declared one that makes a renewal: another duration would change nothing."""
    moment = now + expires.length if isinstance(expires, Lifetime) else datetime.fromisoformat(expires)
    return f"{max(moment, now) + timedelta(days=1):%Y-%m-%dT00:00:00Z}"


def _awake(live: LiveResource, declared: Mapping[str, Mapping[str, Any]]) -> LiveResource:
    """The key with those secrets active that are to be: one that no sink holds is renewed at once, not activated for nobody."""
    wanted = {name for name, secret in declared.items() if secret["state"] == "active"}
    secrets = (
        replace(secret, state="ACTIVE") if secret.state == "INACTIVE" and secret.name in wanted else secret
        for secret in live.secrets
    )
    return replace(live, secrets=tuple(secrets))


def _has_future(live: LiveResource, name: str) -> bool:
    secret = live.secret(name)
    return secret is not None and secret.state in ("ACTIVE", "INACTIVE")


def _turn(
    desired: Resource,
    live: LiveResource,
    secret: LiveSecret,
    declared: Mapping[str, Any],
    facts: DiffContext,
    undelivered: frozenset[str],
) -> Iterator[SecretChange]:
    wanted: Declared = declared["state"]
    where = f"{desired.address} secret {secret.name}"
    if secret.state == "REVOKED":
        if wanted != "revoked":
            raise PlanError(
                f"{desired.source}: {where} was revoked permanently; it cannot become {wanted} again",
                hint="declare state: revoked, or declare a new ApiKey and move its users there",
            )
        return
    renewal = _why_renew(secret, wanted, declared["expires"], facts, undelivered)
    if renewal:
        if isinstance(declared["expires"], str) and datetime.fromisoformat(declared["expires"]) <= facts.now:
            raise PlanError(
                f"{desired.source}: {where} would have to be renewed to {declared['expires']}, which is past",
                hint="give a later date or a duration such as 90d",
            )
        loss = Invalidation(secret.name, secret.last_used, "renew") if secret.state == "ACTIVE" else None
        yield SecretChange("renew", renew(live, secret.name, declared["expires"]), renewal, loss)
    state = "ACTIVE" if renewal else secret.state
    if wanted == "active" and state == "INACTIVE":
        yield SecretChange("activate", set_state(live, secret.name, "ACTIVE"), f"{secret.name} is inactive")
    elif wanted == "inactive" and state == "ACTIVE":
        yield SecretChange(
            "deactivate",
            set_state(live, secret.name, "INACTIVE"),
            f"{secret.name} is active",
            _loss(secret, "deactivate"),
        )
    elif wanted == "revoked" and state in ("ACTIVE", "INACTIVE"):
        yield SecretChange(
            "revoke", set_state(live, secret.name, "REVOKED"), f"{secret.name} is not revoked", _loss(secret, "revoke")
        )


def _why_renew(
    secret: LiveSecret, wanted: Declared, expires: Lifetime | str, facts: DiffContext, undelivered: frozenset[str]
) -> str | None:
    if wanted == "revoked":
        return None
    if isinstance(expires, str) and secret.expires != datetime.fromisoformat(expires):
        return f"{secret.name} expires at another time, and OCI changes an expiry only by Renew"
    if wanted == "active" and secret.state == "EXPIRED":
        return f"{secret.name} has expired"
    if wanted == "active" and secret.name in undelivered and facts.idle(secret):
        return f"no sink holds the value of {secret.name}, and it is unused"
    return None


def _loss(secret: LiveSecret, how: Action) -> Invalidation | None:
    if secret.state == "ACTIVE" or how == "revoke":
        return Invalidation(secret.name, secret.last_used, how)
    return None


def renew(live: LiveResource, name: str, expires: Lifetime | str) -> Call:
    """The one RenewApiKey of that secret."""
    return Call("RenewApiKey", {"details": {"keyName": name, "timeExpiry": expires}}, live.id, live.region, name)


def set_state(live: LiveResource | None, name: str, state: str, region: str | None = None) -> Call:
    """The one SetApiKeyState of that secret; without a live key it acts on the key that the same change makes."""
    body = {"keyName": name, "state": state}
    return Call("SetApiKeyState", body, live.id if live else None, live.region if live else region, name)


def _names(names: object) -> str:
    return " and ".join(names)  # type: ignore[arg-type]
