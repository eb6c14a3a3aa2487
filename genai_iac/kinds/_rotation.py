"""Rotation of a key's two secrets: which step is next, told from live states, times of use and the sinks' own
records. Pure; nothing is remembered.

One secret is *current* (every sink shows it), the other stands by, inactive. A turn: renew the standby, deliver it as
pending, prove it with a real call, make it current in every sink; then both work for `overlap`, and once the old one
has been idle for `idle` it is retired. Any run continues from wherever the last one stopped. The secret that is in
use is never renewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from genai_iac.errors import PlanError, Problem
from genai_iac.kinds._expiry import DEFAULT, LIFE, read_duration
from genai_iac.kinds._kind import Facts, Step
from genai_iac.kinds._secrets import declared_secrets, renew, set_state
from genai_iac.kinds._sinks import find_gaps
from genai_iac.model import Document, Handover, Held, Lifetime, LiveResource, LiveSecret, Loss, Resource, Role

_GONE = ("EXPIRED", "REVOKED", "DELETED")
_TOGETHER = timedelta(milliseconds=50)  # secrets made by one CreateApiKey

DURATION = {"type": "string", "pattern": "^[1-9][0-9]{0,4}[hd]$"}
ROTATION_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "The tool owns the states of the two secrets and brings up the other one in time.",
    "additionalProperties": False,
    "required": ["every"],
    "properties": {
        "every": {**DURATION, "description": "How long a secret is current.", "examples": ["60d"]},
        "overlap": {**DURATION, "default": "7d", "description": "Both secrets work for at least this long."},
        "idle": {
            **DURATION,
            "default": "24h",
            "description": "The old one must have been unused for this long before it is retired.",
        },
        "retire": {
            "enum": ["deactivate", "revoke"],
            "default": "deactivate",
            "description": "What becomes of the old one; revoke is for ever and uses the slot up.",
        },
        "verify": {
            "type": "object",
            "description": "One real inference call with the new secret before it becomes current.",
            "additionalProperties": False,
            "required": ["model"],
            "properties": {
                "model": {"type": "string", "pattern": r"^[A-Za-z0-9._:/-]{1,255}$", "examples": ["xai.grok-4"]},
                "api": {"enum": ["chat", "responses"], "default": "chat"},
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Rotation:
    """The `rotation:` block."""

    every: timedelta
    overlap: timedelta
    idle: timedelta
    revokes: bool
    verifies: bool

    @classmethod
    def of(cls, resource: Resource) -> Rotation | None:
        """The rotation that the resource declares, or None."""
        block = resource.settings.get("rotation")
        if not block:
            return None
        return cls(
            read_duration(block["every"]),
            read_duration(block.get("overlap", "7d")),
            read_duration(block.get("idle", "24h")),
            block.get("retire", "deactivate") == "revoke",
            "verify" in block,
        )


def check_rotation(document: Document) -> Iterator[Problem]:
    """What a rotation asks of the rest of its key: two secrets, no states, lives rather than dates, and lives long enough."""
    secrets, block = document.spec.get("secrets", ()), document.spec["rotation"]
    where = document.place("spec", "rotation")
    if len(secrets) != 2:
        yield Problem(where, "a rotation takes turns between two secrets", "declare two secrets, or remove rotation")
    needed = read_duration(block.get("overlap", "7d")) + read_duration(block.get("idle", "24h"))
    if read_duration(block["every"]) <= needed:
        yield Problem(
            where,
            "every must be longer than overlap and idle together",
            "rotate less often, or overlap for a shorter time",
        )
    for index, secret in enumerate(secrets):
        place = document.place("spec", "secrets", index)
        if "state" in secret:
            yield Problem(
                document.place("spec", "secrets", index, "state"),
                "a rotation owns the states of the secrets",
                "remove state",
            )
        expires = str(secret.get("expires", DEFAULT))
        if not LIFE.fullmatch(expires):
            yield Problem(
                place,
                "a rotation mints again and again: an exact expiry cannot be kept",
                "give a life, such as expires: 90d",
            )
        elif read_duration(expires) <= needed:
            yield Problem(
                place, f"expires: {expires} is over before overlap and idle are", f"live longer than {_say(needed)}"
            )


def idle_time(resource: Resource | None) -> timedelta:
    """For how long a value must have been unused before it may be killed: the rotation's own, else 24 hours."""
    rotation = Rotation.of(resource) if resource else None
    return rotation.idle if rotation else timedelta(hours=24)


