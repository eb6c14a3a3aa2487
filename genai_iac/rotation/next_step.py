"""The next safe step of a key's rotation. Pure: derived from live states, times of use and what the sinks hold.

One secret is *current* (every sink shows it), the other is *standby*, inactive. A rotation renews the standby, delivers it as
pending, verifies it with a real call and makes it current in every sink. Then both work for `overlap`; once the old one has been
unused for `idle`, it is retired. Any run continues where the last one stopped.

Two rules come before everything else: a secret in use is never renewed, and nothing is invalidated before every sink has
what replaces it. tests/rotation/test_decisions.py checks both from every combination of states, and with each run cut short
after each call.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from genai_iac.core import DeliveryPlan, LiveResource, LiveSecret, Resource, Role
from genai_iac.core.step import DiffContext, Step
from genai_iac.rotation.block import Rotation, format_duration
from genai_iac.rotation.declared_states import set_state
from genai_iac.rotation.delivery_gaps import find_delivery_gaps, why_incomplete
from genai_iac.rotation.renewal import (
    is_undelivered,
    is_unused,
    losses,
    no_slot_left,
    renew_current,
    renew_standby,
    roles_after,
)
from genai_iac.rotation.requests import abort_rotation, find_leak, handle_leak
from genai_iac.rotation.state import RotationState, derive_state, is_newer


def rotate(resource: Resource, live: LiveResource, rotation: Rotation, facts: DiffContext) -> Step:
    """The next safe step, or an empty one; its notes say when to apply again.

    `facts` has the time, the sink states and the request of a person. Raises PlanError for a request that cannot be done:
    an unknown secret, an abort when nothing rotates.

    Args:
        resource: the declared ApiKey, with a `rotation:` block.
        live: the same key as listed; it has exactly the two declared secrets.
        rotation: the block, read by `Rotation.of`.
        facts: the tenancy's time, the sink states, what counts as idle, and the request of
            a person, if any.

    Returns:
        A Step of at most one renewal and one retirement. It is empty when the rotation has
            to wait; a note says until when.
    """
    position = derive_state(resource, live, facts.held)
    step = _find_step(resource, live, position, rotation, facts)
    if step.handover is None or step.handover.prove is None:
        return step
    # Whether some sink showed it at plan time distinguishes our own delivery from another machine's at apply time: without
    # this, an apply took what its own plan had seen in the sinks for the work of another run, and refused.
    unshown = not any(sink.records.get(step.handover.prove) == "current" for sink in facts.held)
    # not `position.current`: some steps renew that one, and retire the other
    beside = [one for one in live.secrets if step.handover.roles.get(one.name) == "standby"]
    notes = [_say_overlap(old, facts.now + rotation.overlap, rotation) for old in beside]
    return replace(step, handover=replace(step.handover, unshown=unshown), notes=(*step.notes, *notes))


def _find_step(
    resource: Resource, live: LiveResource, position: RotationState, rotation: Rotation, facts: DiffContext
) -> Step:
    """Choose the step by request and phase. The order of the tests is the order of importance.

    A leak comes first, then an abort, then what this machine must not decide alone, then
    the phase.
    """
    # A leak comes before everything, also in a run that was asked for nothing: an interrupted answer must be finished.
    leaked = find_leak(live, facts)
    if leaked is not None:
        return handle_leak(resource, live, position, leaked, facts)
    if facts.request is not None and facts.request.what == "abort":
        step = abort_rotation(resource, live, position, facts)
        return replace(step, notes=(*step.notes, *_begins_again(position, rotation, facts)))
    if facts.request is None and _is_elsewhere(position, live, facts):
        # A scheduled run on a second machine must not renew what the first one delivered. A
        # person may ask for it
        # (test_a_person_may_ask_a_second_machine_for_a_value_and_the_first_keeps_its_own).
        return Step()  # what the sinks of this machine show stays there, and nothing is renewed or stopped
    return _step_of_phase(resource, live, position, rotation, facts)


def _step_of_phase(
    resource: Resource, live: LiveResource, position: RotationState, rotation: Rotation, facts: DiffContext
) -> Step:
    """The step that the phase asks for: finish what is begun, then what is wrong, then what is due, then small corrections."""
    match position.phase:
        case "promoting":
            return _go_on(resource, live, position, facts)
        case "rolling back":
            due = _why_due(position, rotation, facts) if facts.idle(position.other) else None
            # When the next rotation is due already, the standby is renewed at once: deactivating it first would only add a
            # run, because the next one would renew it.
            return (
                renew_standby(resource, live, position, due, facts)
                if due
                else abort_rotation(resource, live, position, facts)
            )
        case "outage":
            return renew_standby(
                resource, live, position, f"{position.current.name} does not work ({position.current.state})", facts
            )
        case "overlap":
            # A lost current value comes before the retirement: retiring the old secret would remove
            # the last value that works.
            healed = _heal(resource, live, position, facts)
            if healed:
                return healed
            step = _retire(resource, live, position, rotation, facts)
            return replace(step, notes=(*healed.notes, *step.notes))
    # A run that was killed between CreateApiKey and its first delivery: nobody has the
    # value, so renewing it breaks nobody (tests/crash/test_kills.py).
    if _was_never_had(position, live, facts):
        return renew_current(resource, live, position)
    due = _why_unheld(position, live, facts) or _why_due(position, rotation, facts)
    return (
        renew_standby(resource, live, position, due, facts)
        if due
        else _keep(live, position, facts, _look_ahead(position))
    )


def _is_elsewhere(position: RotationState, live: LiveResource, facts: DiffContext) -> bool:
    """Whether the value to go on from may be on another machine alone: only that machine, or a person, can go on."""
    roles: dict[str, Role] = {position.current.name: "current"}
    if position.phase == "promoting":
        roles[position.other.name] = "current"
    return bool(find_delivery_gaps(roles, facts.held, live).elsewhere)


def _begins_again(position: RotationState, rotation: Rotation, facts: DiffContext) -> Iterator[str]:
    """A note when the aborted rotation is still due: the next apply will start it again.

    Without it a user who aborts to stop a rotation would see it start again the next day.
    """
    current, other = position.current, position.other
    # Before the switch the newer secret is `other`, and nothing changes. After the switch
    # the abort exchanges the two.
    stays = position if is_newer(other, current) else RotationState("idle", other, current)
    due = _why_due(stays, rotation, replace(facts, request=None))
    if due:
        yield f"{due}, so an apply starts this rotation again: first fix what stopped it"


def _go_on(resource: Resource, live: LiveResource, position: RotationState, facts: DiffContext) -> Step:
    """Phase promoting: the new secret works but is not current everywhere. Switch to it when a sink has its value, else renew.

    Its value may be lost: a run killed between RenewApiKey and the first write leaves an active secret that nobody knows.
    That one is renewed again, unless it is in use: then somebody does know it.
    """
    current, other = position.current, position.other
    if not is_undelivered(other, "current", live, facts):
        reason = f"{other.name} is delivered; it will be verified and made current"
        # Verified again although an earlier run may have done it: nothing stores that it did,
        # and one call costs little.
        handover = DeliveryPlan(roles_after(position), prove=other.name)
        return Step(("deliver",), (), (reason,), (), (other.name,), handover)
    if is_unused(other, facts):
        why = f"the new value of {other.name} reached no sink, and it is unused"
        return renew_standby(resource, live, position, why, facts)
    if current.state in ("INACTIVE", "EXPIRED"):
        # What callers read does not work, and the secret that works cannot be delivered: keep it for those who use it, and
        # renew the expired one in its place.
        swapped = RotationState("outage", other, current)
        return renew_standby(
            resource, live, swapped, f"no sink can give the value of {other.name}, which is in use", facts
        )
    why = f"a sink lacks the value of {other.name}, none can give it, and it is in use"
    return _renew_when_asked(resource, live, position, why, facts)


def _heal(resource: Resource, live: LiveResource, position: RotationState, facts: DiffContext) -> Step:
    """Phase overlap, and no sink can give the current value: renew a secret whose renewal breaks no caller.

    An empty Step (false) when nothing is lost. When both are in use only a person can decide, so it is a note.
    """
    current, other = position.current, position.other
    if not is_undelivered(current, "current", live, facts):
        return Step()
    if _was_never_had(position, live, facts) and other.last_used is None and not is_newer(current, other):
        return renew_current(resource, live, position)
    if facts.idle(other):
        return renew_standby(resource, live, position, _lacking(position), facts)
    return _renew_when_asked(resource, live, position, f"{_lacking(position)}, and both are in use", facts)


def _renew_when_asked(
    resource: Resource, live: LiveResource, position: RotationState, why: str, facts: DiffContext
) -> Step:
    """Renew although callers break, but only when a person asked for a rotation; the guard then asks for --accept-outage.

    A scheduled run never does it: it only says how.
    """
    if facts.request is not None:
        return renew_standby(resource, live, position, why, facts)
    command = f"genai-iac rotate {resource.address} --accept-outage"
    return Step(notes=(f"{why}; to renew {position.other.name} anyway: {command}",))


def _retire(
    resource: Resource, live: LiveResource, position: RotationState, rotation: Rotation, facts: DiffContext
) -> Step:
    """Phase overlap: retire the old secret when the overlap is over and it is idle; until then only correct the sinks.

    `never_current`: the second secret of a new key, active by creation and never used. It has no overlap to wait for.
    """
    current, old = position.current, position.other
    # CreateApiKey makes both secrets ACTIVE at one moment. The second one is delivered
    # nowhere as current.
    never_current = not is_newer(current, old) and old.last_used is None
    until = (current.created or facts.now) + rotation.overlap
    if not never_current and facts.now < until:
        return _keep(live, position, facts, _say_overlap(old, until, rotation))
    # Before the old one stops, make sure that callers can have the new one.
    if not never_current and _may_never_have_arrived(position, rotation, facts):
        why = f"{current.name} is unused, and no sink can confirm that it has its value"
        return renew_standby(resource, live, RotationState("idle", old, current), why, facts)
    # `idle` is measured from the last use, not from the switch: callers that never read the sinks again keep it working.
    if old.last_used is not None and facts.now - old.last_used < rotation.idle:
        return _keep(live, position, facts, _still_in_use(position, rotation, old.last_used))
    # A write-only sink has no record to show, so such a key takes the longer way:
    # deactivate now, renew with a later run.
    shown = all(sink.records.get(current.name) == "current" for sink in facts.held if not sink.former)
    due = _why_due(position, rotation, facts) if shown and not rotation.revokes and not facts.request else None
    if due:  # no apply for a long time: renew the old one now; a renewal ends its value too, so one apply is enough
        return renew_standby(resource, live, position, due, facts)
    # From here on the old secret stops. Everything above has made sure that no caller needs it.
    how: Literal["deactivate", "revoke"] = "revoke" if rotation.revokes else "deactivate"
    reason = "it is the standby" if never_current else f"{current.name} is current, and {old.name} is idle"
    roles = replace(position, phase="idle").roles
    if rotation.revokes:
        # A revoked value can never work again, so no sink keeps it, not even as inactive.
        del roles[old.name]
    return Step(
        (how,),
        (set_state(live, old.name, "REVOKED" if rotation.revokes else "INACTIVE"),),
        (reason,),
        losses(old, how, facts),
        (old.name,),
        DeliveryPlan(roles, retired=old.name),
        (no_slot_left(old, ahead=True),) if rotation.revokes else _say_next(current, old, rotation, facts.now),
    )


def _say_overlap(old: LiveSecret, until: datetime, rotation: Rotation) -> str:
    """A note: until when both secrets work and which one is retired then.

    With `retire: revoke` also what that uses up.
    """
    said = f"both secrets work until {until:%Y-%m-%d %H:%M} UTC; then {old.name} is retired, once idle: apply again"
    return f"{said}; {no_slot_left(old, ahead=True)}" if rotation.revokes else said


def _say_next(current: LiveSecret, old: LiveSecret, rotation: Rotation, now: datetime) -> tuple[str, ...]:
    """A note with the time from which the next rotation is due.

    That is the earlier of two: the current secret reaches `every`, or it expires too soon for another overlap.
    """
    due = [] if current.created is None else [current.created + rotation.every]
    due += [] if current.expires is None else [current.expires - rotation.overlap - rotation.idle]
    if not due:
        return ()
    when = "is due: apply again" if min(due) <= now else f"is due from {min(due):%Y-%m-%d %H:%M} UTC on: apply then"
    return (f"the next rotation (to {old.name}) {when}",)


def _may_never_have_arrived(position: RotationState, rotation: Rotation, facts: DiffContext) -> bool:
    """Whether a write-only sink may lack the new value although its log does not say so.

    A CI runner that is killed between RenewApiKey and the delivery takes its log with it; the next runner finds an unused new
    secret and cannot ask the sink. Two signs: the log still has the old value as current (nothing replaced it), or
    callers use the old one although it expires soon. In both cases a second renewal of the unused secret harms nobody,
    and waiting ends in an outage (tests/crash/test_year.py).
    """
    new, old = position.current, position.other
    if not facts.idle(new) or any(new.name in sink.records for sink in facts.held):
        return False
    # Only sinks that cannot be read: a readable sink without a record lacks the value for
    # certain, and is handled as a gap.
    unconfirmed = [sink for sink in facts.held if new.name in sink.unknown]
    replaced = not any(sink.records.get(old.name) == "current" for sink in unconfirmed)
    expires_soon = old.expires is not None and old.expires - facts.now <= rotation.overlap + rotation.idle
    in_use = not facts.idle(old)
    return bool(unconfirmed) and (not replaced or (in_use and expires_soon))


def _still_in_use(position: RotationState, rotation: Rotation, last_used: datetime) -> str:
    """A note: the old secret has callers that do not read the sinks again, and when to apply next.

    It names the expiry of the current secret as the last moment to move them.
    """
    current, old = position.current, position.other
    after = last_used + rotation.idle
    soon = (
        f"; move them before {current.name} expires at {current.expires:%Y-%m-%d %H:%M} UTC" if current.expires else ""
    )
    return (
        f"{old.name} is still in use by callers that do not read the sinks again; it is retired once it was idle for "
        f"{format_duration(rotation.idle)}: apply after {after:%Y-%m-%d %H:%M} UTC{soon}"
    )


def _was_never_had(position: RotationState, live: LiveResource, facts: DiffContext) -> bool:
    """Whether nobody can have the current value: it was never used, no sink has it and no write-only sink may have it."""
    name = position.current.name
    known = any(name in sink.records or sink.may_hold(name) for sink in facts.held)
    unused = position.current.last_used is None and not known
    return unused and is_undelivered(position.current, "current", live, facts)


def _why_unheld(position: RotationState, live: LiveResource, facts: DiffContext) -> str | None:
    """The reason to rotate when no sink can give the current value; None when one can."""
    return _lacking(position) if is_undelivered(position.current, "current", live, facts) else None


def _lacking(position: RotationState) -> str:
    """The reason shown when the current value is lost."""
    return f"a sink lacks the value of {position.current.name}, which OCI shows only once"


def _why_due(position: RotationState, rotation: Rotation, facts: DiffContext) -> str | None:
    """The reason for which a rotation is due, None when it is not.

    Reasons, in this order: a request, the age of the current secret, and an expiry before
    another overlap could end.
    """
    current = position.current
    if facts.request is not None:
        return "requested"
    if current.created is not None and facts.now - current.created >= rotation.every:
        return f"{current.name} has been current for {_age(facts.now - current.created)}"
    # The age alone does not protect: `every: 90d` with `expires: 90d` would be due at the
    # moment of the expiry.
    if current.expires is not None and current.expires - facts.now <= rotation.overlap + rotation.idle:
        return f"{current.name} expires too soon for another overlap"
    return None


def _age(length: timedelta) -> str:
    """Text for a reason: whole days from 48 hours on."""
    # rounded: the Date header has whole seconds, so 60 days would read as 59
    hours = round(length / timedelta(hours=1))
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def _look_ahead(position: RotationState) -> str:
    """A note for a key that cannot rotate again because its other secret is revoked; empty otherwise.

    Said at every plan, not only when the rotation is due: a second key and moving its users take weeks.
    """
    if position.other.state != "REVOKED":
        return ""
    expires = position.current.expires
    when = f" before {position.current.name} expires at {expires:%Y-%m-%d %H:%M} UTC" if expires else ""
    return f"{no_slot_left(position.other)}{when}"


def _keep(live: LiveResource, position: RotationState, facts: DiffContext, note: str = "") -> Step:
    """Deliver what a sink lacks and another sink can give. Nothing is renewed and nothing stops working."""
    # The roles of the phase as it is, so a delivery for a lost sink never switches
    # anything.
    roles = position.roles
    notes = (note,) if note else ()
    names = tuple(sorted(find_delivery_gaps(roles, facts.held, live).incomplete))
    if not names:
        return Step(notes=notes)
    return Step(("deliver",), (), (why_incomplete(names, roles, facts.held),), (), names, DeliveryPlan(roles), notes)
