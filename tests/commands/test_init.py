"""`init` writes a stack that plans, lints and formats clean at once, and overwrites nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Project, Tenancy
from plan_apply.curl_lines import read_dotenv
from plan_apply.test_projects import works


@pytest.fixture
def started(offline: Project) -> Project:
    offline.run("init", "shop")
    return offline


def test_it_plans_on_the_local_tenancy(started: Project) -> None:
    assert "Plan: 4 to add, 0 to change, 0 to destroy." in started.run("--local", "plan", "shop").out


def test_its_key_rotates(started: Project) -> None:
    started.run("--local", "apply", "--auto-approve", "shop")
    assert (
        "key-two answered with openai.gpt-oss-120b"
        in started.run("--local", "rotate", "ApiKey/chat-app", "shop", "--auto-approve").out
    )


def test_its_callers_need_nothing_but_what_is_delivered(project: Project, tenancy: Tenancy) -> None:
    """Where calls have to name a project: applied, rotated to the end, and both APIs answer the openai SDK each time."""
    tenancy.settings(projectRequired=True)
    project.run("init", "shop")
    said = project.run("apply", "--auto-approve", "shop").out
    sink = project.path / "shop/secrets/chat-app.env"
    first = read_dotenv(sink)
    assert works(first) and (shutil.which("curl") is None or _answers(said, project.path))
    project.run("rotate", "ApiKey/chat-app", "shop", "--auto-approve")
    tenancy.advance("8d")
    project.run("apply", "--auto-approve", "shop")
    assert "No changes." in project.run("plan", "shop").out
    second = read_dotenv(sink)
    assert works(second) and not works(first)
    assert not works({name: value for name, value in second.items() if name != "OPENAI_PROJECT_ID"})


def _answers(said: str, directory: Path) -> bool:
    """Whether the lines that `apply` says to call a model with get an answer, run in a shell as they stand there."""
    lines = said.partition("Call a model with ApiKey/chat-app:\n")[2]
    ran = subprocess.run(["sh", "-ec", lines], cwd=directory, capture_output=True, text=True, check=True)
    return '"choices"' in ran.stdout


def test_lint_and_fmt_find_nothing(started: Project) -> None:
    assert all(one["ignored"] for one in started.run("lint", "--format", "json", "shop").json["findings"])
    assert started.run("fmt", "--check", "shop").out == ""


def test_it_refuses_where_a_stack_is(started: Project) -> None:
    before = (started.path / "shop/stack.yaml").read_bytes()
    assert "there is a stack in" in started.run("init", "shop", code=1).err
    assert (started.path / "shop/stack.yaml").read_bytes() == before


def test_what_is_there_stays(offline: Project) -> None:
    offline.write("mine\n", "shop/.gitignore")
    assert "kept shop/.gitignore" in offline.run("init", "shop").out
    assert (offline.path / "shop/.gitignore").read_text() == "mine\n"


WRITING = {"genai-iac-apply.yml", "genai-iac-rotate.yml"}


def test_a_key_for_one_machine_comes_without_the_workflows_that_apply(started: Project) -> None:
    there = {path.name for path in (started.path / "shop/.github/workflows").iterdir()}
    assert there == {"genai-iac-plan.yml", "genai-iac-nightly.yml"}
    assert "file: {path: secrets/chat-app.env}" in (started.path / "shop/stack.yaml").read_text()


def test_with_a_vault_the_workflows_that_apply_come_along(project: Project, tenancy: Tenancy) -> None:
    vault = tenancy.control("GET", "health")["vaults"]["us-chicago-1"]
    project.run("init", "--vault", vault["vault"], "--vault-key", vault["key"], "shop")
    assert {path.name for path in (project.path / "shop/.github/workflows").iterdir()} > WRITING
    assert (project.path / "shop/.github/actionlint.yml").is_file()
    assert project.run("lint", "--format", "json", "shop").json["findings"] == []
    assert project.run("fmt", "--check", "shop").out == ""
    project.run("apply", "--auto-approve", "shop")
    assert "CreateSecret" in tenancy.writes()
    assert project.run("init", "--vault", vault["vault"], "other", code=1).err.count("--vault-key") >= 1
