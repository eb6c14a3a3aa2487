"""No value leaves by another door than the declared sinks: every verb, however much it says, with faults and kills.

What each run prints and leaves behind is searched, and under strace whatever it writes, sends and executes. A slice goes with
every test run, more than two thousand runs with `-m matrix`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest
from figures import note_figure

from .file_hooks import IssuedValues, Watched, check_silent, run_watched
from .fixtures import APPLY
from .launching import Ended
from .leak_scenarios import GROUNDS, READS, REFUSAL, VERBOSE, WRITES, Scene, arguments, arm, scenes
from .scenarios import Workshop
from .strace import why_not
from .syscalls import OPEN


def test_a_leak_would_be_found(workshop: Workshop, issued: IssuedValues) -> None:
    with workshop.bench("watched") as bench:
        check_silent(bench, issued)
        value = (bench.project / "store/value").read_text()
        assert value in issued.values
        with pytest.raises(AssertionError, match="a value is in what run 0 printed, as it is"):
            check_silent(bench, issued, Watched(Ended(1, "", f"refused: {value}")))
        (bench.home / ".cache").mkdir()
        (bench.home / ".cache" / "log").write_bytes(b"\0" + value[9:30].encode().hex().encode())
        with pytest.raises(AssertionError, match=r"a value is in \.cache/log, hex"):
            check_silent(bench, issued)


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_leak_on_the_way_would_be_found(workshop: Workshop, issued: IssuedValues) -> None:
    """A program that passes its value on as an argument, and a manifest with a piece of one, which is printed and sent."""
    with workshop.bench("watched due") as bench:
        piece = (bench.project / "store/value").read_text()[9:30]
        bench.write((bench.project / "stack.yaml").read_text().replace("Everything", piece))
        with (bench.project / "deliver.sh").open("a") as program:
            program.write('sh -c : "$(cat store/value)"\n')
        doors = run_watched(bench, issued, *APPLY).doors
    assert doors >= OPEN
    # what it prints is redacted: the value is in a sink that this run has read
    request, program = sorted(doors - OPEN)
    assert program.endswith("/sh")
    assert request.startswith("PUT ") and "/compartments/ocid1.compartment" in request


def test_some_runs_show_no_value(workshop: Workshop, issued: IssuedValues) -> None:
    chance = random.Random("leaks")
    for ground in GROUNDS[1:]:
        _read(workshop, issued, ground, chance.sample(READS, 6), chance.randrange(4))
    _write(workshop, issued, Scene("watched due", "apply --auto-approve", REFUSAL), chance.choice(VERBOSE))
    for ground, line in chance.sample(list(WRITES), 2):
        scene = chance.choice(list(scenes(workshop, ground, line)))
        _write(workshop, issued, scene, chance.choice(VERBOSE))


@pytest.mark.matrix
@pytest.mark.parametrize("fault", [False, True], ids=["", "faults"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_no_run_that_reads_shows_a_value(workshop: Workshop, issued: IssuedValues, ground: str, fault: bool) -> None:
    assert sum(_read(workshop, issued, ground, READS, shift, fault=fault) for shift in range(4)) == 4 * len(READS)


@pytest.mark.matrix
@pytest.mark.parametrize(("ground", "line"), WRITES)
def test_no_run_that_writes_shows_a_value(
    workshop: Workshop, issued: IssuedValues, ground: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verbose = itertools.cycle(VERBOSE)
    runs = sum(_write(workshop, issued, scene, next(verbose)) for scene in scenes(workshop, ground, line))
    note_figure(runs, "runs that write, no value outside")
    with capsys.disabled():
        print(f"\n{ground}, {line}: no value in {runs} runs; traced: {why_not() or 'yes'}")
    assert runs >= WRITES[ground, line]


def test_the_matrix_has_more_than_two_thousand_runs() -> None:
    assert len(GROUNDS) * 2 * 4 * len(READS) + sum(WRITES.values()) > 2000


def _read(
    workshop: Workshop, issued: IssuedValues, ground: str, lines: Sequence[str], shift: int, *, fault: bool = False
) -> int:
    """Run these one after the other, each as verbose as its turn has it; how many runs that were."""
    with workshop.bench(ground) as bench:
        if fault:
            effect = {"status": 400, "code": "InvalidParameter", "message": "not today"}
            bench.tenancy.control("POST", "faults", {"operation": "*", "nth": 5, "count": 10**6, "effect": effect})
        runs = [
            run_watched(bench, issued, *line.split(), *VERBOSE[(number + shift) % 4])
            for number, line in enumerate(lines)
        ]
        check_silent(bench, issued, *runs)
        wrong = [run.ended.err for run in runs if "Usage:" in run.ended.err and "--nonsense" not in run.ended.err]
        assert wrong == []
    return len(runs)


def _write(workshop: Workshop, issued: IssuedValues, scene: Scene, verbose: tuple[str, ...]) -> int:
    """Make the run, search, apply again and search again; how many runs that were."""
    with workshop.bench(scene.ground) as bench:
        refusal = bench.project / "refuse"
        if scene.operation == REFUSAL:
            refusal.touch()
        first = run_watched(
            bench, issued, *arguments(bench, scene.line), *verbose, meet=lambda pid: arm(bench, scene, pid)
        )
        bench.tenancy.control("DELETE", "faults")
        refusal.unlink(missing_ok=True)
        try:
            check_silent(bench, issued, first, killed=first.ended.code < 0)
            check_silent(bench, issued, run_watched(bench, issued, *APPLY, *verbose))
        except AssertionError as error:
            said = f"{first.ended.out}\n{first.ended.err}"
            raise AssertionError(f"{scene} {' '.join(verbose)}: {error}\n{said}") from error
    return 2
