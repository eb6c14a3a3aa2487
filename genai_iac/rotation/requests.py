"""What a person asks of a rotation: to revoke a leaked secret, or to abort; and how a later run continues it.

A leak needs several calls, and a run can be killed between them. The first call therefore tags the key with the leaked secret's name; any
later run finds the tag and continues. The last call removes it.

Two forms of the tag `genai-iac-leaked`: `SECRET` asks for a revocation, `SECRET=MASK` for a deactivation and a renewal. The mask names
the leaked value, so that a tag which survives the renewal is not applied to the new value of the same secret.
"""

from __future__ import annotations

from msgspec.structs import replace

from genai_iac.core import LEAK_TAG, Call, DeliveryPlan, Invalidation, LiveResource, LiveSecret, Resource, Role
from genai_iac.core.errors import PlanError
from genai_iac.core.step import DiffContext, Step, declared_tags
from genai_iac.rotation.declared_states import declared_roles, declared_secrets, renew, set_state
from genai_iac.rotation.delivery_gaps import find_delivery_gaps
from genai_iac.rotation.renewal import is_readable_from_sink, is_undelivered, is_unused, losses, renew_standby
from genai_iac.rotation.state import RotationState, is_newer


def find_leak(live: LiveResource, facts: DiffContext) -> str | None:
    """The leaked secret to be answered for: the one requested now, or the one that an interrupted run left in the key's tag.

    None when there is neither, or when the tagged value no longer exists.

    Returns:
        The secret's name as requested, which may not exist; `handle_leak` checks it.
    """
    if facts.request is not None and facts.request.what == "leaked":
        return facts.request.secret
    name, separator, mask = live.tags.get(LEAK_TAG, "").partition("=")
    noted = live.secret(name)
    if noted is None or noted.state == "REVOKED" or (separator and noted.mask != mask):
        return None  # done: another value is in its slot by now
    return noted.name


def _is_to_be_revoked(live: LiveResource, facts: DiffContext) -> bool:
    """By what is asked now, else by the note: `SECRET` (also that of earlier versions) revokes, `SECRET=MASK` deactivates and renews."""
    if facts.request is not None and facts.request.what == "leaked":
        return facts.request.revokes
    return "=" not in live.tags.get(LEAK_TAG, "")


def handle_leak(
    resource: Resource, live: LiveResource, position: RotationState, leaked: str, facts: DiffContext
) -> Step:
    """Promote the other secret, then deactivate the leaked one and renew it in the next step, or revoke it.

    The other secret is delivered, verified and current in every sink first, so callers that read sinks again always have a value
    that works. A tag on the key remembers the leak from the first call to the last, so that any run continues it.

    Raises PlanError for a name that the key does not have, and when neither value can be touched without breaking callers.

    Args:
        resource: the declared ApiKey; with or without `rotation:`.
        position: which secret is current. The one that did not leak is kept.
        leaked: the name of the leaked secret.

    Returns:
        The first or the next step of the answer. It is empty, with a note, when the secret
            is revoked already.
    """
    secret = live.secret(leaked)
    if secret is None:
        names = " and ".join(declared_secrets(resource))
        raise PlanError(f"{resource.address} has no secret {leaked}", hint=f"its secrets are {names}")
    if secret.state == "REVOKED":
        return Step(notes=(f"{leaked} is revoked already{_say_outage(resource, position, leaked)}",))
    keeper = position.other if position.current.name == leaked else position.current
    # Every sink shows the secret that is kept, so the leaked one can stop without a
    # delivery.
    delivered = position.current.name == keeper.name and position.phase != "promoting"
    # A newer value may be on another machine: then this machine's sinks still show the leaked one.
    delivered = delivered and not is_undelivered(keeper, "current", live, facts)
    if not _is_to_be_revoked(live, facts):
        if keeper.state == "ACTIVE" and delivered and secret.state != "ACTIVE":
            # Second half of the answer: the leaked value is off, and its slot gets a new one.
            return _renew_leaked(resource, live, secret, keeper)
        step = _answer(resource, live, secret, keeper, delivered, facts)
        return _deactivating(step, resource, live, secret)
    step = _answer(resource, live, secret, keeper, delivered, facts)
    if "revoke" in step.actions and not resource.settings.get("rotation"):
        return replace(step, notes=(*step.notes, f"declare state: revoked for {leaked}: it cannot become active again"))
    return step


