"""API keys without a rotation: from declared states and expiries to calls, invalidations and deliveries. Pure.

What the service allows (OCI documentation, "Generative AI API keys"): SetApiKeyState changes ACTIVE to INACTIVE and back; REVOKED is
permanent; only RenewApiKey changes an expiry, and it replaces the value at once and leaves the secret ACTIVE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import Action, Call, DeliveryPlan, Invalidation, Lifetime, LiveResource, LiveSecret, Resource, Role
from genai_iac.core.errors import PlanError
from genai_iac.core.step import DiffContext, Step
from genai_iac.rotation.delivery_gaps import deliverable_roles, find_delivery_gaps, why_incomplete

Declared = Literal["active", "inactive", "revoked"]  # `secrets[].state` of a manifest


def declared_secrets(desired: Resource) -> Mapping[str, Mapping[str, Any]]:
    """The declared secrets by name, in the manifest's order: `{"state": "active", "expires": Lifetime or moment}`.

    Args:
        desired: an ApiKey whose attributes were filled by `resource_types/api_key.py`.

    Returns:
        Per secret its `state` (`active`, `inactive` or `revoked`) and its `expires`: a
            `Lifetime` for a duration, else RFC
        3339 text in UTC.
    """
    return cast("Mapping[str, Mapping[str, Any]]", desired.attributes["secrets"])


class SecretChange(Struct, frozen=True):
    """One call on one secret, with the reason shown in the plan and what it invalidates."""

    action: Action  # one of renew, activate, deactivate, revoke
    call: Call
    reason: str  # shown in the plan after `#`
    loss: Invalidation | None = None  # None when no working value stops

    @property
    def invalidates_only(self) -> bool:
        """Whether the call invalidates a value and returns no new one. Such calls come after the delivery.

        Else a failed delivery would leave callers without a working value.
        """
        return self.action in ("deactivate", "revoke")


def declared_roles(desired: Resource) -> dict[str, Role]:
    """The role of each declared secret in the sinks: the first active one is current, a second one is standby.

    Inactive ones are stored as inactive where a sink can; revoked ones have no role.

    Args:
        desired: an ApiKey without `rotation:`. With one, `RotationState.roles` has the
            roles.
    """
    roles: dict[str, Role] = {}
    for name, declared in declared_secrets(desired).items():
        if declared["state"] == "inactive":
            roles[name] = "inactive"
        elif declared["state"] == "active":
            roles[name] = "standby" if "current" in roles.values() else "current"
    return roles


def check_names(desired: Resource, live: LiveResource) -> None:
    """Check that the live key has the declared secrets. Raises PlanError when not: OCI has no call that adds or renames one.

    The names are compared as sets: their order in the manifest does not matter.
    """
    declared, there = declared_secrets(desired), [secret.name for secret in live.secrets]
    if sorted(declared) != sorted(there):
        raise PlanError(
            f"{desired.source}: {desired.address} declares the secrets {_names(declared)}, the live key has {_names(there)}: "
            "OCI fixes the secrets of a key when it makes it",
            hint="write the live names, or declare a second ApiKey, move its users there and remove this one",
        )


def reconcile_secrets(desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
    """The Step that gives each live secret its declared state and expiry, and each sink what it should hold.

    A secret in use is never renewed because a sink lost its value: a deleted file is no reason to break every caller. The
    note says how to do it anyway. Calls that only invalidate come last. See tests/plan_apply/test_delivery.py.
    Raises PlanError for what OCI cannot do: a revoked secret declared otherwise, an expiry in the past.

    Args:
        desired: the declared ApiKey, without `rotation:`.
        live: the same key as listed; `check_names` has passed.
        facts: the tenancy's time, the sink states, and when a secret counts as unused.

    Returns:
        An empty Step when states, expiries and sinks are as declared. A Step with the single action `deliver` when only sinks
            differ. Else one call per difference, and a delivery of every secret that changes.
    """
    roles = {name: role for name, role in declared_roles(desired).items() if _has_future(live, name)}
    declared = declared_secrets(desired)
    gaps = find_delivery_gaps(roles, facts.held, _awake(live, declared))
    changes = [
        change
        for secret in live.secrets
        for change in _changes_of(desired, live, secret, declared[secret.name], facts, gaps.undelivered)
    ]
    # `sort` is stable: renewals and activations keep the manifest's order, deactivations
    # and revocations follow them. tests/plan_apply/test_edits.py fixes the order for each
    # kind of edit.
    changes.sort(key=lambda change: change.invalidates_only)
    notes = _lost_values(
        desired, gaps.undelivered - {one.call.secret for one in changes if one.action == "renew"}, facts
    )
    # Nothing is renewed: copying a value from one sink to another is safe at any time,
    # unless the copy would remove what a sink shows as current
    # (tests/plan_apply/test_sink_drift.py).
    copies = bool(gaps.incomplete) and not _would_take_away(roles, gaps.undelivered | gaps.elsewhere, facts)
    if not changes and not copies:
        return Step(notes=notes)
    # All declared roles, not `roles` of above: a secret that is renewed by this step has a future again.
    calls = tuple(change.call for change in changes)
    handover = DeliveryPlan(deliverable_roles(declared_roles(desired), facts.held, live, calls))
    if not changes:
        names = tuple(sorted(gaps.incomplete))
        return Step(("deliver",), (), (why_incomplete(names, handover.roles, facts.held),), (), names, handover, notes)
    return _step_of(changes, calls, gaps.incomplete, handover, notes)


def _step_of(
    changes: Sequence[SecretChange],
    calls: tuple[Call, ...],
    incomplete: frozenset[str],
    handover: DeliveryPlan,
    notes: tuple[str, ...],
) -> Step:
    """One Step of the changes in their order; secrets that a sink lacks or misplaces are delivered with it."""
    return Step(
        tuple(dict.fromkeys(change.action for change in changes)),
        calls,
        tuple(change.reason for change in changes),
        tuple(change.loss for change in changes if change.loss),
        tuple(sorted({call.secret for call in calls if call.secret} | incomplete)),
        handover,
        notes,
    )


def _lost_values(desired: Resource, names: Iterable[str], facts: DiffContext) -> tuple[str, ...]:
    """A note for each secret in use whose value a sink lacks and no sink can give."""
    return tuple(
        f"{name} is in use but a sink lacks its value, which OCI shows only once; apply renews it once nobody uses it; "
        + ask_for_another(desired, name, facts.now)
        for name in sorted(names)
    )


def _would_take_away(roles: Mapping[str, Role], undelivered: frozenset[str], facts: DiffContext) -> bool:
    """Whether a delivery would remove a current value from some sink with nothing to replace it.

    True when the secret that is to be current is undelivered while a sink shows another one as current. Then nothing is written.
    """
    lost = any(roles[name] == "current" for name in undelivered if name in roles)
    return lost and any("current" in sink.records.values() for sink in facts.held)


def ask_for_another(desired: Resource, name: str, now: datetime) -> str:
    """What a person writes and types for a new value of a key that does not rotate.

    Args:
        name: the secret of `desired` whose value no sink has.
        now: the tenancy's time.

    Returns:
        One clause for the end of a note: the `expires` to write and the command with
            --accept-outage.
    """
    expiry = _another_expiry(declared_secrets(desired)[name]["expires"], now)
    apply = f"genai-iac apply --accept-outage {desired.address}"
    return f"to renew it anyway: write `expires: {expiry}` for it, then {apply}"


def _another_expiry(expires: Lifetime | str, now: datetime) -> str:
    """A date-time (RFC 3339) that makes a plan renew the secret: the declared expiry plus a day.

    A duration would not, since it counts only from the next renewal: an earlier hint with one was followed in vain.
    """
    moment = now + expires.length if isinstance(expires, Lifetime) else datetime.fromisoformat(expires)
    return f"{max(moment, now) + timedelta(days=1):%Y-%m-%dT00:00:00Z}"


def _awake(live: LiveResource, declared: Mapping[str, Mapping[str, Any]]) -> LiveResource:
    """The key as if inactive secrets that are declared active were active already.

    So that a secret whose value no sink has is renewed instead of activated: an active secret that nobody can call with is only
    a risk.
    """
    wanted = {name for name, secret in declared.items() if secret["state"] == "active"}
    secrets = (
        replace(secret, state="ACTIVE") if secret.state == "INACTIVE" and secret.name in wanted else secret
        for secret in live.secrets
    )
    return replace(live, secrets=tuple(secrets))


def _has_future(live: LiveResource, name: str) -> bool:
    """Whether the secret works or can be activated. Expired and revoked ones have no role in the sinks."""
    secret = live.secret(name)
    return secret is not None and secret.state in ("ACTIVE", "INACTIVE")


def _changes_of(
    desired: Resource,
    live: LiveResource,
    secret: LiveSecret,
    declared: Mapping[str, Any],
    facts: DiffContext,
    undelivered: frozenset[str],
) -> Iterator[SecretChange]:
    """The calls that one secret needs, in the order in which they must be made; none when it is as declared.

    A renewal leaves a secret ACTIVE whatever it was before. So a secret that is to be
    inactive and needs another expiry gets two calls: RenewApiKey, then SetApiKeyState.

    Raises:
        PlanError: a revoked secret is declared otherwise, or a needed renewal would be
            given an expiry in the past.
    """
    wanted: Declared = declared["state"]
    if secret.state == "REVOKED":
        if wanted != "revoked":
            raise PlanError(
                f"{desired.source}: {desired.address} secret {secret.name} was revoked permanently; it cannot become {wanted} again",
                hint="declare state: revoked, or declare a new ApiKey and move its users there",
            )
        return
    renewal = _why_renew(secret, wanted, declared["expires"], facts, undelivered)
    if renewal:
        _check_expiry(desired, secret, declared["expires"], facts)
        # An inactive or expired secret has no callers to lose.
        loss = Invalidation(secret.name, secret.last_used, "renew") if secret.state == "ACTIVE" else None
        yield SecretChange("renew", renew(live, secret.name, declared["expires"]), renewal, loss)
    yield from _state_changes(live, secret, "ACTIVE" if renewal else secret.state, wanted)


def _check_expiry(desired: Resource, secret: LiveSecret, expires: Lifetime | str, facts: DiffContext) -> None:
    """Raises PlanError for a renewal whose exact expiry is past."""
    if isinstance(expires, str) and datetime.fromisoformat(expires) <= facts.now:
        raise PlanError(
            f"{desired.source}: {desired.address} secret {secret.name} would have to be renewed to {expires}, which is past",
            hint="give a later date or a duration such as 90d",
        )


def _state_changes(live: LiveResource, secret: LiveSecret, state: str, wanted: Declared) -> Iterator[SecretChange]:
    """The SetApiKeyState from the state that the secret has by then to the declared one; none where they agree."""
    name = secret.name
    if wanted == "active" and state == "INACTIVE":
        yield SecretChange("activate", set_state(live, name, "ACTIVE"), f"{name} is inactive")
    elif wanted == "inactive" and state == "ACTIVE":
        call = set_state(live, name, "INACTIVE")
        yield SecretChange("deactivate", call, f"{name} is active", _loss(secret, "deactivate"))
    elif wanted == "revoked" and state in ("ACTIVE", "INACTIVE"):
        call = set_state(live, name, "REVOKED")
        yield SecretChange("revoke", call, f"{name} is not revoked", _loss(secret, "revoke"))


def _why_renew(
    secret: LiveSecret, wanted: Declared, expires: Lifetime | str, facts: DiffContext, undelivered: frozenset[str]
) -> str | None:
    """Why the secret must be renewed, for the plan; None when it must not.

    Three reasons, and only the first holds for a secret in use: another exact expiry, an
    expired secret that is declared active, a value that no sink holds and nobody uses.
    """
    if wanted == "revoked":
        return None
    # A duration is never compared with the live expiry: it says how long a new value works,
    # not until when this one does.
    if isinstance(expires, str) and secret.expires != datetime.fromisoformat(expires):
        return f"{secret.name} expires at another time, and OCI changes an expiry only by Renew"
    if wanted == "active" and secret.state == "EXPIRED":
        return f"{secret.name} has expired"
    # `idle` is what keeps callers safe here: a lost file alone must not renew a value in
    # use (test_a_value_in_use_is_never_renewed_because_a_file_was_lost).
    if wanted == "active" and secret.name in undelivered and facts.idle(secret):
        return f"no sink holds the value of {secret.name}, and it is unused"
    return None


def _loss(secret: LiveSecret, how: Action) -> Invalidation | None:
    """What a change of state invalidates.

    A revocation counts for an inactive secret too: it can never be activated again.
    """
    if secret.state == "ACTIVE" or how == "revoke":
        return Invalidation(secret.name, secret.last_used, how)
    return None


def renew(live: LiveResource, name: str, expires: Lifetime | str) -> Call:
    """RenewApiKey of that secret. `expires`: a Lifetime starts at the call; text is RFC 3339 in UTC.

    Args:
        live: the key; its OCID and region address the call.
        name: the secret's `keyName`.
        expires: becomes `timeExpiry`. A Lifetime is turned into a date-time when the call
            is made, by the tenancy's clock.

    Source: Generative AI API 20231130, RenewApiKey. The answer has the new value, once.
    """
    return Call("RenewApiKey", {"details": {"keyName": name, "timeExpiry": expires}}, live.id, live.region, name)


def set_state(live: LiveResource | None, name: str, state: str, region: str | None = None) -> Call:
    """SetApiKeyState of that secret. Without a live key it acts on the key that the same change creates.

    Args:
        live: the key, or None for one that the same change creates.
        name: the secret's `keyName`.
        state: ACTIVE, INACTIVE or REVOKED.
        region: where the key is created; used only without a live key.

    Source: Generative AI API 20231130, SetApiKeyState.
    """
    body = {"keyName": name, "state": state}
    return Call("SetApiKeyState", body, live.id if live else None, live.region if live else region, name)


def _names(names: object) -> str:
    return " and ".join(names)  # type: ignore[arg-type]
