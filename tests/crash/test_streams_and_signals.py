"""Every verb with a standard output that cannot be written, and with each signal: reported, the right exit code, nothing lost.

A slice goes with every test run, the rest with `-m matrix`, which prints how many runs there were.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from genai_iac.cli import cli

from .file_hooks import IssuedValues, Watched, check_silent
from .fixtures import APPLY, Sandbox
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
    with workshop.sandbox("watched") as sandbox:
        for line in chance.sample(PRINTS, 4):
            check_print(sandbox, line, chance.choice(BROKEN))
    check_write(workshop, issued, *chance.choice(WRITES), chance.choice(BROKEN))


@needs_full
@pytest.mark.matrix
@pytest.mark.parametrize("broken", BROKEN)
def test_no_verb_hides_that_its_output_cannot_be_written(workshop: Workshop, broken: str) -> None:
    with workshop.sandbox("watched") as sandbox:
        for line in PRINTS:
            check_print(sandbox, line, broken)


@needs_full
@pytest.mark.matrix
@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(("start", "line"), WRITES)
def test_no_output_that_cannot_be_written_undoes_a_change(
    workshop: Workshop, issued: IssuedValues, start: str, line: str, broken: str
) -> None:
    check_write(workshop, issued, start, line, broken)


@pytest.mark.parametrize("seed", range(1))
def test_a_sample_of_signals(workshop: Workshop, issued: IssuedValues, seed: int) -> None:
    chance = random.Random(f"signals {seed}")
    with workshop.sandbox("watched") as sandbox:
        check_reads_end(sandbox, chance.choice(CALLING), chance.choice(SIGNALS[:4]))
    start, line = chance.choice(WRITES)
    operations = changing(workshop, start, line)
    check_signal(workshop, issued, start, line, chance.choice(operations), chance.choice(SIGNALS))


@pytest.mark.matrix
@pytest.mark.parametrize("name", SIGNALS[:4])
def test_a_signal_ends_each_verb_that_reads(workshop: Workshop, name: str) -> None:
    with workshop.sandbox("watched") as sandbox:
        for line in CALLING:
            check_reads_end(sandbox, line, name)


@pytest.mark.matrix
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize(("start", "line"), WRITES)
def test_a_signal_at_any_change_loses_nothing(
    workshop: Workshop, issued: IssuedValues, start: str, line: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    operations = changing(workshop, start, line)
    for operation in operations:
        check_signal(workshop, issued, start, line, operation, name)
    with capsys.disabled():
        print(f"\n{start}, {line}: SIG{name} at {len(operations)} kinds of request")


def check_print(sandbox: Sandbox, line: str, broken: str) -> None:
    """The error names standard output; a verb that has nothing to print ends as it does otherwise."""
    text = (sandbox.project / "stack.yaml").read_text()
    whole = sandbox.run(*line.replace("../", "../whole-").split())
    sandbox.write(text)  # `fmt` has changed it
    ran = sandbox.run(*line.split(), broken=broken)
    check_quiet(ran, f"{line}: {broken}")
    if line.endswith("--help") and broken == "gone":
        assert (ran.code, ran.err) == (1, "")  # `--help | head`: click says nothing, as other programs
    elif whole.out:
        assert ran.code == 1 and "standard output cannot be written" in ran.err, f"{line}: {broken}\n{ran}"
    else:
        assert ran.code == whole.code, f"{line}: {broken}\n{ran}"


def check_write(workshop: Workshop, issued: IssuedValues, start: str, line: str, broken: str) -> None:
    """A plan that cannot be shown is not carried out; with --json it is, whole, and standard error says so."""
    where = f"{start}: {line}: {broken}"
    with workshop.sandbox(start) as sandbox:
        ran = sandbox.run(*arguments(sandbox, line), broken=broken)
        check_quiet(ran, where)
        assert ran.code == 1 and "standard output cannot be written" in ran.err, f"{where}\n{ran}"
        if "--json" in line:
            assert "carried out" in " ".join(ran.err.split()), f"{where}\n{ran}"
        elif "--auto-approve" in line:
            assert sandbox.tenancy.writes() == [], where
        check_silent(sandbox, issued, Watched(ran))
        check_converges(sandbox, line, where)


def check_reads_end(sandbox: Sandbox, line: str, name: str) -> None:
    """The verb ends at once, with the exit code of an interruption."""
    ran = sandbox.run(*line.split(), meet=lambda pid: arm(sandbox, "*", "before", name, pid))
    sandbox.tenancy.control("DELETE", "faults")
    check_quiet(ran, f"{line}: {name}")
    assert ran.code == 130, f"{line}: {name}\n{ran}"


def check_signal(workshop: Workshop, issued: IssuedValues, start: str, line: str, operation: str, name: str) -> None:
    """The request is answered and what it showed is kept; what follows is not begun, and the next apply does it."""
    where = f"{start}: {line}: SIG{name} at {operation}"
    with workshop.sandbox(start) as sandbox:
        words = arguments(sandbox, line)
        ran = sandbox.run(*words, meet=lambda pid: arm(sandbox, operation, "after", name, pid))
        sandbox.tenancy.control("DELETE", "faults")
        check_quiet(ran, where)
        assert ran.code == (0 if name == "PIPE" else 130), f"{where}\n{ran}"
        made = sandbox.tenancy.writes()
        check_silent(sandbox, issued, Watched(ran))
        check_converges(sandbox, line, where)
        again = sandbox.tenancy.writes()[len(made) :]
        if "CreateApiKey" in made:
            assert "RenewApiKey" not in again, f"{where}: a value was lost\n{made}\n{again}"


def check_converges(sandbox: Sandbox, line: str, where: str) -> None:
    """One more run, with nothing in its way, leaves nothing to do."""
    destroying = line.startswith("destroy")
    again = sandbox.run(*(line.split() if destroying else APPLY))
    assert again.code == 0, f"{where}: it does not converge\n{again}"
    settled = sandbox.run("plan", "--detailed-exitcode")
    assert settled.code == (2 if destroying else 0), f"{where}: something is left to do\n{settled}"


def check_quiet(ran: Ended, where: str) -> None:
    """No traceback, no defect of ours, nothing that Python says as it ends."""
    said = ran.out + ran.err
    assert not any(word in said for word in ("Traceback", "has a defect", "Exception ignored")), f"{where}\n{said}"


def changing(workshop: Workshop, start: str, line: str) -> list[str]:
    """The operations that change something in an untouched run of that line."""
    with workshop.sandbox(start) as sandbox:
        sandbox.run(*arguments(sandbox, line))
        return sorted(set(sandbox.tenancy.writes()))


def arm(sandbox: Sandbox, operation: str, when: str, name: str, pid: int) -> None:
    """Have the process get that signal at the first such request."""
    fault = {"operation": operation, "when": when, "effect": {"kill": pid, "signal": name}}
    sandbox.tenancy.control("POST", "faults", fault)