def _say_outage(resource: Resource, position: RotationState, revoked: str) -> str:
    """What ends the outage of callers that read the revoked secret; empty when they read the other one, or no step can."""
    works_again = resource.settings.get("rotation") and position.other.state != "REVOKED"
    if position.current.name != revoked or not works_again:
        return ""
    return f", and callers read it; to make {position.other.name} current: genai-iac apply"


def _answer(
    resource: Resource, live: LiveResource, secret: LiveSecret, keeper: LiveSecret, delivered: bool, facts: DiffContext
) -> Step:
    """Choose the way to the revocation that costs callers least.

    `_deactivating` weakens it where no revocation was asked for.

    Raises:
        PlanError: neither secret can be stopped or renewed without breaking callers.
    """
    leaked = secret.name
    if keeper.state == "ACTIVE" and delivered:
        return _revoke_alone(resource, live, secret, keeper)
    # Only what is certain counts here: after the revocation there is no way back
    # (tests/rotation/test_next_step.py, test_a_leak_in_the_overlap_renews_nothing).
    if keeper.state == "ACTIVE" and is_readable_from_sink(keeper, facts):
        return _hand_over(resource, live, secret, keeper)
    if keeper.state == "REVOKED":
        return _renew_in_place(resource, live, secret, keeper, facts)
    if keeper.state == "ACTIVE" and not is_unused(keeper, facts):
        raise PlanError(
            f"{resource.address}: {leaked} leaked, but no sink can give the value of {keeper.name}, which is in use",
            hint=f"restore its value in a sink, or stop its callers; or revoke {leaked} in the Console and apply again",
        )
    return _renew_and_revoke(resource, live, secret, keeper, facts)


def _deactivating(step: Step, resource: Resource, live: LiveResource, leaked: LiveSecret) -> Step:
    """The step with the leaked value deactivated in the place of revoked, and the note kept until it is renewed."""
    if "revoke" not in step.actions:
        return step
    note = _noting(resource, live, leaked, f"{leaked.name}={leaked.mask}")
    calls = [replace(call, body={**call.body, "freeformTags": note}) for call in step.calls if not call.takes_away]
    # The tag goes with the last call as well: a run killed before it leaves the leak noted
    # by the first call.
    ending = set_state(live, leaked.name, "INACTIVE")
    ending = replace(ending, body={**ending.body, "freeformTags": note})
    works = leaked.state == "ACTIVE"
    return replace(
        step,
        actions=tuple(
            "deactivate" if action == "revoke" else action for action in step.actions if works or action != "revoke"
        ),
        calls=(*calls, ending) if works else tuple(calls),
        losses=tuple(
            replace(one, how="deactivate") if one.secret == leaked.name else one
            for one in step.losses
            if works or not one.asked
        ),
        notes=(
            *step.notes,
            f"{_say_cost(leaked)} it is renewed, so that the key keeps both secrets (RenewApiKey); with --revoke it is permanently "
            "revoked instead and its slot is used up",
        ),
    )


def _say_cost(leaked: LiveSecret) -> str:
    if leaked.state != "ACTIVE":
        return f"what this costs: nothing, {leaked.name} does not work ({leaked.state}); then"
    return f"what this costs: callers that still hold {leaked.name} get 401 at once; once it is deactivated"


