"""The mints of a rotation: a value brought up in the slot that nobody uses, and what is left when there is no such slot."""

from __future__ import annotations

from genai_iac.core import Action, DeliveryPlan, Invalidation, Lifetime, LiveResource, LiveSecret, Resource, Role
from genai_iac.core.step import DiffContext, Step
from genai_iac.rotation.block import Rotation
from genai_iac.rotation.declared_states import declared_secrets, renew, set_state
from genai_iac.rotation.delivery_gaps import find_delivery_gaps
from genai_iac.rotation.expiry import write_moment
from genai_iac.rotation.state import GONE, RotationState


def renew_standby(
    resource: Resource, live: LiveResource, position: RotationState, why: str, facts: DiffContext
) -> Step:
    """Mint the other one's value, deliver it, prove it, make it current everywhere; or what can be done when its slot is used up."""
    other = position.other
    if other.state == "REVOKED":
        return _without_a_slot(resource, live, position, why, facts)
    handover = DeliveryPlan(roles_after(position), prove=other.name)
    return Step(
        ("renew",),
        (renew(live, other.name, _expiry_beside(resource, position, facts)),),
        (f"{why}: rotate to {other.name}",),
        losses(other, "renew", facts),
        (other.name,),
        handover,
    )


def renew_current(resource: Resource, live: LiveResource, position: RotationState) -> Step:
    """The value that callers should have was lost on the way to them and nobody ever had it: as if the key were made now."""
    current, other = position.current, position.other
    expires = declared_secrets(resource)[current.name]["expires"]
    works = other.state == "ACTIVE"
    roles: dict[str, Role] = {current.name: "current", **({} if other.state in GONE else {other.name: "inactive"})}
    return Step(
        ("renew", "deactivate") if works else ("renew",),
        (renew(live, current.name, expires), *([set_state(live, other.name, "INACTIVE")] if works else [])),
        (f"the value of {current.name} reached no sink and was never used",),
        (Invalidation(current.name, None, "renew"), *([Invalidation(other.name, None, "deactivate")] if works else [])),
        (current.name,),
        DeliveryPlan(roles),
    )


def _expiry_beside(resource: Resource, position: RotationState, facts: DiffContext) -> Lifetime | str:
    """The declared life of the other one; longer where both would die within one overlap and leave no time for a turn."""
    declared: Lifetime | str = declared_secrets(resource)[position.other.name]["expires"]
    rotation, dies = Rotation.of(resource), position.current.expires
    if rotation is None or dies is None or position.current.state != "ACTIVE" or isinstance(declared, str):
        return declared
    if abs(facts.now + declared.length - dies) >= rotation.overlap:
        return declared
    return write_moment(dies + rotation.overlap)


def roles_after(position: RotationState) -> dict[str, Role]:
    """The parts once the other one is current: what was current stands by while it works."""
    current, other = position.current, position.other
    part: Role = "standby" if current.state == "ACTIVE" else "inactive"
    return {other.name: "current", **({} if current.state in GONE else {current.name: part})}


def is_undelivered(secret: LiveSecret, role: Role, live: LiveResource, facts: DiffContext) -> bool:
    """Whether a sink should hold it in that part, does not, and no other sink can give it.

    What another machine may hold counts as delivered, until a person asks.
    """
    gaps = find_delivery_gaps({secret.name: role}, facts.held, live)
    return secret.name in gaps.undelivered or (facts.wish is not None and secret.name in gaps.elsewhere)


def is_readable_from_sink(secret: LiveSecret, facts: DiffContext) -> bool:
    """Whether every sink surely shows its value, or can surely be given it: a place that cannot be looked into is not believed."""
    copyable = any(sink.readable and secret.name in sink.records for sink in facts.held)
    return copyable or all(secret.name in sink.records for sink in facts.held)


def is_unused(secret: LiveSecret, facts: DiffContext) -> bool:
    """Whether nobody uses a value that no sink has. Where no sink keeps pending values, our own proof of it is not a use."""
    if facts.idle(secret):
        return True
    return not secret.has_callers and not any("pending" in sink.keeps for sink in facts.held)


def losses(secret: LiveSecret, how: Action, facts: DiffContext) -> tuple[Invalidation, ...]:
    """What stops working: nothing when it does not work now. A use that was our own proof is nobody's loss."""
    if secret.state != "ACTIVE":
        return ()
    own = not facts.idle(secret) and is_unused(secret, facts)
    return (Invalidation(secret.name, None if own else secret.last_used, how),)


def no_slot_left(secret: LiveSecret, *, ahead: bool = False) -> str:
    """The way out for a key one of whose slots is used up, or soon will be."""
    revoked = "will be revoked" if ahead else "was revoked"
    return (
        f"{secret.name} {revoked}, and a revoked secret cannot be renewed: declare a second ApiKey with two fresh secrets, move its "
        "users there, then remove this one"
    )


def _without_a_slot(
    resource: Resource, live: LiveResource, position: RotationState, why: str, facts: DiffContext
) -> Step:
    current = position.current
    lost = is_undelivered(current, "current", live, facts) and is_unused(current, facts)
    if current.state not in ("INACTIVE", "EXPIRED") and not lost:
        return Step(notes=(f"{why}, but {no_slot_left(position.other)}",))
    return Step(
        ("renew",),
        (renew(live, current.name, declared_secrets(resource)[current.name]["expires"]),),
        (f"{why}, and {position.other.name} was revoked: renewed in its own slot",),
        losses(current, "renew", facts),
        (current.name,),
        DeliveryPlan({current.name: "current"}, prove=current.name),
    )
