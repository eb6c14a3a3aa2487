"""A whole apply killed at every system call that touches the sinks' directory; one more apply finishes the job.

strace does it, thread by thread: the main one proves the sinks, and the one that makes the changes writes them. The reading
before that leaves nothing behind, wherever it ends, and a move or a prune does no more than read. The three retry-token modes
rotate. A slice goes with every test run, all of them with `-m matrix`.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from plan_apply.sdk_helpers import wait_until_held

from .fixtures import Sandbox, check_whole
from .launching import Ended
from .load_generator import calling
from .scenarios import MODES, SCENARIOS, Workshop
from .strace import calls_on, kill_at, traced, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

# the first request of the thread that makes the changes
FIRST = {
    "apply": "CreateCompartment",
    "rotation": "GetApiKey",
    "retirement": "GetApiKey",
    "incident": "GetApiKey",
}
SLICE = 2  # points of each scenario
_HOLD = "200ms"  # of that request: time to notice it


@dataclass(frozen=True)
class Point:
    """A system call on the sinks' directory: of the main thread, or of the one that makes the changes."""

    main: bool
    call: str
    nth: int

    def __str__(self) -> str:
        return f"{self.call} {self.nth} of the {'main' if self.main else 'changing'} thread"


@pytest.mark.parametrize("name", FIRST)
def test_killed_at_a_file_call_one_more_apply_finishes(workshop: Workshop, tmp_path: Path, name: str) -> None:
    chance = random.Random(name)
    for point in chance.sample(_points(workshop, tmp_path, name), SLICE):
        _kill_at(workshop, tmp_path, name, point, chance.choice(MODES))


@pytest.mark.matrix
@pytest.mark.parametrize("name", FIRST)
def test_killed_at_any_file_call_one_more_apply_finishes(
    workshop: Workshop, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    points = _points(workshop, tmp_path, name)
    run = sum(_kill_at(workshop, tmp_path, name, *each) for each in zip(points, cycle(MODES), strict=False))
    with capsys.disabled():
        print(f"\n{name}: killed at {run} system calls on the sinks' directory")
    assert run == len(points)


def _points(workshop: Workshop, scratch: Path, name: str) -> list[Point]:
    """Every call that an untouched run makes there."""
    logs = {True: scratch / "main", False: scratch / "changing"}
    with workshop.sandbox(SCENARIOS[name].start) as sandbox:
        ended = _run_traced(sandbox, name, {main: (log,) for main, log in logs.items()})
    assert ended.code == 0, f"{ended.out}\n{ended.err}"
    points = [Point(main, call, nth) for main, log in logs.items() for call, nth in calls_on(log, "secrets")]
    assert {point.call for point in points} >= {"openat", "fchmod", "write", "fsync", "renameat", "unlinkat"}
    return points


def _kill_at(workshop: Workshop, scratch: Path, name: str, point: Point, mode: str) -> bool:
    scenario, where, log = SCENARIOS[name], f"{name}: killed at {point}, retry tokens {mode}", scratch / "log"
    with workshop.sandbox(scenario.start) as sandbox, calling(sandbox.sinks(*scenario.callers)) as history:
        sandbox.tenancy.settings(retryTokenReplay=mode)
        ended = _run_traced(sandbox, name, {point.main: (log, kill_at(point.call, point.nth))})
        assert ended.code == -signal.SIGKILL, f"{where}: exit {ended.code}\n{ended.out}\n{ended.err}"
        assert list(calls_on(log, "secrets"))[-1] == (point.call, point.nth), where
        sandbox.tenancy.control("DELETE", "faults")
        try:
            again = sandbox.apply()
            check_whole(sandbox, scenario.keys, (ended.out, ended.err, again.out, again.err))
        except AssertionError as error:
            raise AssertionError(f"{where}\n{ended.out}\n{ended.err}\n--- then\n{error}") from error
    assert history.failed == [], where
    return True


def _run_traced(sandbox: Sandbox, name: str, threads: Mapping[bool, tuple[Any, ...]]) -> Ended:
    """Run a scenario with the main thread (True), the one that makes the changes (False) or both traced: a log, and expressions.

    Changes are made one after the other, so that their calls come in the same order each time.
    """
    arguments = SCENARIOS[name].arguments
    one_by_one = ("--parallelism", "1") if arguments[0] == "apply" else ()  # a rotation is one change
    with ExitStack() as tracers, ThreadPoolExecutor(1) as pool:
        waits: list[Future[None]] = []

        def meet(pid: int) -> None:
            if True in threads:
                tracers.enter_context(traced(pid, *threads[True]))
            if False in threads:
                held = {"operation": FIRST[name], "effect": {"delay": _HOLD}}
                sandbox.tenancy.control("POST", "faults", held)
                waits.append(pool.submit(attach, pid))

        def attach(pid: int) -> None:
            wait_until_held(sandbox.tenancy)
            os.kill(pid, signal.SIGSTOP)  # however slow this machine is, nothing goes on before strace is there
            (changing,) = {int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()} - {pid}
            tracers.enter_context(traced(changing, *threads[False]))
            os.kill(pid, signal.SIGCONT)

        ended = sandbox.run(*arguments, *one_by_one, meet=meet)
        for wait in waits:
            wait.result()
    return ended
