"""The renewals of a rotation: of the standby, of a value that no sink ever received, and of what remains when a secret is revoked.

RenewApiKey replaces a value at once and returns the new one only once. So a renewal is safe only for a secret that no caller uses.
"""

from __future__ import annotations

from genai_iac.core import Action, DeliveryPlan, Invalidation, Lifetime, LiveResource, LiveSecret, Resource, Role
from genai_iac.core.step import DiffContext, Step
from genai_iac.rotation.block import Rotation, write_moment
from genai_iac.rotation.declared_states import declared_secrets, renew, set_state
from genai_iac.rotation.delivery_gaps import find_delivery_gaps
from genai_iac.rotation.state import GONE, RotationState


def renew_standby(
    resource: Resource, live: LiveResource, position: RotationState, why: str, facts: DiffContext
) -> Step:
    """Renew the standby, deliver it as pending, verify it, make it current in every sink.

    `why` is the reason shown in the plan. When the standby is revoked there is no secret to renew: then the current one is
    renewed in place if that invalidates nothing that is used, else the Step is only a note.

    Args:
        resource: the declared ApiKey; it gives the new secret's expiry.
        position: whose `other` is renewed. Callers build one with exchanged secrets to
            renew the current one.
        why: the reason in the plan, without the words `rotate to`.

    Returns:
        A Step with one RenewApiKey call, delivered and verified before it becomes current.
    """
    other = position.other
    # RenewApiKey of a revoked secret is refused by the service, so the plan must not
    # contain it.
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
    """Renew the current secret, because its value reached no sink and was never used: as if the key were created now.

    The reason is a run that was killed between CreateApiKey and the first delivery. The other secret is deactivated again when
    it works, as after a creation.

    Unlike `renew_standby` it needs no verification: no value works for callers now, so
    there is nothing to protect.
    """
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
    """The declared `expires` of the other secret; later where both would expire within one overlap.

    Two secrets that expire together leave no time for the next rotation: neither would outlive the other by the overlap
    that callers are promised.
    """
    declared: Lifetime | str = declared_secrets(resource)[position.other.name]["expires"]
    rotation, expires = Rotation.of(resource), position.current.expires
    # An exact date is what the manifest asks for and is never moved.
    if rotation is None or expires is None or position.current.state != "ACTIVE" or isinstance(declared, str):
        return declared
    # tests/crash/test_year.py found it: after killed runs two secrets expired within hours
    # of each other.
    if abs(facts.now + declared.length - expires) >= rotation.overlap:
        return declared
    return write_moment(expires + rotation.overlap)


def roles_after(position: RotationState) -> dict[str, Role]:
    """The roles once the other secret is current: the one that was current is standby while it works.

    Used for the end of a renewal; while it runs, the new secret is pending and the current
    one stays current.
    """
    current, other = position.current, position.other
    part: Role = "standby" if current.state == "ACTIVE" else "inactive"
    return {other.name: "current", **({} if current.state in GONE else {current.name: part})}


def is_undelivered(secret: LiveSecret, role: Role, live: LiveResource, facts: DiffContext) -> bool:
    """Whether a sink should hold it in that part, does not, and no other sink can give it.

    What another machine may hold counts as delivered, until a person asks.

    Args:
        role: the role in which the sinks should hold it; a sink that does not keep this
            role cannot lack it.
    """
    gaps = find_delivery_gaps({secret.name: role}, facts.held, live)
    return secret.name in gaps.undelivered or (facts.request is not None and secret.name in gaps.elsewhere)


def is_readable_from_sink(secret: LiveSecret, facts: DiffContext) -> bool:
    """Whether every sink has the value for certain, or can be given it from a readable sink. Write-only sinks do not count.

    This is asked before the other secret is revoked. A wrong yes would leave callers without any working value, so what a
    write-only sink may have is not enough here, although it is elsewhere.

    Without any sink the answer is yes: nobody reads a value from this tool.
    """
    copyable = any(sink.readable and secret.name in sink.records for sink in facts.held)
    return copyable or all(secret.name in sink.records for sink in facts.held)


def is_unused(secret: LiveSecret, facts: DiffContext) -> bool:
    """Whether no caller uses a secret whose value no sink has.

    Our own verification call sets its time of last use as well. It does not count where no sink stores pending values:
    such a value was written nowhere, so nobody but the interrupted run can have called with it. Where a sink does store
    it, somebody may have read it from there.

    Callers must have checked that no sink has the value: with a delivered value, a
    verification call proves nothing.
    """
    if facts.idle(secret):
        return True
    # Without this rule a run killed after its verification call would leave a value that
    # looks used for `idle`.
    return not secret.has_callers and not any("pending" in sink.keeps for sink in facts.held)


def losses(secret: LiveSecret, how: Action, facts: DiffContext) -> tuple[Invalidation, ...]:
    """What a call on the secret invalidates: nothing when it does not work now.

    Our own verification call is no caller's use, so it is not shown as the time of last use and no guard refuses for it.

    Args:
        how: the action that invalidates it, for the plan and the guard's message.
    """
    if secret.state != "ACTIVE":
        return ()
    # Used, but by this tool alone.
    own = not facts.idle(secret) and is_unused(secret, facts)
    return (Invalidation(secret.name, None if own else secret.last_used, how),)


def no_slot_left(secret: LiveSecret, *, ahead: bool = False) -> str:
    """Text: what to do with a key one of whose two secrets is revoked, or (`ahead`) will be.

    Args:
        secret: the revoked one.
        ahead: it is not revoked yet; this step or the next will do it.
    """
    revoked = "will be revoked" if ahead else "was revoked"
    return (
        f"{secret.name} {revoked}, and a revoked secret cannot be renewed: declare a second ApiKey with two fresh secrets, move its "
        "users there, then remove this one"
    )


def _without_a_slot(
    resource: Resource, live: LiveResource, position: RotationState, why: str, facts: DiffContext
) -> Step:
    """The step when the other secret is revoked: renew the current one in its own slot, or only say what to do.

    In place means that callers have no value from the call until the delivery. That is
    allowed when the current value does not work anyway, or when nobody can have it.
    """
    current = position.current
    lost = is_undelivered(current, "current", live, facts) and is_unused(current, facts)
    # The current secret works for somebody: renewing it in place is an outage that nobody asked for. Only a note.
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
