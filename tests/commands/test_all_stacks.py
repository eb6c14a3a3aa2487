"""`--all`, `--changed-since`, `--shard` and `--out-dir`: one verb for many stacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Project, Tenancy
from plan_apply.sdk_helpers import compartments

from .stacks import git

VERBS = ["validate", "fmt", "lint", "plan", "apply", "drift", "status", "expiry", "doctor"]


def stack(name: str, more: str = "") -> str:
    return (
        f"apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {{name: {name}}}\nspec:\n  region: us-chicago-1\n---\n"
        f"apiVersion: genai-iac/v1\nkind: Compartment\nmetadata: {{name: {name}}}\nspec:\n  description: Of {name}\n{more}"
    )


def repository(project: Project, names: tuple[str, ...] = ("a", "b", "team/c")) -> Project:
    for name in names:
        project.write(stack(name.rpartition("/")[2]), f"{name}/stack.yaml")
    return project


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_every_stack_is_validated_and_one_bad_one_fails_the_run(offline: Project) -> None:
    repository(offline)
    assert offline.run("validate", "--all").out.endswith("3 stacks: 3 ok. Exit 0.\n")
    offline.write(stack("b", "  wrong: 1\n"), "b/stack.yaml")
    ran = offline.run("validate", "--all", code=1)
    assert ["failed", "b"] in [row[:2] for row in rows(ran.out)]
    assert "b/stack.yaml" in ran.out
    assert "2 ok, 1 failed. Exit 1." in ran.out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_contract_takes_all(offline: Project, verb: str) -> None:
    out = offline.run(verb, "--help").out
    assert all(flag in out for flag in ("--all", "--changed-since", "--shard", "--out-dir"))


def test_apply_then_plan_status_and_drift_of_all(project: Project) -> None:
    repository(project)
    assert "3 differs" in project.run("plan", "--all", "--detailed-exitcode", code=2).out
    ran = project.run("apply", "--all", "--auto-approve", "--out-dir", "out", "--audit", "audit.jsonl")
    assert "3 ok" in ran.out
    assert len((project.path / "audit.jsonl").read_text().splitlines()) == 3
    files = sorted((project.path / "out").iterdir())
    assert len(files) == 3
    document = json.loads(files[0].read_text())
    assert (document["verb"], document["path"], document["code"]) == ("apply", "a", 0)
    assert [one["type"] for one in document["data"]] == ["version", "change_start", "change_complete", "summary"]
    found = project.run("drift", "--all", "--format", "json").json
    assert [(one["path"], one["verdict"]) for one in found["stacks"]] == [("a", "ok"), ("b", "ok"), ("team/c", "ok")]


def test_apply_needs_approval_and_asks_nothing(project: Project) -> None:
    assert "--auto-approve" in repository(project).run("apply", "--all", code=1).err


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--all", "--target", "Compartment/a"],
        ["plan", "--all", "--out", "json=x.json"],
        ["plan", "--all", "--format", "html"],
        ["validate", "-", "--all"],
        ["validate", "--shard", "0/2"],
        ["validate", "--out-dir", "x"],
        ["validate", "--all", "--shard", "2/2"],
        ["validate", "--all", "--shard", "-1/2"],
        ["validate", "--all", "--shard", "a/b"],
        ["validate", "--changed-since", "HEAD"],  # outside git
        ["apply", "--all", "--auto-approve", "--accept-outage", "ApiKey/a"],
        ["apply", "--all", "--auto-approve", "--expect-fingerprint", "sha256:" + "0" * 64],
    ],
)
def test_what_is_about_one_stack_is_refused_for_all(offline: Project, arguments: list[str]) -> None:
    assert repository(offline).run(*arguments, code=1).err.startswith("Error: ")


@pytest.mark.parametrize(("stacks", "shards"), [(2, 2), pytest.param(500, 16, marks=pytest.mark.matrix)])
def test_what_shards_applied_is_one_report(project: Project, tenancy: Tenancy, stacks: int, shards: int) -> None:
    tenancy.settings(limits={"compartmentCount": 5000})
    names = [f"s{number:03}" for number in range(stacks)]
    repository(project, tuple(names))
    for index in range(shards):
        shard = ("--all", "--shard", f"{index}/{shards}", "--out-dir", "results")
        project.run("apply", *shard, "--auto-approve")
        project.run("plan", *shard, "--detailed-exitcode")  # 2 where anything is left to do
        project.run("status", *shard)
    found = project.run("report", "results", "--format", "json").json
    assert [one["path"] for one in found["stacks"]] == names
    assert {one.name for one in compartments(tenancy).values()} == set(names)


def test_shards_cover_every_stack_once(offline: Project) -> None:
    repository(offline, tuple(f"s{number}" for number in range(6)))
    shards = [offline.run("validate", "--all", "--shard", f"{index}/3", "-o", "json").json for index in range(3)]
    seen = [one["path"] for shard in shards for one in shard["stacks"]]
    assert sorted(seen) == [f"s{number}" for number in range(6)]


def test_only_stacks_that_a_change_touches(offline: Project) -> None:
    repository(offline)
    git(offline.path, "init", "-q")
    git(offline.path, "add", "-A")
    git(offline.path, "commit", "-qm", "one")
    assert offline.run("validate", "--changed-since", "HEAD").out == "No stacks.\n"
    offline.write(stack("b").replace("Of b", "Changed"), "b/stack.yaml")
    assert [one["path"] for one in offline.run("lint", "--changed-since", "HEAD", "-o", "json").json["stacks"]] == ["b"]


def test_each_environment_is_a_row(offline: Project) -> None:
    repository(offline, ("a",))
    for name in ("dev", "prod"):
        text = f"apiVersion: genai-iac/v1\nkind: Environment\nmetadata: {{name: {name}}}\nspec: {{}}\n"
        offline.write(text, f"a/environments/{name}.yaml")
    found = offline.run("validate", "--all", "-o", "json").json["stacks"]
    assert [(one["path"], one["environment"]) for one in found] == [("a", "dev"), ("a", "prod")]
    found = offline.run("validate", "--all", "--env", "prod", "-o", "json").json["stacks"]
    assert [one["environment"] for one in found] == ["prod"]


@pytest.mark.parametrize("arguments", [["apply", "--all", "--auto-approve"], ["drift", "--all"], ["stacks"]])
def test_an_environment_that_no_stack_has_is_not_nothing_to_do(offline: Project, arguments: list[str]) -> None:
    """A misspelt one would be a green run that changed and looked at nothing."""
    repository(offline, ("a", "b"))
    assert "no stack there has environments" in offline.run("--env", "prdo", *arguments, code=1).err
    offline.write(
        "apiVersion: genai-iac/v1\nkind: Environment\nmetadata: {name: prod}\nspec: {}\n", "b/environments/prod.yaml"
    )
    said = offline.run("--env", "prdo", *arguments, code=1).err
    assert "no stack below . has an environment prdo" in said and "write one of prod" in said


def test_a_directory_without_a_stack_is_not_nothing_to_do(offline: Project) -> None:
    (offline.path / "empty").mkdir()
    assert "no stack is below empty" in offline.run("drift", "--all", "empty", code=1).err


def test_code_in_the_repository_is_not_imported(offline: Project) -> None:
    repository(offline, ("a",))
    offline.write("raise SystemExit('imported')", "genai_iac/__init__.py")
    offline.write("raise SystemExit('imported')", "click.py")
    offline.run("validate", "--all")


def test_an_out_dir_that_is_a_link_is_refused(offline: Project, tmp_path: Path) -> None:
    repository(offline, ("a",))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in offline.run("validate", "--all", "--out-dir", "out", code=1).err
