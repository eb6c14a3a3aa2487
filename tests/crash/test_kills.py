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

from .fixtures import APPLY, Bench, check_whole
from .load_generator import calling
from .scenarios import MODES, STORIES, Story, Workshop

SIGNALS = ("KILL", "TERM")
SLICE = 3  # points of each story
_OF_CALLERS = ("CreateResponse", "GetSecretBundleByName")  # genai-iac makes no such call


@dataclass(frozen=True)
class Point:
    """Where a run is ended."""

    operation: str
    nth: int
    when: str


@pytest.mark.parametrize("name", STORIES)
def test_ended_at_a_request_one_more_apply_finishes(workshop: Workshop, name: str) -> None:
    chance = random.Random(name)
    points = _points(workshop, STORIES[name])
    for point in chance.sample(points, SLICE):
        _end_at(workshop, name, point, chance.choice(SIGNALS), chance.choice(MODES))
    note_figure(SLICE, "points at which a run was ended")


@pytest.mark.matrix
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("by", SIGNALS)
@pytest.mark.parametrize("name", STORIES)
def test_ended_at_any_request_one_more_apply_finishes(
    workshop: Workshop, name: str, by: str, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    points = _points(workshop, STORIES[name])
    run = sum(_end_at(workshop, name, point, by, mode) for point in points)
    note_figure(run, "points at which a run was ended")
    with capsys.disabled():
        print(f"\n{name}, {by}, retry tokens {mode}: ended at {run} points of {len(points) // 2} requests")
    assert run == len(points)


def _points(workshop: Workshop, story: Story) -> list[Point]:
    """Both sides of every request that an untouched run makes."""
    with workshop.bench(story.ground) as bench, calling(bench.sinks(*story.callers)) as history:
        ended = bench.run(*story.arguments)
        assert ended.code == 0, f"{ended.out}\n{ended.err}"
        made = Counter(call["operation"] for call in bench.tenancy.calls() if call["operation"] not in _OF_CALLERS)
    assert history.failed == []
    return [
        Point(operation, nth, when)
        for operation, count in sorted(made.items())
        for nth in range(1, count + 1)
        for when in ("before", "after")
    ]


def _end_at(workshop: Workshop, name: str, point: Point, by: str, mode: str) -> bool:
    story = STORIES[name]
    where = f"{name}: {by} {point.when} {point.operation} {point.nth}, retry tokens {mode}"
    with workshop.bench(story.ground) as bench, calling(bench.sinks(*story.callers)) as history:
        leaked = _masks(bench)
        bench.tenancy.settings(retryTokenReplay=mode)
        ended = bench.run(*story.arguments, meet=lambda pid: _arm(bench, point, by, pid))
        _check_end(ended.code, by, where + f"\n{ended.out}\n{ended.err}")
        bench.tenancy.control("DELETE", "faults")
        begun = "--leaked" in story.arguments and _is_noted(bench)
        try:
            again = bench.run(*APPLY)
            assert again.code == 0, f"exit {again.code}\n{again.out}\n{again.err}"
            check_whole(bench, story.keys, (ended.out, ended.err, again.out, again.err))
            if begun:
                _check_answered(bench, leaked, revoked="--revoke" in story.arguments)
        except AssertionError as error:
            raise AssertionError(
                f"{where}\n--- the run that was ended\n{ended.out}\n{ended.err}\n--- then\n{error}"
            ) from error
        assert not story.callers or len(history.probes) > 10
    assert history.failed == [], where
    return True


def _arm(bench: Bench, point: Point, by: str, pid: int) -> None:
    effect: dict[str, Any] = {"kill": pid, "signal": by}
    bench.tenancy.control(
        "POST", "faults", {"operation": point.operation, "nth": point.nth, "when": point.when, "effect": effect}
    )


def _check_end(code: int, by: str, where: str) -> None:
    if by == "KILL":
        assert code == -signal.SIGKILL, f"it was not ended: exit {code}: {where}"
    else:
        assert code == 130, f"exit {code}: {where}"


def _is_noted(bench: Bench) -> bool:
    """Whether a key carries the note of a leak: the first write of an incident has landed."""
    return any(LEAK_TAG in key.freeform_tags for key in keys(bench.tenancy).values())


def _masks(bench: Bench) -> dict[str, str]:
    """The mask of the value of `key-one` by the key's name."""
    return {
        key.display_name: secret.key_mask
        for key in keys(bench.tenancy).values()
        for secret in key.keys
        if secret.key_name == "key-one"
    }


def _check_answered(bench: Bench, leaked: Mapping[str, str], *, revoked: bool) -> None:
    """Once an incident has begun, any apply carries it to its end: the leaked value works no more and nothing notes it."""
    status = bench.run("status")
    assert ("key-one  REVOKED" in status.out) is revoked, status.out
    assert revoked or _masks(bench)["batch"] != leaked["batch"], status.out
    assert not _is_noted(bench)
