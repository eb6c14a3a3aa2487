"""Every verb with a standard output that cannot be written, and with each signal: reported, the right exit code, nothing lost.

A slice goes with every test run, the rest with `-m matrix`, which prints how many runs there were.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from genai_iac.cli import cli

from .file_hooks import IssuedValues, Watched, check_silent
from .fixtures import APPLY, Bench
from .launching import Ended
from .leak_scenarios import arguments
from .scenarios import Workshop

BROKEN = ("full", "closed", "gone")
PRINTS = (
    "access", "access --format json", "completion bash", "doctor", "doctor --format json", "drift", "drift --format json",
    "expiry", "expiry --format ics", "export", "export --out ../export", "fmt", "fmt --check", "graph", "init ../starter",
    "lint", "lint --format sarif", "local env --db ../other/local.db", "local reset --db ../other/local.db", "output",
    "output --format env", "permissions apply", "plan", "plan --format json", "plan --format html", "plan --out out/saved.plan",
    "report .", "report . --format json", "schema", "show ApiKey/chat", "snapshot --out -", "stacks", "stacks --format json",
    "status", "status --format json", "test .", "validate", "version", "--help", "apply --help",
)  # fmt: skip
WRITES = (
    ("watched new", "apply --auto-approve"),
    ("watched new", "apply --auto-approve --json"),
    ("watched due", "apply --auto-approve --json"),
    ("watched", "rotate ApiKey/chat --auto-approve"),
    ("watched", "rotate ApiKey/chat --auto-approve --json"),
    ("watched", "rotate ApiKey/chat --leaked key-one --auto-approve --json"),
    ("watched", "rotate ApiKey/chat --leaked key-one --revoke --auto-approve --json"),
    ("watched pending", "rotate ApiKey/chat --abort --auto-approve --json"),
    ("rooted vault", "destroy --auto-approve"),
    ("rooted vault", "destroy --auto-approve --json"),
    ("watched stranger", "import ApiKey/found FOUND"),
    ("new, project", "apply --auto-approve --json"),
    ("project, pruned", "apply --auto-approve --json"),
)
SIGNALS = ("HUP", "QUIT", "INT", "TERM", "PIPE")
OFFLINE = (
    "completion",
    "fmt",
    "graph",
    "init",
    "lint",
    "local",
    "permissions",
    "schema",
    "stacks",
    "test",
    "validate",
    "version",
    "report",
)
CALLING = tuple(line for line in PRINTS if line.split()[0] not in OFFLINE and "--help" not in line)
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")


def test_every_verb_is_here() -> None:
    lines = (*PRINTS, *(line for _, line in WRITES))
    assert {line.split()[0] for line in lines} - {"--help"} == set(cli.list_commands(None))  # type: ignore[attr-defined]


@needs_full
@pytest.mark.parametrize("seed", range(1))
def test_a_sample_of_outputs_that_cannot_be_written(workshop: Workshop, issued: IssuedValues, seed: int) -> None:
    chance = random.Random(f"streams {seed}")
    with workshop.bench("watched") as bench:
        for line in chance.sample(PRINTS, 4):
            check_print(bench, line, chance.choice(BROKEN))
    check_write(workshop, issued, *chance.choice(WRITES), chance.choice(BROKEN))


@needs_full
@pytest.mark.matrix
@pytest.mark.parametrize("broken", BROKEN)
def test_no_verb_hides_that_its_output_cannot_be_written(workshop: Workshop, broken: str) -> None:
    with workshop.bench("watched") as bench:
        for line in PRINTS:
            check_print(bench, line, broken)


@needs_full
@pytest.mark.matrix
@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(("ground", "line"), WRITES)
def test_no_output_that_cannot_be_written_undoes_a_change(
    workshop: Workshop, issued: IssuedValues, ground: str, line: str, broken: str
) -> None:
    check_write(workshop, issued, ground, line, broken)


@pytest.mark.parametrize("seed", range(1))
def test_a_sample_of_signals(workshop: Workshop, issued: IssuedValues, seed: int) -> None:
    chance = random.Random(f"signals {seed}")
    with workshop.bench("watched") as bench:
        check_reads_end(bench, chance.choice(CALLING), chance.choice(SIGNALS[:4]))
    ground, line = chance.choice(WRITES)
    operations = changing(workshop, ground, line)
    check_signal(workshop, issued, ground, line, chance.choice(operations), chance.choice(SIGNALS))


@pytest.mark.matrix
@pytest.mark.parametrize("name", SIGNALS[:4])
def test_a_signal_ends_each_verb_that_reads(workshop: Workshop, name: str) -> None:
    with workshop.bench("watched") as bench:
        for line in CALLING:
            check_reads_end(bench, line, name)


@pytest.mark.matrix
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize(("ground", "line"), WRITES)
def test_a_signal_at_any_change_loses_nothing(
    workshop: Workshop, issued: IssuedValues, ground: str, line: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    operations = changing(workshop, ground, line)
    for operation in operations:
        check_signal(workshop, issued, ground, line, operation, name)
    with capsys.disabled():
        print(f"\n{ground}, {line}: SIG{name} at {len(operations)} kinds of request")


def check_print(bench: Bench, line: str, broken: str) -> None:
    """The error names standard output; a verb that has nothing to print ends as it does otherwise."""
    text = (bench.project / "stack.yaml").read_text()
    whole = bench.run(*line.replace("../", "../whole-").split())
    bench.write(text)  # `fmt` has changed it
    ran = bench.run(*line.split(), broken=broken)
    check_quiet(ran, f"{line}: {broken}")
    if line.endswith("--help") and broken == "gone":
        assert (ran.code, ran.err) == (1, "")  # `--help | head`: click says nothing, as other programs
    elif whole.out:
        assert ran.code == 1 and "standard output cannot be written" in ran.err, f"{line}: {broken}\n{ran}"
    else:
        assert ran.code == whole.code, f"{line}: {broken}\n{ran}"


def check_write(workshop: Workshop, issued: IssuedValues, ground: str, line: str, broken: str) -> None:
    """A plan that cannot be shown is not carried out; with --json it is, whole, and standard error says so."""
    where = f"{ground}: {line}: {broken}"
    with workshop.bench(ground) as bench:
        ran = bench.run(*arguments(bench, line), broken=broken)
        check_quiet(ran, where)
        assert ran.code == 1 and "standard output cannot be written" in ran.err, f"{where}\n{ran}"
        if "--json" in line:
            assert "carried out" in " ".join(ran.err.split()), f"{where}\n{ran}"
        elif "--auto-approve" in line:
            assert bench.tenancy.writes() == [], where
        check_silent(bench, issued, Watched(ran))
        check_converges(bench, line, where)


def check_reads_end(bench: Bench, line: str, name: str) -> None:
    """The verb ends at once, with the exit code of an interruption."""
    ran = bench.run(*line.split(), meet=lambda pid: arm(bench, "*", "before", name, pid))
    bench.tenancy.control("DELETE", "faults")
    check_quiet(ran, f"{line}: {name}")
    assert ran.code == 130, f"{line}: {name}\n{ran}"


def check_signal(workshop: Workshop, issued: IssuedValues, ground: str, line: str, operation: str, name: str) -> None:
    """The request is answered and what it showed is kept; what follows is not begun, and the next apply does it."""
    where = f"{ground}: {line}: SIG{name} at {operation}"
    with workshop.bench(ground) as bench:
        words = arguments(bench, line)
        ran = bench.run(*words, meet=lambda pid: arm(bench, operation, "after", name, pid))
        bench.tenancy.control("DELETE", "faults")
        check_quiet(ran, where)
        assert ran.code == (0 if name == "PIPE" else 130), f"{where}\n{ran}"
        made = bench.tenancy.writes()
        check_silent(bench, issued, Watched(ran))
        check_converges(bench, line, where)
        again = bench.tenancy.writes()[len(made) :]
        if "CreateApiKey" in made:
            assert "RenewApiKey" not in again, f"{where}: a value was lost\n{made}\n{again}"


def check_converges(bench: Bench, line: str, where: str) -> None:
    """One more run, with nothing in its way, leaves nothing to do."""
    destroying = line.startswith("destroy")
    again = bench.run(*(line.split() if destroying else APPLY))
    assert again.code == 0, f"{where}: it does not converge\n{again}"
    settled = bench.run("plan", "--detailed-exitcode")
    assert settled.code == (2 if destroying else 0), f"{where}: something is left to do\n{settled}"


def check_quiet(ran: Ended, where: str) -> None:
    """No traceback, no defect of ours, nothing that Python says as it ends."""
    said = ran.out + ran.err
    assert not any(word in said for word in ("Traceback", "has a defect", "Exception ignored")), f"{where}\n{said}"


def changing(workshop: Workshop, ground: str, line: str) -> list[str]:
    """The operations that change something in an untouched run of that line."""
    with workshop.bench(ground) as bench:
        bench.run(*arguments(bench, line))
        return sorted(set(bench.tenancy.writes()))


def arm(bench: Bench, operation: str, when: str, name: str, pid: int) -> None:
    """Have the process get that signal at the first such request."""
    fault = {"operation": operation, "when": when, "effect": {"kill": pid, "signal": name}}
    bench.tenancy.control("POST", "faults", fault)