Phase = Literal["steady", "bringing up", "overlap", "down"]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a key stands in its turn: `old` is what callers have, `new` is the other."""

    phase: Phase
    current: LiveSecret
    other: LiveSecret


def find_position(resource: Resource, live: LiveResource, held: Iterable[Held]) -> Position:
    """Steady: one works, one stands by. Bringing up: the newer one is not yet current everywhere. Overlap: the older
    one still works. Down: the current one does not work."""
    first, second = (secret for name in declared_secrets(resource) if (secret := live.secret(name)))
    current = _find_current(first, second, tuple(held))
    other = second if current is first else first
    if current.state != "ACTIVE":
        # what callers have does not work: if the other one does, it is the one to go on with
        return Position("bringing up" if other.state == "ACTIVE" else "down", current, other)
    if other.state != "ACTIVE":
        return Position("steady", current, other)
    return Position("bringing up" if _is_newer(other, current) else "overlap", current, other)


def rotation_roles(position: Position) -> dict[str, Role]:
    """The part each secret plays while the key stands there."""
    current, other = position.current, position.other
    roles: dict[str, Role] = {} if current.state in _GONE else {current.name: "current"}
    if other.state in _GONE:
        return roles
    part: Mapping[Phase, Role] = {
        "steady": "inactive",
        "bringing up": "pending",
        "overlap": "standby",
        "down": "inactive",
    }
    return {**roles, other.name: part[position.phase]}


def rotate(resource: Resource, live: LiveResource, rotation: Rotation, facts: Facts) -> Step:
    """The next safe step of the key's turn, or none with a note that says when to come back."""
    position = find_position(resource, live, facts.held)
    if facts.wish is not None and facts.wish.what == "leaked":
        return _answer_leak(resource, live, position, facts.wish.secret, facts)
    if facts.wish is not None and facts.wish.what == "abort":
        return _abort(resource, live, position)
    unheld = _why_unheld(position, facts, live)
    if unheld:
        return _begin(resource, live, position, unheld)
    match position.phase:
        case "bringing up":
            return _go_on(resource, live, position, facts)
        case "down":
            return _begin(resource, live, position, f"{position.current.name} does not work ({position.current.state})")
        case "overlap":
            return _retire(live, position, rotation, facts)
    due = _why_due(position, rotation, facts)
    return _begin(resource, live, position, due) if due else _keep(position, live, facts)


def _find_current(first: LiveSecret, second: LiveSecret, held: tuple[Held, ...]) -> LiveSecret:
    shown = {name for sink in held for name, role in sink.records.items() if role == "current"}
    if len(shown) == 1:
        return first if first.name in shown else second
    older, newer = (second, first) if _is_newer(first, second) else (first, second)
    if len(shown) == 2:
        return older  # the switch has not reached every sink: callers may still have the older one
    working = [secret for secret in (first, second) if secret.state == "ACTIVE"]
    if len(working) == 1:
        return working[0]
    blind = any({first.name, second.name} & sink.unknown for sink in held)
    return newer if blind and _is_newer(newer, older) else older


def _is_newer(one: LiveSecret, other: LiveSecret) -> bool:
    return one.created is not None and other.created is not None and one.created - other.created > _TOGETHER


def _why_unheld(position: Position, facts: Facts, live: LiveResource) -> str | None:
    """A reason to bring the other one up: no sink has the current value, and the other one may be renewed without harm."""
    current, other = position.current, position.other
    if current.name not in find_gaps({current.name: "current"}, facts.held, live).undelivered:
        return None
    free = position.phase == "steady" or (position.phase == "overlap" and facts.idle(other))
    return f"a sink lacks the value of {current.name}, which OCI shows only once" if free else None


