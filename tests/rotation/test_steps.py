"""Every step of a rotation as a plan shows it: its calls, what ends, why, what the sinks hold afterwards, and what is said.

The situations and their steps are in `steps.txt`: a title, what is there (secrets, sinks, a request), and behind `>` the step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from genai_iac.core import Address, Call, Lifetime, LiveResource, LiveSecret, Resource, Role, SinkState, Source
from genai_iac.core.errors import PlanError
from genai_iac.core.step import DiffContext, RotationRequest, Step
from genai_iac.rotation.block import Rotation
from genai_iac.rotation.next_step import rotate
from genai_iac.rotation.requests import find_leak, handle_leak
from genai_iac.rotation.state import derive_state

from .rotation_model import ALL, LIFE, NOW, ROTATION

CASES = Path(__file__).with_name("steps.txt")
DAY = timedelta(days=1)
SINKS: dict[str, tuple[bool, frozenset[Role]]] = {
    "file": (True, ALL),
    "raw": (True, frozenset({"current"})),  # a file that keeps the current value alone
    "program": (False, frozenset({"current"})),
}


@dataclass
class Situation:
    """A key as a plan finds it; made line by line."""

    secrets: list[LiveSecret] = field(default_factory=list)
    sinks: list[SinkState] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    declared_tags: dict[str, str] = field(default_factory=dict)
    request: RotationRequest | None = None
    declared: dict[str, dict[str, Any]] = field(default_factory=dict)
    rotates: bool = True
    rotation: Rotation = ROTATION

    def read(self, line: str) -> None:
        """One line of a case: `one ACTIVE created=70 used=5`, `file one=current`, `request leaked one`, ..."""
        word, *rest = line.split()
        marks = dict(part.split("=", 1) for part in rest if "=" in part)
        plain = [part for part in rest if "=" not in part]
        match word:
            case "one" | "two":
                self.secrets.append(_secret(word, plain[0], marks))
                declared = marks.get("declared", "active" if word == "one" else "inactive")
                self.declared[word] = {"state": declared, "expires": _expiry(marks.get("life", "90d"))}
            case "file" | "raw" | "program":
                self.sinks.append(_sink(word, len(self.sinks) + 1, plain, marks))
            case "tags":
                self.tags.update({name: value.replace("+", "=") for name, value in marks.items()})
            case "declare":
                self.declared_tags.update(marks)
            case "request":
                self.request = RotationRequest(plain[0], plain[1] if plain[1:] else "", "revoke" in plain)  # type: ignore[arg-type]
            case "retire":
                self.rotation = replace(self.rotation, revokes=plain == ["revoke"])
            case "every":
                self.rotation = replace(self.rotation, every=float(plain[0]) * DAY)
            case "plain":  # a key without `rotation:`
                self.rotates = False
            case _:
                raise ValueError(line)

    def step(self) -> Step:
        """What a plan would do. Raises PlanError."""
        resource, live, facts = self.resource(), self.live(), self.facts()
        if self.rotates:
            return rotate(resource, live, self.rotation, facts)
        leaked = find_leak(live, facts)
        position = derive_state(resource, live, facts.held)
        return handle_leak(resource, live, position, leaked, facts) if leaked else Step()

    def resource(self) -> Resource:
        tags = {"freeformTags": self.declared_tags} if self.declared_tags else {}
        attributes = {"secrets": self.declared, **tags}
        settings = {"rotation": {"every": "60d"}} if self.rotates else {}
        return Resource(Address("ApiKey", "chat"), attributes, Source("stack.yaml", 1, 1), settings=settings)

    def live(self) -> LiveResource:
        key = ("ApiKey", "ocid1.key", {}, "ocid1.c", "chat", "us-chicago-1", "ACTIVE", self.tags, None, None)
        return LiveResource(*key, tuple(self.secrets))  # type: ignore[arg-type]

    def facts(self) -> DiffContext:
        def idle(secret: LiveSecret) -> bool:
            return secret.last_used is None or NOW - secret.last_used >= ROTATION.idle

        sinks = tuple(self.sinks)
        return DiffContext(NOW, lambda a, b: a == b, lambda a, b, c: True, sinks, self.request, idle)


def _secret(name: str, state: str, marks: dict[str, str]) -> LiveSecret:
    """Days ago: `created`, `used`; days from now: `expires`; a dash: not known."""
    created = _moment(marks.get("created", "10"), -1)
    expires = _moment(marks["expires"], 1) if "expires" in marks else created and created + 90 * DAY
    return LiveSecret(name, state, f"{name}-mask", created, expires, _moment(marks.get("used", "-"), -1))  # type: ignore[arg-type]


def _moment(days: str, sign: int) -> datetime | None:
    return None if days == "-" else NOW + sign * float(days) * DAY


def _expiry(text: str) -> Lifetime | str:
    return LIFE if text == LIFE.text else text


def _sink(word: str, number: int, plain: list[str], marks: dict[str, str]) -> SinkState:
    readable, keeps = SINKS[word]
    records: Any = {name: marks[name] for name in ("one", "two") if name in marks}
    sets = {name: frozenset(marks.get(name, "").split(",")) - {""} for name in ("unknown", "elsewhere", "stale")}
    damage = marks.get("damage", "").replace("_", " ")
    keeps = frozenset() if "former" in plain else keeps  # nothing is brought there
    return SinkState(
        frozenset() if "former" in plain else keeps,
        readable,
        records,
        place=f"{word} {number}",
        damage=damage,
        former="former" in plain,
        **sets,
    )


def show(situation: Situation) -> Iterator[str]:
    """The phase and the step, line by line: a plan has each of these facts."""
    state = derive_state(situation.resource(), situation.live(), situation.sinks)
    yield f"{state.phase}, {state.current.name} is current"
    try:
        step = situation.step()
    except PlanError as error:
        yield f"refused: {error}"
        return
    if not step:
        yield "nothing"
    else:
        yield f"{', '.join(step.actions)}: {'; '.join(step.reasons)}"
    for call in step.calls:
        yield _show_call(call, situation)
    for loss in step.losses:
        used = f"used {loss.last_used:%m-%d}" if loss.last_used else "unused"
        yield f"ends {loss.secret} by {loss.how}, {used}{', as asked' if loss.asked else ''}"
    if step.handover:
        roles = " ".join(f"{name}={role}" for name, role in step.handover.roles.items())
        unshown = step.handover.unshown
        verified = (
            f", {step.handover.prove} verified{' and shown nowhere' if unshown else ''}" if step.handover.prove else ""
        )
        retired = f", {step.handover.retired} refused" if step.handover.retired else ""
        yield f"delivers {' '.join(step.deliver)}: {roles}{verified}{retired}"
    yield from (f"note: {note}" for note in step.notes)


def _show_call(call: Call, situation: Situation) -> str:
    live = situation.live()
    assert (call.id, call.region) == (live.id, live.region)
    details: Any = call.body.get("details", {})
    expires = details.get("timeExpiry", "")
    assert {details.get("keyName", call.secret), call.body.get("keyName", call.secret)} == {call.secret}
    tags = [f"{name}={value}" for name, value in call.body.get("freeformTags", {"": "kept"}).items()]
    until = expires.text if isinstance(expires, Lifetime) else expires
    words = [call.operation, call.secret or "", call.body.get("state", ""), until, f"tags {' '.join(tags) or 'none'}"]
    return " ".join(str(word) for word in words if word and word != "tags =kept")


def cases() -> Iterator[tuple[str, list[str], list[str]]]:
    """The title, the lines and the expected step of each case."""
    for block in CASES.read_text(encoding="utf-8").strip().split("\n\n"):
        title, *lines = block.splitlines()
        yield (
            title.removeprefix("# "),
            [line for line in lines if not line.startswith("> ")],
            [line.removeprefix("> ") for line in lines if line.startswith("> ")],
        )


@pytest.mark.parametrize(("lines", "expected"), [case[1:] for case in cases()], ids=[case[0] for case in cases()])
def test_the_step_is_shown_whole(lines: list[str], expected: list[str]) -> None:
    situation = Situation()
    for line in lines:
        situation.read(line)
    assert list(show(situation)) == expected


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("ACTIVE", "INACTIVE", {"one": "current", "two": "inactive"}),
        ("ACTIVE", "REVOKED", {"one": "current"}),
        ("EXPIRED", "ACTIVE", {"two": "pending"}),
        ("REVOKED", "EXPIRED", {}),
        ("INACTIVE", "INACTIVE", {"one": "current", "two": "inactive"}),
    ],
)
def test_a_secret_that_can_never_work_again_has_no_role(one: str, two: str, expected: dict[str, Role]) -> None:
    situation = Situation()
    for line in (f"one {one}", f"two {two} created=5", "file one=current"):
        situation.read(line)
    assert derive_state(situation.resource(), situation.live(), situation.sinks).roles == expected
