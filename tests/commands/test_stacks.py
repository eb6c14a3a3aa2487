"""Which stacks a change touches: in a repository of 200, with shared variable files, links, environments and hostile names."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
from conftest import Project

from .stacks import commit, git

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {{name: {name}}}\nspec: {{region: us-chicago-1}}\n"


def stack(project: Project, folder: str, name: str = "") -> None:
    project.write(STACK.format(name=name or Path(folder).name), f"{folder}/stack.yaml")


def touched(project: Project, *arguments: str) -> list[str]:
    """The paths of the stacks that changed since the first commit."""
    text = project.run("stacks", "--changed-since", "first", *arguments).out
    return [line.partition("\t")[0] for line in text.splitlines()]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """200 stacks in ten teams, each team with variables of its own."""
    project = Project(tmp_path_factory.mktemp("many"))
    for number in range(200):
        stack(project, f"teams/team-{number % 10}/stack-{number}")
    for team in range(10):
        project.write("owner: me\n", f"teams/team-{team}/common.vars.yaml")
    project.write("hello\n", "README.md")
    commit(project.path)
    git(project.path, "tag", "first")
    return project


@pytest.fixture
def changed(many: Project) -> Project:
    """The same, to be changed; put back afterwards."""
    git(many.path, "reset", "--hard", "--quiet", "first")
    git(many.path, "clean", "-fdq")
    return many


def test_all_are_listed(many: Project) -> None:
    lines = many.run("stacks").out.splitlines()
    assert len(lines) == 200
    assert "teams/team-7/stack-117\tstack-117" in lines


def test_without_a_change_none_is(changed: Project) -> None:
    assert touched(changed) == []
    assert changed.run("stacks", "--changed-since", "first", "--format", "matrix").out == '{"include":[]}\n'


@pytest.mark.parametrize("committed", [True, False])
def test_a_change_to_one_plans_one(changed: Project, committed: bool) -> None:
    changed.write("# more\n", "teams/team-3/stack-13/more/keys.yaml")
    if committed:
        commit(changed.path)
    assert touched(changed) == ["teams/team-3/stack-13"]


def test_a_change_to_a_shared_file_plans_those_that_use_it(changed: Project) -> None:
    changed.write("owner: you\n", "teams/team-3/common.vars.yaml")
    expected = sorted(f"teams/team-3/stack-{number}" for number in range(3, 200, 10))
    assert touched(changed) == expected
    (changed.path / "teams/team-3/common.vars.yaml").unlink()
    assert touched(changed) == expected


def test_the_file_of_a_flag_is_used_by_all(changed: Project) -> None:
    changed.write("a: b\n", "all.yaml")
    assert len(touched(changed, "--var-file", "all.yaml")) == 200


def test_what_no_stack_uses_plans_none(changed: Project) -> None:
    changed.write("bye\n", "README.md")
    changed.write("x\n", "teams/team-1/stack-1/README.md")
    changed.write("a: b\n", "teams/team-1/stack-1/.hidden/x.yaml")
    assert touched(changed) == []


def test_a_removed_stack_is_reported(changed: Project) -> None:
    git(changed.path, "rm", "-r", "--quiet", "teams/team-1/stack-1")
    ran = changed.run("stacks", "--changed-since", "first", "--format", "json")
    assert (ran.json["stacks"], ran.json["removed"]) == ([], ["teams/team-1/stack-1"])
    assert "teams/team-1/stack-1 was removed" in ran.err


@pytest.mark.parametrize("below", [".", "teams/team-1"])
def test_a_stack_that_moves_is_planned_where_it_is_and_not_removed(changed: Project, below: str) -> None:
    """What it made is its own still: nobody may be told to destroy it."""
    git(changed.path, "mv", "teams/team-1/stack-1", "teams/team-1/moved")
    ran = changed.run("stacks", below, "--changed-since", "first", "--format", "json")
    found = [(entry["stack"], entry["path"]) for entry in ran.json["stacks"]]
    assert (found, ran.json["removed"]) == ([("stack-1", "teams/team-1/moved")], [])
    assert "removed" not in ran.err


def test_a_removed_stack_is_reported_although_another_has_its_name(changed: Project) -> None:
    stack(changed, "elsewhere/stack-1")
    commit(changed.path)
    git(changed.path, "rm", "-r", "--quiet", "teams/team-1/stack-1")
    assert changed.run("stacks", "--changed-since", "HEAD", "--format", "json").json["removed"] == [
        "teams/team-1/stack-1"
    ]


def test_only_what_this_branch_changed_counts(changed: Project) -> None:
    git(changed.path, "checkout", "--quiet", "-b", "other")
    changed.write("# more\n", "teams/team-0/stack-0/more.yaml")
    commit(changed.path)
    git(changed.path, "checkout", "--quiet", "-b", "mine", "first")
    changed.write("# more\n", "teams/team-1/stack-1/more.yaml")
    commit(changed.path)
    assert changed.run("stacks", "--changed-since", "other").out == "teams/team-1/stack-1\tstack-1\n"
    git(changed.path, "checkout", "--quiet", "main")
    git(changed.path, "branch", "-D", "--quiet", "mine", "other")


def test_a_matrix_names_everything_a_job_needs(changed: Project) -> None:
    changed.write("# more\n", "teams/team-3/stack-13/more.yaml")
    (entry,) = changed.run("stacks", "--changed-since", "first", "--format", "matrix").json["include"]
    assert {key: entry[key] for key in ("stack", "path", "environment", "var_files")} == {
        "stack": "stack-13",
        "path": "teams/team-3/stack-13",
        "environment": "",
        "var_files": "teams/team-3/common.vars.yaml",
    }


def test_environments_are_entries_of_their_own(offline: Project) -> None:
    stack(offline, "chat")
    for name in ("dev", "prod"):
        offline.write(f"kind: Environment # {name}\n", f"chat/environments/{name}.yaml")
    commit(offline.path)
    git(offline.path, "tag", "first")
    assert offline.run("stacks").out == "chat\tchat@dev\nchat\tchat@prod\n"
    offline.write("kind: Environment # more\n", "chat/environments/prod.yaml")
    assert offline.run("stacks", "--changed-since", "first").out == "chat\tchat@prod\n"
    offline.write("# more\n", "chat/more.yaml")
    assert offline.run("stacks", "--changed-since", "first").out == "chat\tchat@dev\nchat\tchat@prod\n"


def test_what_a_link_leads_to_is_used(offline: Project) -> None:
    stack(offline, "one")
    stack(offline, "two")
    offline.write("a: b\n", "shared/policies.yaml")
    (offline.path / "shared/alias.yaml").symlink_to("policies.yaml")
    (offline.path / "one/policies.yaml").symlink_to("../shared/alias.yaml")
    commit(offline.path)
    git(offline.path, "tag", "first")
    offline.write("a: c\n", "shared/policies.yaml")
    assert touched(offline) == ["one"]


def test_another_commit_of_a_submodule_touches_the_stacks_in_it(offline: Project) -> None:
    stack(offline, "own")
    stack(offline, "shared/team/app")
    for folder in (offline.path / "shared", offline.path):  # the inner one is a commit to the outer one
        git(folder, "init", "-q", "-b", "main")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "one")
    git(offline.path, "tag", "first")
    assert touched(offline) == []
    offline.write("# nothing", "shared/elsewhere.txt")
    git(offline.path / "shared", "add", "-A")
    git(offline.path / "shared", "commit", "-qm", "two")
    git(offline.path, "commit", "-qam", "two")
    assert touched(offline) == ["shared/team/app"]


def test_two_stacks_in_a_directory_are_reported_by_their_files(offline: Project) -> None:
    offline.write(STACK.format(name="one"), "one.yaml")
    offline.write(STACK.format(name="two"), "two.yaml")
    assert offline.run("stacks").out == "one.yaml\tone\ntwo.yaml\ttwo\n"


def test_a_broken_stack_is_planned_too(offline: Project) -> None:
    offline.write("apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat\n", "chat/stack.yaml")
    assert offline.run("stacks").out == "chat\tchat\n"


def test_a_hostile_repository_cannot_escape(offline: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "stack.yaml").write_text(STACK.format(name="outside"))
    root = offline.path
    stack(offline, "good")
    (root / "dir-link").symlink_to(outside)
    (root / "file-link.yaml").symlink_to(outside / "stack.yaml")
    (root / "loop").symlink_to(root)
    (root / "self.yaml").symlink_to("self.yaml")
    os.mkfifo(root / "pipe.yaml")
    for name in ("a\nb", "$(touch pwned)", "'; true", "-rf", "::error::x", "\x1b[2J", "ünï", "x" * 200):
        stack(offline, name, "odd")
    ran = offline.run("stacks")
    assert "outside" not in ran.out
    assert len(ran.out.splitlines()) == 9
    assert not {"\x1b", "\r"} & set(ran.out)
    assert not any(line.startswith(("::", "-")) for line in ran.out.splitlines())
    matrix = offline.run("stacks", "--format", "matrix").out
    assert matrix.count("\n") == 1
    entries = json.loads(matrix)["include"]
    assert {entry["path"] for entry in entries} >= {"a\nb", "./-rf", "$(touch pwned)"}
    names = [entry["name"] for entry in entries]
    assert len(set(names)) == len(names) == 9
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") for name in names)


def test_git_runs_nothing_of_the_repository(offline: Project) -> None:
    stack(offline, "chat")
    commit(offline.path)
    pwned = offline.path / "pwned"
    script = offline.write(f"#!/bin/sh\ntouch {pwned}\n", ".git/run")
    script.chmod(0o755)
    for setting in (
        "core.fsmonitor",
        "diff.external",
        "core.pager",
        "core.sshCommand",
        "filter.x.clean",
        "filter.x.smudge",
    ):
        git(offline.path, "config", setting, str(script))
    git(offline.path, "config", "diff.x.textconv", str(script))
    offline.write("*.yaml filter=x diff=x\n", ".git/info/attributes")
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        (offline.path / f".git/hooks/{hook}").symlink_to(script)
    offline.write("# more\n", "chat/more.yaml")
    offline.write(STACK.format(name="chat") + "# changed\n", "chat/stack.yaml")
    assert offline.run("stacks", "--changed-since", "HEAD").out == "chat\tchat\n"
    assert not pwned.exists()


def test_an_unknown_revision_is_an_error(offline: Project) -> None:
    stack(offline, "chat")
    commit(offline.path)
    for revision in ("nowhere", "--upload-pack=x", "0" * 40):
        assert "git knows no commit" in offline.run("stacks", f"--changed-since={revision}", code=1).err


def test_outside_git_a_revision_is_an_error(offline: Project) -> None:
    stack(offline, "chat")
    assert offline.run("stacks").out == "chat\tchat\n"
    assert "not in a git work tree" in offline.run("stacks", "--changed-since", "main", code=1).err


def test_the_manifests_of_removed_stacks_are_brought_back_by_what_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path / "repository")
    for name in ("a b", "c"):
        stack(project, name, "chat-" + name[0])
    commit(project.path)
    for name in ("a b", "c"):
        (project.path / name / "stack.yaml").unlink()
    told = [
        line.partition("manifests: ")[2] for line in project.run("stacks", "--changed-since", "HEAD").err.splitlines()
    ]
    words = [word for line in told for command in line.split(" && ") for word in [shlex.split(command)]]
    assert [one[:2] for one in words] == [["git", "worktree"], ["genai-iac", "destroy"], ["genai-iac", "destroy"]]
    git(project.path, *words[0][1:])
    assert [project.run("validate", one[2]).code for one in words[1:]] == [0, 0]
