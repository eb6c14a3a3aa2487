"""What plan's exit code says to a job: changes, or that apply would refuse; and the short form of `--format`."""

from __future__ import annotations

import json
import re

import click
import pytest
from conftest import Project, Tenancy

from genai_iac.cli import cli

from .manifests import compartment, policy, stack
from .sdk_helpers import APPROVED

KEPT = compartment("home", deletion="forbid")
VERBS = ["access", "doctor", "drift", "expiry", "graph", "lint", "permissions", "plan", "stacks", "status", "validate"]


def refuse(project: Project) -> None:
    """A plan that deletes what must not go."""
    project.write(stack(KEPT))
    project.run(*APPROVED)
    project.write(stack())


def test_a_plan_that_apply_would_refuse_exits_3_and_is_written_all_the_same(project: Project, tenancy: Tenancy) -> None:
    refuse(project)
    tenancy.forget_calls()
    assert project.run("plan").code == 0
    ran = project.run("plan", "--fail-on-refusal", "--detailed-exitcode", "--out", "json=plan.json", code=3)
    assert "delete" in ran.out
    assert "refused: Compartment/home has deletion: forbid" in " ".join(ran.err.split())
    assert json.loads((project.path / "plan.json").read_text())["summary"]["delete"] == 1
    assert tenancy.writes() == []
    project.run(*APPROVED, code=3)


def test_a_snapshot_reports_it_as_well(project: Project) -> None:
    refuse(project)
    project.run("snapshot", "--out", "snapshot.json")
    project.run("plan", "--snapshot", "snapshot.json", "--fail-on-refusal", code=3)


@pytest.mark.parametrize(("flags", "code"), [([], 0), (["--detailed-exitcode"], 2)])
def test_a_plan_that_apply_would_carry_out_is_not_refused(project: Project, flags: list[str], code: int) -> None:
    project.write(stack(compartment("home"), policy("access")))
    project.run("plan", "--fail-on-refusal", *flags, code=code)


def test_what_a_flag_allows_is_not_refused(project: Project) -> None:
    project.write(stack(compartment("home"), *(policy(f"p{number}") for number in range(9))))
    project.run(*APPROVED)
    project.write(stack(compartment("home")))
    project.run("plan", "--fail-on-refusal", code=3)
    project.run("plan", "--fail-on-refusal", "--allow-destroy", "9")


def test_every_format_has_its_short_form() -> None:
    context = click.Context(cli)
    found = {}
    for name in cli.list_commands(context):
        verb = cli.get_command(context, name)
        assert verb is not None
        for option in verb.params:
            if "--format" in option.opts:
                found[name] = "-o" in option.opts
    assert set(VERBS) <= set(found)
    assert all(found.values()), found


@pytest.mark.parametrize("verb", ["plan", "status", "validate"])
def test_the_short_form_says_the_same(project: Project, verb: str) -> None:
    project.write(stack(compartment("home")))
    short, long = (re.sub(r"\d", "0", project.run(verb, flag, "json").out) for flag in ("-o", "--format"))
    assert short == long
