"""The crash matrix: a run is ended before and after the commit of every request it makes; one more apply finishes the job.

A slice goes with every test run; every request, side, signal and retry-token mode with `-m matrix`.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from figures import note_figure
from plan_apply.sdk_helpers import keys

from genai_iac.core import LEAK_TAG

from .fixtures import APPLY, Sandbox, check_whole
from .load_generator import calling
from .scenarios import MODES, SCENARIOS, Scenario, Workshop

SIGNALS = ("KILL", "TERM")
SLICE = 3  # points of each scenario
_OF_CALLERS = ("CreateResponse", "GetSecretBundleByName")  # genai-iac makes no such call


@dataclass(frozen=True)
class Point:
    """Where a run is ended."""

    operation: str
    nth: int
    when: str


@pytest.mark.parametrize("name", SCENARIOS)
def test_ended_at_a_request_one_more_apply_finishes(workshop: Workshop, name: str) -> None:
    chance = random.Random(name)
    points = _points(workshop, SCENARIOS[name])
    for point in chance.sample(points, SLICE):
        _end_at(workshop, name, point, chance.choice(SIGNALS), chance.choice(MODES))
    note_figure(SLICE, "points at which a run was ended")


@pytest.mark.matrix
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("by", SIGNALS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_ended_at_any_request_one_more_apply_finishes(
    workshop: Workshop, name: str, by: str, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    points = _points(workshop, SCENARIOS[name])
    run = sum(_end_at(workshop, name, point, by, mode) for point in points)
    note_figure(run, "points at which a run was ended")
    with capsys.disabled():
        print(f"\n{name}, {by}, retry tokens {mode}: ended at {run} points of {len(points) // 2} requests")
    assert run == len(points)


def _points(workshop: Workshop, scenario: Scenario) -> list[Point]:
    """Both sides of every request that an untouched run makes."""
    with workshop.sandbox(scenario.start) as sandbox, calling(sandbox.sinks(*scenario.callers)) as history:
        ended = sandbox.run(*scenario.arguments)
        assert ended.code == 0, f"{ended.out}\n{ended.err}"
        made = Counter(call["operation"] for call in sandbox.tenancy.calls() if call["operation"] not in _OF_CALLERS)
    assert history.failed == []
    return [
        Point(operation, nth, when)
        for operation, count in sorted(made.items())
        for nth in range(1, count + 1)
        for when in ("before", "after")
    ]


def _end_at(workshop: Workshop, name: str, point: Point, by: str, mode: str) -> bool:
    scenario = SCENARIOS[name]
    where = f"{name}: {by} {point.when} {point.operation} {point.nth}, retry tokens {mode}"
    with workshop.sandbox(scenario.start) as sandbox, calling(sandbox.sinks(*scenario.callers)) as history:
        leaked = _masks(sandbox)
        history.wait_for(len(scenario.callers))
        sandbox.tenancy.settings(retryTokenReplay=mode)
        ended = sandbox.run(*scenario.arguments, meet=lambda pid: _arm(sandbox, point, by, pid))
        _check_end(ended.code, by, where + f"\n{ended.out}\n{ended.err}")
        sandbox.tenancy.control("DELETE", "faults")
        begun = "--leaked" in scenario.arguments and _is_noted(sandbox)
        try:
            again = sandbox.run(*APPLY)
            assert again.code == 0, f"exit {again.code}\n{again.out}\n{again.err}"
            check_whole(sandbox, scenario.keys, (ended.out, ended.err, again.out, again.err))
            if begun:
                _check_answered(sandbox, leaked, revoked="--revoke" in scenario.arguments)
        except AssertionError as error:
            raise AssertionError(
                f"{where}\n--- the run that was ended\n{ended.out}\n{ended.err}\n--- then\n{error}"
            ) from error
        history.wait_for(len(history.probes) + len(scenario.callers))  # they call after it too
    assert history.failed == [], where
    return True


def _arm(sandbox: Sandbox, point: Point, by: str, pid: int) -> None:
    effect: dict[str, Any] = {"kill": pid, "signal": by}
    sandbox.tenancy.control(
        "POST", "faults", {"operation": point.operation, "nth": point.nth, "when": point.when, "effect": effect}
    )


def _check_end(code: int, by: str, where: str) -> None:
    if by == "KILL":
        assert code == -signal.SIGKILL, f"it was not ended: exit {code}: {where}"
    else:
        assert code == 130, f"exit {code}: {where}"


def _is_noted(sandbox: Sandbox) -> bool:
    """Whether a key carries the note of a leak: the first write of an incident has landed."""
    return any(LEAK_TAG in key.freeform_tags for key in keys(sandbox.tenancy).values())


def _masks(sandbox: Sandbox) -> dict[str, str]:
    """The mask of the value of `key-one` by the key's name."""
    return {
        key.display_name: secret.key_mask
        for key in keys(sandbox.tenancy).values()
        for secret in key.keys
        if secret.key_name == "key-one"
    }


def _check_answered(sandbox: Sandbox, leaked: Mapping[str, str], *, revoked: bool) -> None:
    """Once an incident has begun, any apply carries it to its end: the leaked value works no more and nothing notes it."""
    status = sandbox.run("status")
    assert ("key-one  REVOKED" in status.out) is revoked, status.out
    assert revoked or _masks(sandbox)["batch"] != leaked["batch"], status.out
    assert not _is_noted(sandbox)
