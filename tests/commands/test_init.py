"""`init` writes a stack that plans, lints and formats clean at once, and overwrites nothing."""

from __future__ import annotations

import pytest
from conftest import Project, Tenancy


@pytest.fixture
def started(offline: Project) -> Project:
    offline.run("init", "shop")
    return offline


def test_it_plans_on_the_local_tenancy(started: Project) -> None:
    assert "Plan: 3 to add, 0 to change, 0 to destroy." in started.run("--local", "plan", "shop").out


def test_its_key_rotates(started: Project) -> None:
    started.run("--local", "apply", "--auto-approve", "shop")
    assert (
        "key-two answered with openai.gpt-oss-120b"
        in started.run("--local", "rotate", "ApiKey/chat-app", "shop", "--auto-approve").out
    )


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
    assert project.run("lint", "--format", "json", "shop").json["findings"] == []
    assert project.run("fmt", "--check", "shop").out == ""
    project.run("apply", "--auto-approve", "shop")
    assert "CreateSecret" in tenancy.writes()
    assert project.run("init", "--vault", vault["vault"], "other", code=1).err.count("--vault-key") >= 1
