"""Every decision of a rotation on a model: from each state a key can be in, whole and cut short after each part of each step.

A slice of the cut-short runs goes with every test run; all of them with `-m matrix`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest

from genai_iac.core import LEAK_TAG, Role
from genai_iac.core.errors import PlanError
from genai_iac.resource_types import RotationRequest, Step

from .rotation_model import NAMES, NOW, KeyModel, SecretModel, SinkModel, revoking

DAY = timedelta(days=1)
STATES = ("ACTIVE", "INACTIVE", "EXPIRED", "REVOKED")
AGES = (1, 10, 61)  # days since the renewal: within the overlap, past it, due
USES = (None, 0.04, 5)  # days since the last use: never, an hour ago, idle
PARTS: tuple[Role | None, ...] = (None, "current", "standby", "pending", "inactive")
SINKS = ("file", "exec", "exec elsewhere", "file and exec", "two files")
MOST_STEPS = 5


def starts() -> Iterator[KeyModel]:
    """Every state of two secrets, every order of renewal, every use, everything that a file may say of them."""
    for states, ages, uses, parts in product(
        product(STATES, repeat=2), product(AGES, repeat=2), product(USES, repeat=2), product(PARTS, repeat=2)
    ):
        if parts == ("current", "current") or any(
            use is not None and use >= age for use, age in zip(uses, ages, strict=True)
        ):
            continue
        secrets = {name: _secret(*state) for name, *state in zip(NAMES, states, ages, uses, strict=True)}
        yield KeyModel(
            secrets, [SinkModel(True, {name: (part, 0) for name, part in zip(NAMES, parts, strict=True) if part})]
        )


def with_sinks(key: KeyModel, kind: str, chance: random.Random) -> KeyModel | None:
    """The same with sinks of that kind; None where a program's place would show what no run leaves there."""
    records = dict(key.sinks[0].records)
    current = {name: record for name, record in records.items() if record[0] == "current"}
    write_only = SinkModel(False, dict(current))
    sinks = {
        "file": lambda: [SinkModel(True, records)],
        "exec": lambda: [write_only],
        "exec elsewhere": lambda: [SinkModel(False, dict(current), forgetful=True)],
        "file and exec": lambda: [SinkModel(True, records), write_only],
        "two files": lambda: [SinkModel(True, records), SinkModel(True, _other_records(chance))],
    }[kind]()
    made = key.copy()
    made.sinks = sinks
    return None if any(not sink.readable and _is_absurd(made, sink) for sink in sinks) else made


def _is_absurd(key: KeyModel, sink: SinkModel) -> bool:
    """Whether the place shows a value that no longer works, or one that nobody uses while somebody uses one that never was there."""
    shown = sink.current()
    if shown is None or not key.is_alive(*shown):
        return True
    (other,) = (secret for name, secret in key.secrets.items() if name != shown[0])
    return other.state == "ACTIVE" and other.in_use(NOW) and not key.secrets[shown[0]].in_use(NOW)


def _secret(state: str, age: float, use: float | None) -> SecretModel:
    expires = NOW - DAY / 2 if state == "EXPIRED" else NOW + (90 - age) * DAY
    return SecretModel(state, NOW - age * DAY, expires, None if use is None else NOW - use * DAY)


def _other_records(chance: random.Random) -> dict[str, tuple[Role, int]]:
    first, second = chance.choice(PARTS), chance.choice(PARTS)
    return {
        name: (part, 0) for name, part in zip(NAMES, (first, None if first == second else second), strict=True) if part
    }


class Run:
    """Steps taken one after the other, and every promise that a part of one broke."""

    def __init__(self, key: KeyModel) -> None:
        self.key = key
        self.broken: list[str] = []
        self.last = Step()

    def go(self, request: RotationRequest | None = None) -> Run:
        """Steps until there is none; a request is for the first."""
        for _ in range(MOST_STEPS):
            self.last = self.key.step(request)
            request = None
            if not self.last:
                break
            for word, do in self.key.parts(self.last):
                self._watch(word, do)
        else:
            self.broken.append("it does not come to an end")
        served = [self.key.serves(sink) for sink in self.key.sinks]
        if not any(served) and not self.last.notes and not any(sink.forgetful for sink in self.key.sinks):
            self.broken.append("nothing to read, and nothing said of it")
        return self

    def _watch(self, word: str, do: object) -> None:
        key = self.key
        what, _, name = word.partition(" ")
        # of a place that tells nothing, that its value is unused is all that can be known
        write_only = [sink for sink in key.sinks if not sink.forgetful]
        if what in ("RENEW", "INACTIVE"):
            secret = key.secrets[name]
            shown = any(sink.current() == (name, secret.generation) for sink in write_only)
            if secret.state == "ACTIVE" and (shown or secret.in_use(key.now)):
                self.broken.append(f"{word} of a value in use")
        if what == "REVOKED" and not key.rotation.revokes:
            self.broken.append("revoked without being asked")
        before = [key.serves(sink) for sink in write_only]
        assert callable(do)
        do()
        if what == "RENEW" and self.last.handover and self.last.handover.prove == name and key.die_together():
            self.broken.append(f"after {word} both die together")
        if any(was and not key.serves(sink) for was, sink in zip(before, write_only, strict=True)):
            self.broken.append(f"readers lost their value at {word}")