def _renew_leaked(resource: Resource, live: LiveResource, leaked: LiveSecret, keeper: LiveSecret) -> Step:
    """A new value in the slot of the leaked one, which works no more; this ends the leak, and its note."""
    rotates = bool(resource.settings.get("rotation"))
    call = renew(live, leaked.name, declared_secrets(resource)[leaked.name]["expires"])
    tags = {**live.tags, **declared_tags(resource)}
    tags.pop(LEAK_TAG, None)
    inactive = rotates or declared_secrets(resource)[leaked.name]["state"] == "inactive"
    roles: dict[str, Role] = {keeper.name: "current", leaked.name: "inactive"}
    return Step(
        ("renew", "deactivate") if inactive else ("renew",),
        (
            replace(call, body={**call.body, "freeformTags": tags}),
            *([set_state(live, leaked.name, "INACTIVE")] if inactive else []),
        ),
        (f"{leaked.name} leaked and is deactivated: renewed, so that the key keeps both",),
        (),
        (leaked.name,),
        DeliveryPlan(roles if inactive else declared_roles(resource)),
    )


def abort_rotation(resource: Resource, live: LiveResource, position: RotationState, facts: DiffContext) -> Step:
    """Make the older secret current in every sink again, and deactivate the newer one: at once when unused, else once idle.

    Sinks first: deactivating the newer secret while some sink still shows it would be an outage (found by callers that
    run throughout a rotation in tests/rotation). Raises PlanError when no rotation is under way, when the older secret does
    not work, and when its value cannot be given to a sink that needs it.

    Args:
        position: the rotation that is under way.
        facts: the sink states decide whether the older value can still be given to every
            sink.
    """
    switched = position.phase == "overlap" and is_newer(position.current, position.other)
    if not switched and position.phase not in ("promoting", "rolling back"):
        raise PlanError(f"{resource.address} is not rotating; there is nothing to abort")
    stays, goes = (position.other, position.current) if switched else (position.current, position.other)
    if stays.state != "ACTIVE":
        raise _no_way_back(resource, f"{stays.name} does not work")
    # A write-only sink may show the newer value although its log does not say so.
    # Deactivating that value is safe only when the older one can certainly be delivered.
    unsure = _may_be_shown(goes, facts) and not is_readable_from_sink(stays, facts)
    if unsure or is_undelivered(stays, "current", live, facts):
        raise _no_way_back(resource, f"a sink lacks the value of {stays.name} and none can give it")
    # No sink has the newer value, so nobody but the interrupted run can have used it.
    remembered = any(goes.name in sink.records for sink in facts.held)
    if facts.idle(goes) or not remembered:
        return _give_up(live, stays, goes, facts)
    note = f"{goes.name} is still in use; it is deactivated once it is idle: apply again"
    roles: dict[str, Role] = {stays.name: "current", goes.name: "inactive"}
    if not find_delivery_gaps(roles, facts.held, live).incomplete:
        return Step(notes=(note,))
    return Step(
        ("deliver",),
        (),
        (f"the rotation is aborted: {stays.name} stays current",),
        (),
        (stays.name,),
        DeliveryPlan(roles),
        (note,),
    )


def _give_up(live: LiveResource, stays: LiveSecret, goes: LiveSecret, facts: DiffContext) -> Step:
    """Deactivate the newer secret, after the older one is current in every sink."""
    return Step(
        ("deactivate",),
        (set_state(live, goes.name, "INACTIVE"),),
        (f"the rotation is aborted: {stays.name} stays current",),
        losses(goes, "deactivate", facts),
        (stays.name,),
        DeliveryPlan({stays.name: "current", goes.name: "inactive"}, retired=goes.name),
    )


def _may_be_shown(secret: LiveSecret, facts: DiffContext) -> bool:
    """Whether callers may read the secret's value in some sink: it is current there, or the sink is write-only."""
    return any(sink.records.get(secret.name) == "current" or secret.name in sink.unknown for sink in facts.held)


def _no_way_back(resource: Resource, why: str) -> PlanError:
    """The error when an abort would leave callers without a working value.

    Continuing the rotation is always possible.
    """
    return PlanError(
        f"{resource.address}: {why}, so the rotation cannot be aborted",
        hint=f"continue it: genai-iac rotate {resource.address}",
    )