def _why_due(position: Position, rotation: Rotation, facts: Facts) -> str | None:
    current = position.current
    if facts.wish is not None:
        return "asked for"
    if current.created is not None and facts.now - current.created >= rotation.every:
        return f"{current.name} has been current for {_say(facts.now - current.created)}"
    if current.expires is not None and current.expires - facts.now <= rotation.overlap + rotation.idle:
        return f"{current.name} expires too soon for another overlap"
    return None


def _begin(resource: Resource, live: LiveResource, position: Position, why: str) -> Step:
    current, other = position.current, position.other
    if other.state == "REVOKED":
        return _stuck(resource, live, position, why)
    expires = declared_secrets(resource)[other.name]["expires"]
    part: Role = "standby" if current.state == "ACTIVE" else "inactive"
    roles: dict[str, Role] = {other.name: "current", **({} if current.state in _GONE else {current.name: part})}
    return Step(
        ("renew",),
        (renew(live, other.name, expires),),
        (f"{why}: {other.name} takes its turn",),
        _losses(other, "renew"),
        (other.name,),
        Handover(roles, prove=other.name),
    )


def _stuck(resource: Resource, live: LiveResource, position: Position, why: str) -> Step:
    current = position.current
    if current.state in ("INACTIVE", "EXPIRED"):
        expires: Lifetime | str = declared_secrets(resource)[current.name]["expires"]
        reason = f"{current.name} does not work and {position.other.name} was revoked: renewed in its own slot"
        return Step(
            ("renew",),
            (renew(live, current.name, expires),),
            (reason,),
            (),
            (current.name,),
            Handover({current.name: "current"}, prove=current.name),
        )
    text = (
        f"{why}, but {position.other.name} was revoked and a revoked secret cannot be renewed: declare a second ApiKey with two fresh "
        f"secrets, move its users there, then remove this one"
    )
    return Step(notes=(text,))


def _go_on(resource: Resource, live: LiveResource, position: Position, facts: Facts) -> Step:
    """The new value is live but not current everywhere: switch to it when a sink has it, else bring it up again if nobody uses it."""
    current, other = position.current, position.other
    lost = find_gaps({other.name: "pending"}, facts.held, live).undelivered
    if other.name in lost:
        if facts.idle(other):
            return _begin(
                resource, live, position, f"the new value of {other.name} reached no sink, and nobody uses it"
            )
        return Step(
            notes=(
                f"{other.name} works and is in use, but no sink holds it: deactivate it by hand, or let its users go on",
            )
        )
    part: Role = "standby" if current.state == "ACTIVE" else "inactive"
    roles: dict[str, Role] = {other.name: "current", **({} if current.state in _GONE else {current.name: part})}
    return Step(
        ("deliver",),
        (),
        (f"{other.name} is delivered; it is proved and made current",),
        (),
        (other.name,),
        Handover(roles, prove=other.name),
    )


def _retire(live: LiveResource, position: Position, rotation: Rotation, facts: Facts) -> Step:
    current, old = position.current, position.other
    never_current = not _is_newer(current, old) and old.last_used is None
    began = current.created or facts.now
    if not never_current and facts.now < began + rotation.overlap:
        when = began + rotation.overlap
        return Step(
            notes=(
                f"both secrets work until {when:%Y-%m-%d %H:%M} UTC; then {old.name} is retired, once idle: apply again",
            )
        )
    if old.last_used is not None and facts.now - old.last_used < rotation.idle:
        when = old.last_used + rotation.idle
        return Step(
            notes=(
                f"{old.name} is still in use; it is retired once idle for {_say(rotation.idle)}: apply after {when:%Y-%m-%d %H:%M} UTC",
            )
        )
    how: Literal["deactivate", "revoke"] = "revoke" if rotation.revokes else "deactivate"
    reason = "it stands by" if never_current else f"{current.name} has taken over, and {old.name} is idle"
    return Step(
        (how,),
        (set_state(live, old.name, "REVOKED" if rotation.revokes else "INACTIVE"),),
        (reason,),
        _losses(old, how),
        (old.name,),
        Handover({current.name: "current", **({} if rotation.revokes else {old.name: "inactive"})}, retired=old.name),
    )


