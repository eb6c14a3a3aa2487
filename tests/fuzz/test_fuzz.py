"""Every reader of foreign input against seeded edits: 0 uncaught exceptions, and work and memory in proportion to the input.

A few hundred inputs with every run; a million with `-m matrix` (GENAI_IAC_FUZZ says another number). A failure names target and
seed: `TARGETS[n].check(seed)` does it again.
"""

from __future__ import annotations

import os
import random
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from counting import count_calls
from figures import note_figure

from genai_iac.core.redactor import forget_all

from .targets import TARGETS, Target

ORDINARY = 30  # of each target
EVERY = int(os.environ.get("GENAI_IAC_FUZZ", "1000000")) // len(TARGETS)
MOST_CALLS, MOST_BYTES = 400, 4_000  # for each byte of input, beside a fixed part
FIXED_CALLS, FIXED_BYTES = 400_000, 8_000_000
names = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@names
def test_some_inputs(target: Target) -> None:
    run(target, range(ORDINARY))


@pytest.mark.matrix
@names
def test_many_inputs(target: Target) -> None:
    assert run(target, range(1_000, 1_000 + EVERY)) > EVERY / 1000, "hardly any input was read to its end"


@names
def test_work_is_in_proportion(target: Target) -> None:
    """Of some inputs: the functions called and the bytes held at most, which are the same on a busy machine."""
    for seed in range(3):
        made = target.make(random.Random(f"{target.name} {seed}"))
        size = len(made) if isinstance(made, (bytes, str)) else len(str(made))
        calls = count_calls(lambda made=made: attempt(target, made))
        assert calls <= FIXED_CALLS + MOST_CALLS * size, f"{target.name}, seed {seed}: {calls} calls for {size}"
        tracemalloc.start()
        attempt(target, made)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert held <= FIXED_BYTES + MOST_BYTES * size, f"{target.name}, seed {seed}: {held} bytes for {size}"


def test_an_uncaught_error_is_seen_with_its_seed() -> None:
    broken = Target("broken", lambda chance: chance.random(), lambda number: 1 / 0)
    with pytest.raises(AssertionError, match="broken, seed 0"):
        run(broken, range(1))


def run(target: Target, seeds: range) -> int:
    """Check every seed; how many inputs were read and not refused."""
    read = 0
    for seed in seeds:
        try:
            read += target.check(seed)
        except Exception as error:
            raise AssertionError(f"{target.name}, seed {seed}: {type(error).__name__}") from error
        if seed % 100 == 0:
            forget_all()  # values that were held; the redactor looks for all of them in every message
    note_figure(len(seeds), "inputs, none uncaught")
    return read


def attempt(target: Target, made: Any) -> None:
    with suppress(*target.errors):
        target.read(made)


@pytest.mark.parametrize(("name", "seed"), [("snapshots", 6_222)])  # a lone surrogate, of which no digest can be made
def test_what_was_found_once(name: str, seed: int) -> None:
    (target,) = (one for one in TARGETS if one.name == name)
    target.check(seed)