def _revoke_alone(resource: Resource, live: LiveResource, leaked: LiveSecret, keeper: LiveSecret) -> Step:
    """Revoke only: every sink shows the other secret already. One call needs no tag to be resumed."""
    noted = LEAK_TAG in live.tags
    return Step(
        ("revoke",),
        (_revoke(resource, live, leaked) if noted else set_state(live, leaked.name, "REVOKED"),),
        (f"{leaked.name} leaked",),
        _asked_loss(leaked),
        (keeper.name,),
        DeliveryPlan({keeper.name: "current"}, retired=leaked.name),
    )


def _hand_over(resource: Resource, live: LiveResource, leaked: LiveSecret, keeper: LiveSecret) -> Step:
    """Switch to the other secret without a renewal: it works, and a sink can give its value."""
    note = Call("UpdateApiKey", {"freeformTags": _noting(resource, live, leaked)}, live.id, live.region)
    return Step(
        ("update", "revoke"),
        (note, _revoke(resource, live, leaked)),
        (f"{leaked.name} leaked: rotate to {keeper.name}",),
        _asked_loss(leaked),
        (keeper.name,),
        DeliveryPlan({keeper.name: "current"}, prove=keeper.name, retired=leaked.name),
    )


def _renew_and_revoke(
    resource: Resource, live: LiveResource, leaked: LiveSecret, keeper: LiveSecret, facts: DiffContext
) -> Step:
    """Renew the other secret, switch to it, and revoke the leaked one, in one change.

    The renewal sends the leak tag in the same request: with two requests a run killed in
    between would have renewed a secret without a note of why.
    """
    begun = renew_standby(resource, live, RotationState("idle", leaked, keeper), f"{leaked.name} leaked", facts)
    # Exactly one call: the other secret is not revoked, which `_answer` has checked.
    (renewal,) = begun.calls
    noting = replace(renewal, body={**renewal.body, "freeformTags": _noting(resource, live, leaked)})
    return replace(
        begun,
        actions=("renew", "revoke"),
        calls=(noting, _revoke(resource, live, leaked)),
        losses=(*begun.losses, *_asked_loss(leaked)),
        handover=DeliveryPlan({keeper.name: "current"}, prove=keeper.name, retired=leaked.name),
    )


def _renew_in_place(
    resource: Resource, live: LiveResource, leaked: LiveSecret, keeper: LiveSecret, facts: DiffContext
) -> Step:
    """Renew the leaked secret itself, because the other one is revoked: the leaked value stops and callers get a new one.

    Callers notice, since RenewApiKey replaces the value before it can be delivered. So the guard asks for --accept-outage.
    """
    return Step(
        ("renew",),
        (renew(live, leaked.name, declared_secrets(resource)[leaked.name]["expires"]),),
        (f"{leaked.name} leaked and {keeper.name} was revoked: renewed in its own slot, which callers notice",),
        losses(leaked, "renew", facts),
        (leaked.name,),
        DeliveryPlan({leaked.name: "current"}, retired=leaked.name),
    )


def _revoke(resource: Resource, live: LiveResource, leaked: LiveSecret) -> Call:
    """The revocation; the same call removes the leak tag, so that a killed run leaves both undone or neither.

    Declared tags are sent too, so that the key does not have to be updated once more.
    """
    call = set_state(live, leaked.name, "REVOKED")
    tags = {**live.tags, **declared_tags(resource)}
    tags.pop(LEAK_TAG, None)
    return replace(call, body={**call.body, "freeformTags": tags})


def _noting(resource: Resource, live: LiveResource, leaked: LiveSecret, note: str = "") -> dict[str, str]:
    """The key's tags with the leak noted. All tags are sent, because the service replaces the whole map."""
    return {**live.tags, **declared_tags(resource), LEAK_TAG: note or leaked.name}


def _asked_loss(leaked: LiveSecret) -> tuple[Invalidation, ...]:
    """What a person asked for by name: shown in the plan, and no guard refuses it."""
    return (Invalidation(leaked.name, leaked.last_used, "revoke", asked=True),)