def _answer_leak(resource: Resource, live: LiveResource, position: Position, leaked: str, facts: Facts) -> Step:
    """Standby up, delivered, proved, current; the leaked one revoked at once."""
    secret = live.secret(leaked)
    if secret is None:
        raise PlanError(
            f"{resource.address} has no secret {leaked}",
            hint=f"its secrets are {' and '.join(declared_secrets(resource))}",
        )
    if secret.state == "REVOKED":
        return Step(notes=(f"{leaked} is revoked already",))
    revoke = set_state(live, leaked, "REVOKED")
    loss = (Loss(leaked, secret.last_used, "revoke"),)
    keeper = position.other if position.current.name == leaked else position.current
    if keeper.name == position.current.name and keeper.state == "ACTIVE":
        handover = Handover({keeper.name: "current"}, retired=leaked)
        return Step(("revoke",), (revoke,), (f"{leaked} leaked",), loss, (leaked,), handover)
    if (
        keeper.state == "ACTIVE"
        and keeper.name not in find_gaps({keeper.name: "current"}, facts.held, live).undelivered
    ):
        handover = Handover({keeper.name: "current"}, prove=keeper.name, retired=leaked)
        return Step(
            ("revoke",),
            (revoke,),
            (f"{leaked} leaked: {keeper.name} takes over",),
            loss,
            (keeper.name, leaked),
            handover,
        )
    begun = _begin(resource, live, Position("steady", secret, keeper), f"{leaked} leaked")
    if not begun:
        return begun
    handover = Handover({keeper.name: "current"}, prove=keeper.name, retired=leaked)
    return Step(
        (*begun.actions, "revoke"),
        (*begun.calls, revoke),
        begun.reasons,
        (*begun.losses, *loss),
        begun.deliver,
        handover,
    )


def _abort(resource: Resource, live: LiveResource, position: Position) -> Step:
    if position.phase not in ("bringing up", "overlap"):
        raise PlanError(f"{resource.address} is not rotating; there is nothing to abort")
    # before the switch the newer one goes down again; after it the older one becomes current again
    stays, goes = (
        (position.current, position.other) if position.phase == "bringing up" else (position.other, position.current)
    )
    if stays.state != "ACTIVE":
        raise PlanError(
            f"{resource.address}: {stays.name} does not work, so the rotation cannot be taken back",
            hint="go on with it: genai-iac rotate",
        )
    return Step(
        ("deactivate",),
        (set_state(live, goes.name, "INACTIVE"),),
        (f"the rotation is taken back: {stays.name} stays",),
        _losses(goes, "deactivate"),
        (stays.name,),
        Handover({stays.name: "current", goes.name: "inactive"}, retired=goes.name),
    )


def _keep(position: Position, live: LiveResource, facts: Facts) -> Step:
    roles = rotation_roles(position)
    lacking = find_gaps(roles, facts.held, live).incomplete
    if not lacking:
        return Step()
    names = tuple(sorted(lacking))
    return Step(("deliver",), (), (f"a sink lacks {' and '.join(names)}",), (), names, Handover(roles))


def _losses(secret: LiveSecret, how: Literal["renew", "deactivate", "revoke"]) -> tuple[Loss, ...]:
    return (Loss(secret.name, secret.last_used, how),) if secret.state == "ACTIVE" else ()


def _say(length: timedelta) -> str:
    hours = int(length.total_seconds() // 3600)
    return f"{hours} hours" if hours < 48 or hours % 24 else f"{hours // 24} days"
