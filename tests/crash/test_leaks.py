"""No value leaves through anything but the declared sinks: every verb, however much it says, with faults and kills.

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
from .leak_scenarios import READS, REFUSAL, START_STATES, VERBOSE, WRITES, LeakScenario, arguments, arm, list_scenarios
from .scenarios import Workshop
from .strace import why_not
from .syscalls import OPEN


def test_a_leak_would_be_found(workshop: Workshop, issued: IssuedValues) -> None:
    with workshop.sandbox("watched") as sandbox:
        check_silent(sandbox, issued)
        value = (sandbox.project / "store/value").read_text()
        assert value in issued.values
        with pytest.raises(AssertionError, match="a value is in what run 0 printed, as it is"):
            check_silent(sandbox, issued, Watched(Ended(1, "", f"refused: {value}")))
        (sandbox.home / ".cache").mkdir()
        (sandbox.home / ".cache" / "log").write_bytes(b"\0" + value[9:30].encode().hex().encode())
        with pytest.raises(AssertionError, match=r"a value is in \.cache/log, hex"):
            check_silent(sandbox, issued)


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_leak_on_the_way_would_be_found(workshop: Workshop, issued: IssuedValues) -> None:
    """A program that passes its value on as an argument, and a manifest with a piece of one, which is printed and sent."""
    with workshop.sandbox("watched due") as sandbox:
        piece = (sandbox.project / "store/value").read_text()[9:30]
        sandbox.write((sandbox.project / "stack.yaml").read_text().replace("Everything", piece))
        with (sandbox.project / "deliver.sh").open("a") as program:
            program.write('sh -c : "$(cat store/value)"\n')
        channels = run_watched(sandbox, issued, *APPLY).channels
    assert channels >= OPEN
    # what it prints is redacted: the value is in a sink that this run has read
    request, program = sorted(channels - OPEN)
    assert program.endswith("/sh")
    assert request.startswith("PUT ") and "/compartments/ocid1.compartment" in request


def test_some_runs_show_no_value(workshop: Workshop, issued: IssuedValues) -> None:
    chance = random.Random("leaks")
    for start in START_STATES[1:]:
        _read(workshop, issued, start, chance.sample(READS, 6), chance.randrange(4))
    _write(workshop, issued, LeakScenario("watched due", "apply --auto-approve", REFUSAL), chance.choice(VERBOSE))
    # an error that quotes in base64 what the run was to read: values that it never got
    quoted = {"status": 400, "code": "InvalidParameter", "quote": True}
    unread = LeakScenario("watched pending", "apply --auto-approve", "GetSecretBundle", "after", quoted)
    _write(workshop, issued, unread, VERBOSE[-1])
    for start, line in chance.sample(list(WRITES), 2):
        scenario = chance.choice(list(list_scenarios(workshop, start, line)))
        _write(workshop, issued, scenario, chance.choice(VERBOSE))


@pytest.mark.matrix
@pytest.mark.parametrize("fault", [False, True], ids=["", "faults"])
@pytest.mark.parametrize("start", START_STATES)
def test_no_run_that_reads_shows_a_value(workshop: Workshop, issued: IssuedValues, start: str, fault: bool) -> None:
    assert sum(_read(workshop, issued, start, READS, shift, fault=fault) for shift in range(4)) == 4 * len(READS)


@pytest.mark.matrix
@pytest.mark.parametrize(("start", "line"), WRITES)
def test_no_run_that_writes_shows_a_value(
    workshop: Workshop, issued: IssuedValues, start: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verbose = itertools.cycle(VERBOSE)
    runs = sum(_write(workshop, issued, scenario, next(verbose)) for scenario in list_scenarios(workshop, start, line))
    note_figure(runs, "runs that write, no value outside")
    with capsys.disabled():
        print(f"\n{start}, {line}: no value in {runs} runs; traced: {why_not() or 'yes'}")
    assert runs >= WRITES[start, line]


def test_the_matrix_has_more_than_two_thousand_runs() -> None:
    assert len(START_STATES) * 2 * 4 * len(READS) + sum(WRITES.values()) > 2000


def _read(
    workshop: Workshop, issued: IssuedValues, start: str, lines: Sequence[str], shift: int, *, fault: bool = False
) -> int:
    """Run these one after the other, each as verbose as its turn has it; how many runs that were."""
    with workshop.sandbox(start) as sandbox:
        if fault:
            effect = {"status": 400, "code": "InvalidParameter", "message": "not today"}
            sandbox.tenancy.control("POST", "faults", {"operation": "*", "nth": 5, "count": 10**6, "effect": effect})
        runs = [
            run_watched(sandbox, issued, *line.split(), *VERBOSE[(number + shift) % 4])
            for number, line in enumerate(lines)
        ]
        check_silent(sandbox, issued, *runs)
        wrong = [run.ended.err for run in runs if "Usage:" in run.ended.err and "--nonsense" not in run.ended.err]
        assert wrong == []
    return len(runs)


def _write(workshop: Workshop, issued: IssuedValues, scenario: LeakScenario, verbose: tuple[str, ...]) -> int:
    """Make the run, search, apply again and search again; how many runs that were."""
    with workshop.sandbox(scenario.start) as sandbox:
        refusal = sandbox.project / "refuse"
        if scenario.operation == REFUSAL:
            refusal.touch()
        first = run_watched(
            sandbox, issued, *arguments(sandbox, scenario.line), *verbose, meet=lambda pid: arm(sandbox, scenario, pid)
        )
        sandbox.tenancy.control("DELETE", "faults")
        refusal.unlink(missing_ok=True)
        try:
            check_silent(sandbox, issued, first, killed=first.ended.code < 0)
            check_silent(sandbox, issued, run_watched(sandbox, issued, *APPLY, *verbose))
        except AssertionError as error:
            said = f"{first.ended.out}\n{first.ended.err}"
            raise AssertionError(f"{scenario} {' '.join(verbose)}: {error}\n{said}") from error
    return 2
