"""The model test: walks of random steps, some with every test run and thousands with `-m matrix`.

A walk that fails prints its steps, made as few as still fail; put into a file below `cases/` they are taken again with every run.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from random import Random

import pytest
from crash.fixtures import serving
from crash.launching import Here, Launcher
from figures import note_figure

from .harness import Step, Tally
from .runner import WEIGHTS, StatefulRun, draw
from .shrinking import shorten

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
STEPS = 40
PARTS = 2
WALKS = int(os.environ.get("GENAI_IAC_STEPS", "10000")) // (PARTS * STEPS)  # in each part, with -m matrix


@pytest.mark.parametrize("seed", range(2))
def test_random_steps_keep_every_promise(tmp_path: Path, launchers: list[Launcher], seed: int) -> None:
    tally = take_steps(tmp_path, launchers, seed, STEPS)
    assert tally.ends["exit 0"] > 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_steps_that_once_broke_a_promise(tmp_path: Path, launchers: list[Launcher], case: Path) -> None:
    seed, *steps = read_steps(case.read_text())
    follow(tmp_path, launchers, seed[1], steps)


@pytest.mark.matrix
@pytest.mark.parametrize("part", range(PARTS))
def test_many_steps(tmp_path: Path, launchers: list[Launcher], capsys: pytest.CaptureFixture[str], part: int) -> None:
    total = Tally()
    for seed in range(1000 + part * WALKS, 1000 + (part + 1) * WALKS):
        total.add(take_steps(tmp_path / str(seed), launchers, seed, STEPS))
    with capsys.disabled():
        print(
            f"\n{WALKS} walks, {total.steps.total()} steps, {total.writes.total()} writes\n{total.ends}\n{total.steps}"
        )
    assert set(total.steps) == set(WEIGHTS), "a rule never found anything to do"
    assert total.ends["killed"] > WALKS and total.ends["exit 3"] > WALKS / 2 and total.ends["exit 1"] > WALKS


def take_steps(home: Path, launchers: list[Launcher], seed: int, steps: int) -> Tally:
    """One walk of newly drawn steps. A failure is told with the fewest steps that lead to it."""
    chance, taken = Random(seed), list[Step]()
    with serving(home / "walk", Here()) as sandbox:
        run = StatefulRun(sandbox, launchers)
        run.begin(seed)
        try:
            while len(taken) < steps:
                step = draw(chance)
                taken.append(step)
                if not run.take(step):
                    taken.pop()
            note_figure(len(taken), "steps, no violation")
        except Exception as failure:
            place = broken_at(failure)
            few = shorten(taken, lambda steps, number: place == fails(home / f"again-{number}", launchers, seed, steps))
            raise AssertionError(f"{failure}\n\nThe walk:\n{write_steps(seed, few)}") from failure
        return run.tally


def follow(home: Path, launchers: list[Launcher], seed: int, steps: list[Step]) -> None:
    """Take those very steps."""
    with serving(home / "walk", Here()) as sandbox:
        run = StatefulRun(sandbox, launchers)
        run.begin(seed)
        for step in steps:
            run.take(step)


def fails(home: Path, launchers: list[Launcher], seed: int, steps: list[Step]) -> int:
    """The line at which a promise breaks, or 0."""
    try:
        follow(home, launchers, seed, steps)
    except Exception as failure:
        return broken_at(failure)
    return 0


def broken_at(failure: Exception) -> int:
    return traceback.extract_tb(failure.__traceback__)[-1].lineno or -1


def write_steps(seed: int, steps: list[Step]) -> str:
    return "\n".join(f"{rule} {number}" for rule, number in [("begin", seed), *steps])


def read_steps(text: str) -> list[Step]:
    """Lines of a rule and its number; a line that begins with # says what it is about."""
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [(rule, int(number)) for rule, number in lines]