def cut_short(key: KeyModel, request: RotationRequest | None = None) -> Iterator[KeyModel]:
    """The states that a run leaves when it ends after each part of its next step but the last."""
    count = len(list(key.copy().parts(key.step(request))))
    for end in range(1, count):
        left = key.copy()
        for number, (_, do) in enumerate(left.parts(left.step(request))):
            if number == end:
                break
            do()
        yield left


def test_from_every_state_no_step_breaks_a_promise() -> None:
    broken: Counter[str] = Counter()
    count = 0
    for key in starts():
        count += 1
        broken.update(Run(key).go().broken)
    assert (count, broken) == (24_576, Counter())


@pytest.mark.parametrize("kind", SINKS)
def test_cut_short_anywhere_the_next_run_goes_on(kind: str) -> None:
    _check_cut_short(kind, 700)


@pytest.mark.matrix
@pytest.mark.parametrize("kind", SINKS)
def test_cut_short_anywhere_from_every_state_the_next_run_goes_on(kind: str) -> None:
    _check_cut_short(kind, None)


def _check_cut_short(kind: str, limit: int | None) -> None:
    chance = random.Random(20270301)
    papers = list(starts())
    chance.shuffle(papers)
    broken: Counter[str] = Counter()
    runs = 0
    for start in papers[:limit]:
        key = with_sinks(start, kind, chance)
        if key is None:
            continue
        for left in (key, *cut_short(key)):
            runs += 1
            broken.update(Run(left).go().broken)
    assert runs > (limit or 1000) * 0.1
    assert broken == Counter()


def test_in_time_one_secret_is_current_and_the_other_standby() -> None:
    chance = random.Random(7)
    for key in chance.sample(list(starts()), 1500):
        run = Run(key).go()
        for _ in range(3):
            key.now += 8 * DAY
            run.go()
        states = sorted(secret.state for secret in key.secrets.values())
        assert run.broken == []
        if "REVOKED" not in states:
            assert states == ["ACTIVE", "INACTIVE"] or states == ["ACTIVE", "EXPIRED"], states
            assert key.serves(key.sinks[0])


def test_a_leak_once_noted_is_answered_by_any_later_run() -> None:
    chance = random.Random(11)
    answered = 0
    for start in chance.sample(list(starts()), 4000):
        leaked = chance.choice(NAMES)
        request = RotationRequest("leaked", leaked, revokes=True)
        try:
            step = start.step(request)
        except PlanError:
            continue
        if any(loss.how == "renew" for loss in step.losses):
            continue  # renewed in its own slot: the guard asks first
        for left in cut_short(start, request):
            begun = left.tags.get(LEAK_TAG) == leaked
            run = Run(left).go(None if begun else request)
            assert left.secrets[leaked].state == "REVOKED" or not any(
                call.body.get("state") == "REVOKED" for call in step.calls
            )
            assert LEAK_TAG not in left.tags
            assert [line for line in run.broken if "revoked" not in line] == []
            answered += begun
    assert answered > 300


def test_a_rotation_is_taken_back_from_either_side_of_the_switch() -> None:
    for start in starts():
        try:
            step = start.step(RotationRequest("abort"))
        except PlanError:
            continue
        assert [call.body["state"] for call in step.calls] in ([], ["INACTIVE"])
        for left in (start.copy(), *cut_short(start, RotationRequest("abort"))):
            older = min(left.secrets.values(), key=lambda secret: secret.created)
            older.created = max(older.created, NOW - 20 * DAY)  # not due, or the next apply begins anew
            broken = Run(left).go(RotationRequest("abort")).broken
            asks = [loss for loss in step.losses if loss.last_used and NOW - loss.last_used < DAY]
            assert broken == [] or asks  # the guard asks before a value in use goes down
            left.now += 2 * DAY
            assert Run(left).go().broken == []
            assert older.state == "ACTIVE"
            assert left.serves(left.sinks[0])
            assert sorted(secret.state for secret in left.secrets.values()) == ["ACTIVE", "INACTIVE"]


