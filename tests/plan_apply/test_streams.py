"""Standard output that cannot be written, hang-ups and quits: reported, with the right exit code, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Project, Tenancy

from .chat import CHAT, apply_again, assert_whole
from .sdk_helpers import APPROVED, ended, keys, outcomes, wait_for, wait_until_held, words

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


def run_shell(project: Project, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `genai-iac` is this one."""
    script = f'genai-iac() {{ "{sys.executable}" -m genai_iac "$@"; }}\n{line}\n'
    return subprocess.run(
        ["bash", "-c", script],
        cwd=project.path,
        env={**os.environ, **project.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
    )


READS = ("plan", "validate", "graph", "schema", "version", "status", "expiry", "lint", "drift", "doctor", "--help")


@needs_full
@pytest.mark.parametrize(
    ("verb", "where"),
    [*((verb, "> /dev/full") for verb in READS), ("plan", ">&-"), ("version", ">&-"), ("plan", "| true")],
)
def test_an_output_that_cannot_be_written_is_an_error(project: Project, verb: str, where: str) -> None:
    project.write(CHAT)
    # the reader is gone for sure once `true` has ended: until then the pipe takes what it has room for
    line = f"(sleep 0.3; genai-iac {verb}; echo $? >&3) 3> code {where}"
    ran = run_shell(project, line)
    assert "standard output cannot be written" in ran.stderr
    assert "Traceback" not in ran.stderr and "defect" not in ran.stderr and "Exception ignored" not in ran.stderr
    assert (project.path / "code").read_text().strip() == "1"


@needs_full
@pytest.mark.parametrize("where", ["> /dev/full", ">&-", "| true"])
def test_a_plan_that_cannot_be_shown_is_not_carried_out(project: Project, tenancy: Tenancy, where: str) -> None:
    project.write(CHAT)
    ran = run_shell(project, f"(sleep 0.3; genai-iac apply --auto-approve) {where}")
    assert "standard output cannot be written" in ran.stderr and tenancy.writes() == []


@needs_full
@pytest.mark.parametrize("where", ["> /dev/full", ">&-", "> /dev/full 2>&1", ">&- 2>&-", ">&- 2>&- <&-"])
def test_a_report_that_cannot_be_written_stops_no_change(project: Project, tenancy: Tenancy, where: str) -> None:
    project.write(CHAT)
    ran = run_shell(project, f"genai-iac apply --auto-approve --json {where}")
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    if "2>" not in where:
        assert words("3 changes were carried out") in words(ran.stderr)
    assert_whole(project, tenancy)


@needs_full
@pytest.mark.parametrize("where", ["2> /dev/full", "2>&-"])
def test_what_is_not_the_answer_may_get_lost(project: Project, tenancy: Tenancy, where: str) -> None:
    project.write(CHAT)
    assert run_shell(project, f"genai-iac apply --auto-approve -vv {where}").returncode == 0
    assert_whole(project, tenancy)


def test_a_reader_that_leaves_in_the_middle_stops_no_change(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    fault = {"operation": "CreateApiKey", "effect": {"delay": "1500ms"}}
    tenancy.control("POST", "faults", [fault])
    process = project.spawn(*APPROVED, "--json")
    assert process.stdout and process.stderr
    wait_until_held(tenancy)
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    said = process.stderr.read()
    process.stderr.close()
    assert words("carried out") in words(said) and "Traceback" not in said
    assert_whole(project, tenancy)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_an_answer_and_its_sink_loses_no_value(
    project: Project, tenancy: Tenancy, number: signal.Signals
) -> None:
    project.write(CHAT)
    fault = {"operation": "CreateApiKey", "when": "after", "effect": {"delay": "1500ms"}}
    tenancy.control("POST", "faults", [fault])
    process = project.spawn(*APPROVED, "--json")
    wait_until_held(tenancy)
    process.send_signal(number)
    ran = ended(process)
    assert ran.code == 130 and "Traceback" not in ran.err
    reported = outcomes(ran)
    assert reported["ApiKey/app"]["status"] == "done" and reported["Policy/access"]["status"] == "skipped"
    assert len(keys(tenancy)) == 1 and (project.path / "secrets/app.env").exists()
    tenancy.forget_calls()
    apply_again(project, tenancy)
    assert "RenewApiKey" not in tenancy.writes() and "CreateApiKey" not in tenancy.writes()


@pytest.mark.parametrize("close", [True, False], ids=["with its terminal", "alone"])
def test_a_hang_up_loses_nothing_although_nobody_reads_any_more(
    project: Project, tenancy: Tenancy, close: bool
) -> None:
    project.write(CHAT)
    tenancy.control("POST", "faults", [{"operation": "CreateApiKey", "when": "after", "effect": {"delay": "1500ms"}}])
    process = project.spawn(*APPROVED)
    assert process.stdout and process.stderr
    wait_until_held(tenancy)
    if close:
        process.stdout.close()
        process.stderr.close()
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 130
    for stream in (process.stdout, process.stderr):
        stream.close()
    assert (project.path / "secrets/app.env").exists()
    apply_again(project, tenancy)


def test_nohup_is_honoured(project: Project, tenancy: Tenancy) -> None:
    """Who has hang-ups ignored means it."""
    project.write(CHAT)
    tenancy.control("POST", "faults", [{"operation": "CreateCompartment", "effect": {"delay": "1500ms"}}])
    ignoring: Callable[[], object] = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    process = subprocess.Popen(
        [sys.executable, "-m", "genai_iac", *APPROVED],
        cwd=project.path,
        env={**os.environ, **project.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=ignoring,
    )
    wait_until_held(tenancy)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 0
    assert_whole(project, tenancy)


def test_before_the_first_write_a_hang_up_ends_without_one(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    tenancy.control("POST", "faults", [{"operation": "ListPolicies", "effect": {"delay": "1500ms"}}])
    process = project.spawn(*APPROVED)
    wait_for(tenancy, "ListCompartments")
    process.send_signal(signal.SIGHUP)
    ran = ended(process)
    assert ran.code == 130 and "nothing was changed" in ran.err and tenancy.writes() == []
