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

from .fixtures import APPLY, Bench, check_whole
from .launching import Ended, Here
from .load_generator import History, calling
from .scenarios import Workshop
from .stacks import KEYS
from .volume import Volume, mounted, why_not

ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EXDEV]
CHANGING = frozenset({"mkdir", "write", "fsync", "rename"})  # what a disk that can only be read refuses
SLICE = 2  # points of each story


# a run, and the ground that it is made on
STORIES = {"apply": "new, rotating", "rotation": "due", "retirement": "overlapping"}


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Its runs are made in this process, where their system calls can be made to fail."""
    return Workshop(tmp_path_factory.mktemp("disk"), Here())


@pytest.mark.parametrize("story", STORIES)
def test_a_call_that_fails_loses_nothing(grounds: Workshop, story: str) -> None:
    chance = random.Random(story)
    for point in chance.sample(_points(grounds, story), SLICE):
        _fail_at(grounds, story, point, chance.choice(ERRORS), lasting=chance.random() < 0.5)


@pytest.mark.matrix
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from-there-on"])
@pytest.mark.parametrize("story", STORIES)
def test_any_call_that_fails_loses_nothing(
    grounds: Workshop, story: str, lasting: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    points, errors = _points(grounds, story), itertools.cycle(ERRORS)
    failed = sum(_fail_at(grounds, story, point, next(errors), lasting=lasting) for point in points)
    with capsys.disabled():
        print(f"\n{story}: {failed} of {len(points)} calls failed, {'and all after each' if lasting else 'one by one'}")
    assert failed == len(points) > 50


def _points(grounds: Workshop, story: str) -> list[tuple[str, int]]:
    """Every system call that an untouched run makes in the sinks: its name, and which one of that name."""
    with grounds.bench(STORIES[story]) as bench:
        trap = Trap(below=bench.project / "secrets")
        with trap.set():
            bench.apply()
    return [(name, nth) for name, count in sorted(trap.counts.items()) for nth in range(1, count + 1)]


def _fail_at(grounds: Workshop, story: str, point: tuple[str, int], code: int, *, lasting: bool) -> bool:
    where = f"{story}: {point[0]} {point[1]} {errno.errorcode[code]}{' from there on' if lasting else ''}"
    with grounds.bench(STORIES[story]) as bench, _clients(bench, story) as history:
        trap = Trap(
            *point,
            OSError(code, os.strerror(code)),
            lasting=CHANGING if lasting else frozenset(),
            below=bench.project / "secrets",
        )
        with trap.set():
            ended = bench.run(*APPLY)
        assert trap.sprung, f"there is no such call: {where}"
        try:
            _check_told(bench, ended, os.strerror(code))
            _check_healed(bench, ended)
        except AssertionError as error:
            raise AssertionError(f"{where}\n{ended.out}\n{ended.err}\n--- then\n{error}") from error
    assert history.failed == [], where
    return True


@contextmanager
def _clients(bench: Bench, story: str) -> Iterator[History]:
    """Who calls while it happens: nobody has anything to call with before the first apply."""
    with calling([] if story == "apply" else bench.sinks(*KEYS)) as history:
        yield history
    assert story == "apply" or len(history.probes) > 10


def _check_told(bench: Bench, ended: Ended, why: str) -> None:
    """Partly applied; or refused, and then nothing was written to the tenancy; or done, and then all of it."""
    text = re.sub(r"\s+", " ", ended.out + ended.err)
    assert "Traceback" not in text and "unexpected" not in text
    if ended.code == 0:
        check_whole(bench, KEYS, (ended.out, ended.err))
    else:
        assert ended.code == 4 or (ended.code == 1 and not bench.tenancy.writes()), f"exit {ended.code}"
        assert why.lower() in text.lower() and ("apply again" in text or "next: " in text)


def _check_healed(bench: Bench, ended: Ended) -> None:
    again = bench.apply()
    check_whole(bench, KEYS, (ended.out, ended.err, again.out, again.err))


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
def test_a_volume_that_takes_nothing_is_seen_before_the_first_write(grounds: Workshop, trouble: str) -> None:
    begin, end, code = TROUBLES[trouble]
    with _rotating_on_a_volume(grounds) as (bench, volume):
        begin(volume)
        ended = bench.run(*APPLY)
        assert ended.code == 1
        _check_told(bench, ended, os.strerror(code))
        end(volume)
        _check_healed(bench, ended)


@pytest.mark.usefixtures("mounting")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_volume_that_takes_nothing_once_a_value_is_minted_is_healed(grounds: Workshop, trouble: str) -> None:
    begin, end, code = TROUBLES[trouble]
    with _rotating_on_a_volume(grounds) as (bench, volume):
        with _at(bench, "RenewApiKey", lambda: begin(volume)):
            ended = bench.run(*APPLY)
        assert ended.code == 4
        _check_told(bench, ended, os.strerror(code))
        end(volume)
        _check_healed(bench, ended)


@contextmanager
def _rotating_on_a_volume(grounds: Workshop) -> Iterator[tuple[Bench, Volume]]:
    """Keys that are due, their sinks on a volume, and clients of them that nothing may refuse."""
    with grounds.bench(STORIES["rotation"]) as bench, mounted(bench.project / "secrets") as volume:
        with _clients(bench, "rotation") as history:
            yield bench, volume
        assert history.failed == []


@contextmanager
def _at(bench: Bench, operation: str, act: Callable[[], object]) -> Iterator[None]:
    """While this is open: hold that operation back when it comes, and act meanwhile."""
    bench.tenancy.control("POST", "faults", {"operation": operation, "count": 9, "effect": {"delay": "300ms"}})

    def watch() -> None:
        while not stopped.is_set():
            if bench.tenancy.control("GET", "faults")[0]["seen"]:
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
        bench.tenancy.control("DELETE", "faults")