def test_a_request_that_cannot_be_met_says_why() -> None:
    key = KeyModel(
        {"one": _secret("ACTIVE", 10, 1), "two": _secret("INACTIVE", 10, None)}, [_file(one="current", two="inactive")]
    )
    with pytest.raises(PlanError, match="has no secret three; its secrets are one and two"):
        key.step(RotationRequest("leaked", "three", revokes=True))
    with pytest.raises(PlanError, match="is not rotating; there is nothing to abort"):
        key.step(RotationRequest("abort"))
    key.secrets["one"].state = "REVOKED"
    assert key.step(RotationRequest("leaked", "one", revokes=True)).notes == (
        "one is revoked already, and callers read it; to make two current: genai-iac apply",
    )
    key.secrets = {"one": _secret("EXPIRED", 61, 1), "two": _secret("ACTIVE", 1, None)}
    with pytest.raises(PlanError, match="one does not work, so the rotation cannot be aborted"):
        key.step(RotationRequest("abort"))
    key.secrets = {"one": _secret("ACTIVE", 61, 0.04), "two": _secret("ACTIVE", 1, 0.04)}
    key.sinks = [SinkModel(False, {"two": ("current", 0)})]
    with pytest.raises(PlanError, match="a sink lacks the value of one and none can give it"):
        key.step(RotationRequest("abort"))
    with pytest.raises(PlanError, match="two leaked, but no sink can give the value of one, which is in use"):
        key.step(RotationRequest("leaked", "two", revokes=True))


def test_a_used_up_slot_is_seen_ahead_and_explained() -> None:
    key = KeyModel({"one": _secret("ACTIVE", 10, 1), "two": _secret("REVOKED", 20, None)}, [_file(one="current")])
    step = key.step()
    assert not step
    assert step.notes[0].startswith("two was revoked, and a revoked secret cannot be renewed: declare a second ApiKey")
    assert "before one expires at 2027-05-20" in step.notes[0]
    key.now += 60 * DAY
    assert key.step().notes[0].startswith("one has been current for 70 days, but two was revoked")
    key.secrets["one"].state = "EXPIRED"
    assert key.step().actions == ("renew",)


def test_a_leak_of_the_last_slot_is_renewed_in_place_and_reported_as_an_invalidation() -> None:
    key = KeyModel({"one": _secret("ACTIVE", 10, 0.04), "two": _secret("REVOKED", 20, None)}, [_file(one="current")])
    step = key.step(RotationRequest("leaked", "one", revokes=True))
    assert [(call.operation, call.secret) for call in step.calls] == [("RenewApiKey", "one")]
    assert [(loss.secret, loss.asked) for loss in step.losses] == [("one", False)]  # the guard asks


def test_retire_revoke_says_what_it_uses_up() -> None:
    key = revoking(
        KeyModel(
            {"one": _secret("ACTIVE", 70, 5), "two": _secret("ACTIVE", 10, 0.04)}, [_file(one="standby", two="current")]
        )
    )
    step = key.step()
    assert step.actions == ("revoke",)
    assert step.notes[0].startswith("one will be revoked, and a revoked secret cannot be renewed")


def test_retire_revoke_says_so_before_the_overlap_and_all_through_it() -> None:
    old = _secret("ACTIVE", 70, 5)
    due = KeyModel({"one": old, "two": _secret("INACTIVE", 20, None)}, [_file(one="current", two="inactive")])
    begun = KeyModel({"one": old, "two": _secret("ACTIVE", 2, 0.04)}, [_file(one="standby", two="current")])
    for key in (due, begun):
        assert "cannot be renewed" not in " ".join(key.step().notes)
        (note,) = revoking(key).step().notes
        assert note.startswith("both secrets work until") and "one will be revoked, and a revoked secret cannot" in note


def test_the_overlap_says_when_to_come_back_and_corrects_sinks_meanwhile() -> None:
    key = KeyModel(
        {"one": _secret("ACTIVE", 70, 0.04), "two": _secret("ACTIVE", 2, 0.04)}, [_file(one="standby", two="current")]
    )
    step = key.step()
    assert not step and step.notes[0].startswith("both secrets work until 2027-03-06 00:00 UTC; then one is retired")
    key.sinks.append(SinkModel(True, {}))
    assert key.step().actions == ("deliver",)
    key.now += 6 * DAY
    key.secrets["one"].last_used = key.now - timedelta(hours=1)
    assert "one is still in use by callers that do not read the sinks again" in key.step().notes[0]


def _file(**parts: Role) -> SinkModel:
    return SinkModel(True, {name: (part, 0) for name, part in parts.items()})
