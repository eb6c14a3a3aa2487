"""An apply that takes its time says that it goes on."""

from __future__ import annotations

import pytest
from conftest import Project, Tenancy

from genai_iac.cli import console
from genai_iac.cli.console import ProgressNotice
from genai_iac.core import Address

from .manifests import compartment, key, stack

FIRST, SECOND = Address("Compartment", "home"), Address("ApiKey", "app")


def test_it_speaks_up_after_a_while_and_then_now_and_then() -> None:
    said: list[str] = []
    now = 0.0
    told = ProgressNotice(said.append, lambda: now)
    for now in range(75):
        told([FIRST, SECOND] if now < 30 else [SECOND])
    assert said == [
        "  ... still at Compartment/home and 1 other change, for 10 seconds\n",
        "  ... still at ApiKey/app, for 40 seconds\n",
        "  ... still at ApiKey/app, for 1 minute\n",
    ]


def test_an_apply_that_waits_says_so_beside_the_answer(
    project: Project, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "FIRST", 0.2)
    project.write(stack(compartment("home"), key("app", compartment="home")))
    tenancy.control("POST", "faults", {"operation": "CreateApiKey", "effect": {"delay": "1200ms"}})
    ran = project.run("apply", "--auto-approve")
    assert "... still at ApiKey/app, for " in ran.err
    assert "still at" not in ran.out
