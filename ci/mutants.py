"""Runs tests against mutants in one process: the tests are collected once, each mutant is a fork with some functions' code replaced.

A test is run against a mutant only when it entered the edited function as the code is, the quickest first. What is not inside
a function (a constant of a module, a default value) needs another import: `ci/mutate` gives such mutants a process of their own.
"""

from __future__ import annotations

import functools
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

Place = tuple[str, str, int]  # file, qualified name, first line


def changed_functions(before: CodeType, after: CodeType, path: Path) -> dict[Place, CodeType] | None:
    """The outermost functions of a module whose code differs, by their places; None when something else differs too."""
    if _without_functions(before) != _without_functions(after):
        return None
    old, new = dict(_functions(before, path)), dict(_functions(after, path))
    return {place: code for place, code in new.items() if old.get(place) != code} if old.keys() == new.keys() else None


def _functions(code: CodeType, path: Path) -> Iterator[tuple[Place, CodeType]]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_flags & 0x02:  # CO_NEWLOCALS: a function; a class body has no locals of its own
                yield (str(path), inner.co_qualname, inner.co_firstlineno), inner
            else:
                yield from _functions(inner, path)


def _without_functions(code: CodeType) -> tuple[object, ...]:
    inner = (one for one in code.co_consts if isinstance(one, CodeType) and not one.co_flags & 0x02)
    plain = [(type(one), one) for one in code.co_consts if not isinstance(one, CodeType)]
    return code.co_code, code.co_names, repr(plain), tuple(_without_functions(one) for one in inner)


class Runner:
    """A plugin of pytest that runs the collected tests against each mutant instead of once.

    Args:
        files: the edited modules.
        mutants: for each, the new code of functions by place.
        patience: seconds for one test; a mutant with which one takes longer counts as noticed.
        report: called with the number of each mutant and whether it was noticed.
    """

    def __init__(
        self,
        files: list[Path],
        mutants: list[dict[Place, CodeType]],
        patience: float,
        report: Callable[[int, bool], object],
    ) -> None:
        self._files, self._mutants = {str(path) for path in files}, mutants
        self._patience, self._report = patience, report
        self._entered: dict[int, set[Place]] = {}  # by the number of a test
        self._took: dict[int, float] = {}  # seconds
        self._kills: dict[int, int] = {}

    def pytest_runtestloop(self, session: Any) -> bool | None:
        """Measure every test as the code is, in a fork each, then run the mutants."""
        for number, item in enumerate(session.items):
            self._measure(number, item)
        if len(self._took) < len(session.items):
            return None  # a test fails as the code is: pytest runs them itself, and its exit code says so
        for number, code in enumerate(self._mutants):
            self._report(number, self._is_noticed(session, code))
        return True

    def _measure(self, number: int, item: Any) -> None:
        """What the test enters. It runs in a fork, so that nothing (a server, a cached value) is left for the mutants."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                entered = set[Place]()
                began = time.monotonic()
                self._trace(entered)
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                sys.settrace(None)
                took = time.monotonic() - began
                failed = bool(item.session.testsfailed)
                os.write(writing, repr((took, failed, entered)).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            took, failed, entered = eval(pipe.read() or b"(0.0, True, set())")  # noqa: S307  # written above
        os.waitpid(child, 0)
        if not failed:
            self._took[number], self._entered[number] = took, entered

    def _trace(self, entered: set[Place]) -> None:
        files = self._files

        def note(frame: FrameType, _event: str, _argument: object) -> None:
            code = frame.f_code
            if code.co_filename in files:
                entered.add((code.co_filename, code.co_qualname, code.co_firstlineno))

        threading.settrace(note)
        sys.settrace(note)

    def _is_noticed(self, session: Any, mutant: dict[Place, CodeType]) -> bool:
        entering = [number for number, entered in self._entered.items() if entered & mutant.keys()]
        entering.sort(key=lambda number: self._took[number] / (1 + self._kills.get(number, 0)))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                os.setpgrp()
                replace_code(mutant)
                for number in entering:
                    os.write(writing, b"%d\n" % number)
                    session.config.hook.pytest_runtest_protocol(item=session.items[number], nextitem=None)
                    if session.testsfailed:
                        os._exit(1)
                os._exit(0)
            os._exit(2)
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            code, begun = wait_for(child, self._patience, pipe)
        if code != 0 and begun:
            self._kills[begun[-1]] = self._kills.get(begun[-1], 0) + 1
        return code != 0


def replace_code(mutant: dict[Place, CodeType]) -> None:
    """Give the functions their new code wherever they are held. Raises ValueError when a function's closure does not fit."""
    for held in gc.get_objects():
        if isinstance(held, functools._lru_cache_wrapper):
            held.cache_clear()
        if isinstance(held, FunctionType):
            code = held.__code__
            new = mutant.get((code.co_filename, code.co_qualname, code.co_firstlineno))
            if new is not None:
                held.__code__ = new.replace(co_filename=code.co_filename)


def wait_for(child: int, patience: float, reports: FileIO | None = None) -> tuple[int, list[int]]:
    """How the process ended, and the numbers of the tests that it told of as it began them.

    One that tells nothing for so many seconds and does not end is killed with its group, and gives -9.
    """
    said, began = b"", time.monotonic()
    if reports:
        os.set_blocking(reports.fileno(), False)
    while time.monotonic() - began < patience:
        ended, status = os.waitpid(child, os.WNOHANG)
        more = reports.read() if reports else b""
        if more:
            said, began = said + more, time.monotonic()
        if ended:
            return os.waitstatus_to_exitcode(status), [int(number) for number in said.split()]
        time.sleep(0.005)
    with suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL, [int(number) for number in said.split()]
