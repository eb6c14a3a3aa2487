"""Interrupted: what is under way is finished, nothing else is begun, every wait is cut short; one more apply makes it whole."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest
from conftest import Project, Tenancy
from counting import PATIENCE

from .chat import CHAT, apply_again
from .sdk_helpers import APPROVED, compartments, ended, keys, outcomes, wait_for, wait_until_held


def hit(tenancy: Tenancy, operation: str, nth: int = 1, when: str = "before", count: int = 1, **effect: Any) -> None:
    fault = {"operation": operation, "nth": nth, "when": when, "count": count, "effect": effect}
    tenancy.control("POST", "faults", [fault])


def break_off(process: subprocess.Popen[str], number: signal.Signals) -> Any:
    """Send the signal; it ends before what it waits for would, and says that it was interrupted."""
    process.send_signal(number)
    ran = ended(process, PATIENCE)
    assert ran.code == 130 and "Traceback" not in ran.err
    return ran


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_under_way_is_finished_and_nothing_else_begun(
    project: Project, tenancy: Tenancy, number: signal.Signals
) -> None:
    project.write(CHAT)
    hit(tenancy, "CreateApiKey", delay="3s")
    process = project.spawn(*APPROVED, "--json")
    wait_until_held(tenancy)
    reported = outcomes(break_off(process, number))
    assert {address: line["status"] for address, line in reported.items()} == {
        "Compartment/home": "done",
        "ApiKey/app": "done",
        "Policy/access": "skipped",
    }
    assert "secrets/app.env" in reported["ApiKey/app"]["note"]
    apply_again(project, tenancy)


def test_a_pause_between_attempts_is_cut_short(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    hit(tenancy, "CreateApiKey", count=9, status=429, code="TooManyRequests", retryAfter="60")
    process = project.spawn(*APPROVED, "--json")
    wait_for(tenancy, "CreateApiKey")
    break_off(process, signal.SIGINT)
    apply_again(project, tenancy)


def test_before_the_first_write_it_ends_without_one(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    hit(tenancy, "ListPolicies", delay="3s")  # an answer under way is waited for
    process = project.spawn(*APPROVED)
    wait_until_held(tenancy)
    break_off(process, signal.SIGINT)
    assert tenancy.writes() == []


def test_waiting_for_a_compartment_to_go_is_cut_short(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    project.run(*APPROVED)
    tenancy.settings(compartmentDeleteDuration="1h")
    process = project.spawn("destroy", "--auto-approve", "--json")
    wait_for(tenancy, "GetWorkRequest", times=2)
    break_off(process, signal.SIGINT)
    tenancy.advance("2h")
    project.run("destroy", "--auto-approve")
    assert compartments(tenancy) == {} and keys(tenancy) == {}
