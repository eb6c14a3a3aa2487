"""The next step of a key's rotation. Pure: told from live states, times of use and the sinks' own records.

One secret is *current* (every sink shows it), the other stands by, inactive. A turn: renew the standby, deliver it as
pending, prove it with a real call, make it current in every sink; then both work for `overlap`, and once the old one
has been idle for `idle` it is retired. Any run continues from wherever the last one stopped, and nothing is remembered.
The secret that is in use is never renewed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from genai_iac.core import DeliveryPlan, LiveResource, LiveSecret, Resource
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
    """The next safe step, or none, with a note that says when to come back. Raises PlanError for a wish that cannot be."""
    position = derive_state(resource, live, facts.held)
    step = _find_step(resource, live, position, rotation, facts)
    if step.handover is None or step.handover.prove is None:
        return step
    unshown = not any(sink.records.get(step.handover.prove) == "current" for sink in facts.held)
    overlaps = "standby" in step.handover.roles.values()
    notes = (_say_overlap(position.current, facts.now + rotation.overlap, rotation),) if overlaps else ()
    return replace(step, handover=replace(step.handover, unshown=unshown), notes=(*step.notes, *notes))


def _find_step(
    resource: Resource, live: LiveResource, position: RotationState, rotation: Rotation, facts: DiffContext
) -> Step:
    leaked = find_leak(live, facts)
    if leaked is not None:
        return handle_leak(resource, live, position, leaked, facts)
    if facts.wish is not None and facts.wish.what == "abort":
        step = abort_rotation(resource, live, position, facts)
        return replace(step, notes=(*step.notes, *_begins_again(position, rotation, facts)))
    match position.phase:
        case "promoting":
            return _go_on(resource, live, position, facts)
        case "rolling back":
            due = _why_due(position, rotation, facts) if facts.idle(position.other) else None
            # deactivated now, it would be renewed by the next run
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
            healed = _heal(resource, live, position, facts)
            if healed:
                return healed
            step = _retire(resource, live, position, rotation, facts)
            return replace(step, notes=(*healed.notes, *step.notes))
    if _was_never_had(position, live, facts):
        return renew_current(resource, live, position)
    due = _why_unheld(position, live, facts) or _why_due(position, rotation, facts)
    return (
        renew_standby(resource, live, position, due, facts)
        if due
        else _keep(live, position, facts, _look_ahead(position))
    )


def _begins_again(position: RotationState, rotation: Rotation, facts: DiffContext) -> Iterator[str]:
    """That a turn which is taken back was due, and so will be begun anew."""
    current, other = position.current, position.other
    stays = position if is_newer(other, current) else RotationState("idle", other, current)
    due = _why_due(stays, rotation, replace(facts, wish=None))
    if due:
        yield f"{due}, so an apply starts this rotation again: first fix what stopped it"


def _go_on(resource: Resource, live: LiveResource, position: RotationState, facts: DiffContext) -> Step:
    """The new value works but is not current everywhere: switch to it when a sink has it, else bring a value up again."""
    current, other = position.current, position.other
    if not is_undelivered(other, "current", live, facts):
        reason = f"{other.name} is delivered; it will be verified and made current"
        handover = DeliveryPlan(roles_after(position), prove=other.name)
        return Step(("deliver",), (), (reason,), (), (other.name,), handover)
    if is_unused(other, facts):
        why = f"the new value of {other.name} reached no sink, and it is unused"
        return renew_standby(resource, live, position, why, facts)
    if current.state in ("INACTIVE", "EXPIRED"):
        swapped = RotationState("outage", other, current)
        return renew_standby(
            resource, live, swapped, f"no sink can give the value of {other.name}, which is in use", facts
        )
    why = f"a sink lacks the value of {other.name}, none can give it, and it is in use"
    return _mint_when_told(resource, live, position, why, facts)


def _heal(resource: Resource, live: LiveResource, position: RotationState, facts: DiffContext) -> Step:
    """Both work, and no sink can give what callers should have: bring a value up where that breaks nobody."""
    current, other = position.current, position.other
    if not is_undelivered(current, "current", live, facts):
        return Step()
    if _was_never_had(position, live, facts) and other.last_used is None and not is_newer(current, other):
        return renew_current(resource, live, position)
    if facts.idle(other):
        return renew_standby(resource, live, position, _lacking(position), facts)
    return _mint_when_told(resource, live, position, f"{_lacking(position)}, and both are in use", facts)


def _mint_when_told(
    resource: Resource, live: LiveResource, position: RotationState, why: str, facts: DiffContext
) -> Step:
    """A mint that breaks callers is made when a person asks for it, and the guard then asks for its flag."""
    if facts.wish is not None:
        return renew_standby(resource, live, position, why, facts)
    command = f"genai-iac rotate {resource.address} --accept-outage"
    return Step(notes=(f"{why}; to renew {position.other.name} anyway: {command}",))


def _retire(
    resource: Resource, live: LiveResource, position: RotationState, rotation: Rotation, facts: DiffContext
) -> Step:
    """Both work: when overlap and idleness are over, the old one goes; until then the sinks are kept as they should be."""
    current, old = position.current, position.other
    never_current = not is_newer(current, old) and old.last_used is None
    until = (current.created or facts.now) + rotation.overlap
    if not never_current and facts.now < until:
        return _keep(live, position, facts, _say_overlap(old, until, rotation))
    if not never_current and _may_never_have_arrived(position, rotation, facts):
        why = f"{current.name} is unused, and no sink can confirm that it has its value"
        return renew_standby(resource, live, RotationState("idle", old, current), why, facts)
    if old.last_used is not None and facts.now - old.last_used < rotation.idle:
        return _keep(live, position, facts, _still_in_use(position, rotation, old.last_used))
    shown = all(sink.records.get(current.name) == "current" for sink in facts.held)
    due = _why_due(position, rotation, facts) if shown and not rotation.revokes and not facts.wish else None
    if due:  # nobody applied for long: the old one's slot is renewed at once, which ends its value as well
        return renew_standby(resource, live, position, due, facts)
    how: Literal["deactivate", "revoke"] = "revoke" if rotation.revokes else "deactivate"
    reason = "it is the standby" if never_current else f"{current.name} is current, and {old.name} is idle"
    roles = replace(position, phase="idle").roles
    if rotation.revokes:
        del roles[old.name]
    return Step(
        (how,),
        (set_state(live, old.name, "REVOKED" if rotation.revokes else "INACTIVE"),),
        (reason,),
        losses(old, how, facts),
        (old.name,),
        DeliveryPlan(roles, retired=old.name),
        (no_slot_left(old, ahead=True),) if rotation.revokes else _say_next(current, old, rotation),
    )


def _say_overlap(old: LiveSecret, until: datetime, rotation: Rotation) -> str:
    said = f"both secrets work until {until:%Y-%m-%d %H:%M} UTC; then {old.name} is retired, once idle: apply again"
    return f"{said}; {no_slot_left(old, ahead=True)}" if rotation.revokes else said


def _say_next(current: LiveSecret, old: LiveSecret, rotation: Rotation) -> tuple[str, ...]:
    due = [] if current.created is None else [current.created + rotation.every]
    due += [] if current.expires is None else [current.expires - rotation.overlap - rotation.idle]
    return (f"{old.name} is retired from {min(due):%Y-%m-%d %H:%M} UTC on: apply then",) if due else ()


def _may_never_have_arrived(position: RotationState, rotation: Rotation, facts: DiffContext) -> bool:
    """A run that ended between mint and delivery leaves no trace in a place that cannot be looked into, when its machine
    is gone. Told by what was delivered before and never replaced, or assumed when callers would soon die with the old one."""
    new, old = position.current, position.other
    if not facts.idle(new) or any(new.name in sink.records for sink in facts.held):
        return False
    tellers = [sink for sink in facts.held if new.name in sink.unknown]
    replaced = not any(sink.records.get(old.name) == "current" for sink in tellers)
    dying = old.expires is not None and old.expires - facts.now <= rotation.overlap + rotation.idle
    in_use = not facts.idle(old)
    return bool(tellers) and (not replaced or (in_use and dying))


def _still_in_use(position: RotationState, rotation: Rotation, last_used: datetime) -> str:
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
    """Whether nobody can have the current value: it was never used, and no sink tells of it or may have it."""
    name = position.current.name
    told = any(name in sink.records or name in sink.unknown for sink in facts.held)
    unused = position.current.last_used is None and not told
    return unused and is_undelivered(position.current, "current", live, facts)


def _why_unheld(position: RotationState, live: LiveResource, facts: DiffContext) -> str | None:
    return _lacking(position) if is_undelivered(position.current, "current", live, facts) else None


def _lacking(position: RotationState) -> str:
    return f"a sink lacks the value of {position.current.name}, which OCI shows only once"


def _why_due(position: RotationState, rotation: Rotation, facts: DiffContext) -> str | None:
    current = position.current
    if facts.wish is not None:
        return "requested"
    if current.created is not None and facts.now - current.created >= rotation.every:
        return f"{current.name} has been current for {_age(facts.now - current.created)}"
    if current.expires is not None and current.expires - facts.now <= rotation.overlap + rotation.idle:
        return f"{current.name} expires too soon for another overlap"
    return None


def _age(length: timedelta) -> str:
    hours = round(length / timedelta(hours=1))  # the tenancy's clock is told to the second only
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def _look_ahead(position: RotationState) -> str:
    """A key that cannot rotate again says so long before it is due."""
    if position.other.state != "REVOKED":
        return ""
    expires = position.current.expires
    when = f" before {position.current.name} expires at {expires:%Y-%m-%d %H:%M} UTC" if expires else ""
    return f"{no_slot_left(position.other)}{when}"


def _keep(live: LiveResource, position: RotationState, facts: DiffContext, note: str = "") -> Step:
    """Mend what the sinks lack and some other sink can give; nothing is minted and nothing stops working."""
    roles = position.roles
    notes = (note,) if note else ()
    names = tuple(sorted(find_delivery_gaps(roles, facts.held, live).incomplete))
    if not names:
        return Step(notes=notes)
    return Step(("deliver",), (), (why_incomplete(names, facts.held),), (), names, DeliveryPlan(roles), notes)
