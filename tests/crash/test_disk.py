"""A disk that refuses during a whole apply: the old value stays whole and works, the run says so, the next one heals.

Every system call of the sinks is made to fail, once or from there on. A slice goes with every test run, all of them with
`-m matrix`. A file system that is really full, and one that is really read-only, stand beside them.
"""

from __future__ import annotations

import errno
import itertools
import os
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sinks.link_attacks import Trap

from .fixtures import APPLY, Sandbox, check_whole
from .launching import Ended, Here
from .load_generator import History, calling
from .scenarios import Workshop
from .stacks import KEYS
from .volume import Volume, mounted, why_not

ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EXDEV]
CHANGING = frozenset({"mkdir", "write", "fsync", "rename"})  # what a disk that can only be read refuses
SLICE = 2  # points of each scenario


# a run, and the start state that it is made on
SCENARIOS = {"apply": "new, rotating", "rotation": "due", "retirement": "overlapping"}


@pytest.fixture(scope="module")
def disk_workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Its runs are made in this process, where their system calls can be made to fail."""
    return Workshop(tmp_path_factory.mktemp("disk"), Here())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_call_that_fails_loses_nothing(disk_workshop: Workshop, scenario: str) -> None:
    chance = random.Random(scenario)
    for point in chance.sample(_points(disk_workshop, scenario), SLICE):
        _fail_at(disk_workshop, scenario, point, chance.choice(ERRORS), lasting=chance.random() < 0.5)


@pytest.mark.matrix
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from-there-on"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_call_that_fails_loses_nothing(
    disk_workshop: Workshop, scenario: str, lasting: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    points, errors = _points(disk_workshop, scenario), itertools.cycle(ERRORS)
    failed = sum(_fail_at(disk_workshop, scenario, point, next(errors), lasting=lasting) for point in points)
    with capsys.disabled():
        print(
            f"\n{scenario}: {failed} of {len(points)} calls failed, {'and all after each' if lasting else 'one by one'}"
        )
    assert failed == len(points) > 50


def _points(disk_workshop: Workshop, scenario: str) -> list[tuple[str, int]]:
    """Every system call that an untouched run makes in the sinks: its name, and which one of that name."""
    with disk_workshop.sandbox(SCENARIOS[scenario]) as sandbox:
        trap = Trap(below=sandbox.project / "secrets")
        with trap.set():
            sandbox.apply()
    return [(name, nth) for name, count in sorted(trap.counts.items()) for nth in range(1, count + 1)]


def _fail_at(disk_workshop: Workshop, scenario: str, point: tuple[str, int], code: int, *, lasting: bool) -> bool:
    where = f"{scenario}: {point[0]} {point[1]} {errno.errorcode[code]}{' from there on' if lasting else ''}"
    with disk_workshop.sandbox(SCENARIOS[scenario]) as sandbox, _clients(sandbox, scenario) as history:
        trap = Trap(
            *point,
            OSError(code, os.strerror(code)),
            lasting=CHANGING if lasting else frozenset(),
            below=sandbox.project / "secrets",
        )
        with trap.set():
            ended = sandbox.run(*APPLY)
        assert trap.sprung, f"there is no such call: {where}"
        try:
            _check_reported(sandbox, ended, os.strerror(code))
            _check_healed(sandbox, ended)
        except AssertionError as error:
            raise AssertionError(f"{where}\n{ended.out}\n{ended.err}\n--- then\n{error}") from error
    assert history.failed == [], where
    return True


@contextmanager
def _clients(sandbox: Sandbox, scenario: str) -> Iterator[History]:
    """Who calls while it happens: nobody has anything to call with before the first apply."""
    with calling([] if scenario == "apply" else sandbox.sinks(*KEYS)) as history:
        if scenario != "apply":
            history.wait_for(len(KEYS))
        yield history
        if scenario != "apply":
            history.wait_for(len(history.probes) + len(KEYS))


def _check_reported(sandbox: Sandbox, ended: Ended, why: str) -> None:
    """Partly applied; or refused, and then nothing was written to the tenancy; or done, and then all of it."""
    text = re.sub(r"\s+", " ", ended.out + ended.err)
    assert "Traceback" not in text and "unexpected" not in text
    if ended.code == 0:
        check_whole(sandbox, KEYS, (ended.out, ended.err))
    else:
        assert ended.code == 4 or (ended.code == 1 and not sandbox.tenancy.writes()), f"exit {ended.code}"
        assert why.lower() in text.lower() and ("apply again" in text or "next: " in text)


def _check_healed(sandbox: Sandbox, ended: Ended) -> None:
    again = sandbox.apply()
    check_whole(sandbox, KEYS, (ended.out, ended.err, again.out, again.err))


TROUBLES = {
    "full": (Volume.fill, Volume.free, errno.ENOSPC),
    "read-only": (Volume.lock, Volume.unlock, errno.EROFS),
}


@pytest.fixture(scope="module")
def mounting(tmp_path_factory: pytest.TempPathFactory) -> None:
    if why := why_not(tmp_path_factory.mktemp("mount")):
        pytest.skip(f"no file system can be mounted here: {why}")


@pytest.mark.usefixtures("mounting")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_volume_that_takes_nothing_is_seen_before_the_first_write(disk_workshop: Workshop, trouble: str) -> None:
    begin, end, code = TROUBLES[trouble]
    with _rotating_on_a_volume(disk_workshop) as (sandbox, volume):
        begin(volume)
        ended = sandbox.run(*APPLY)
        assert ended.code == 1
        _check_reported(sandbox, ended, os.strerror(code))
        end(volume)
        _check_healed(sandbox, ended)


@pytest.mark.usefixtures("mounting")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_volume_that_takes_nothing_once_a_value_is_created_is_healed(disk_workshop: Workshop, trouble: str) -> None:
    begin, end, code = TROUBLES[trouble]
    with _rotating_on_a_volume(disk_workshop) as (sandbox, volume):
        with _at(sandbox, "RenewApiKey", lambda: begin(volume)):
            ended = sandbox.run(*APPLY)
        assert ended.code == 4
        _check_reported(sandbox, ended, os.strerror(code))
        end(volume)
        _check_healed(sandbox, ended)


@contextmanager
def _rotating_on_a_volume(disk_workshop: Workshop) -> Iterator[tuple[Sandbox, Volume]]:
    """Keys that are due, their sinks on a volume, and clients of them that nothing may refuse."""
    with disk_workshop.sandbox(SCENARIOS["rotation"]) as sandbox, mounted(sandbox.project / "secrets") as volume:
        with _clients(sandbox, "rotation") as history:
            yield sandbox, volume
        assert history.failed == []


@contextmanager
def _at(sandbox: Sandbox, operation: str, act: Callable[[], object]) -> Iterator[None]:
    """While this is open: hold that operation back when it comes, and act meanwhile."""
    sandbox.tenancy.control("POST", "faults", {"operation": operation, "count": 9, "effect": {"delay": "300ms"}})

    def watch() -> None:
        while not stopped.is_set():
            if sandbox.tenancy.control("GET", "faults")[0]["seen"]:
                act()
                return
            stopped.wait(0.02)

    stopped = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        stopped.set()
        watcher.join()
        sandbox.tenancy.control("DELETE", "faults")
