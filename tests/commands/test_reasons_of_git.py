"""What git says is handed on: fake gits that fail with a reason, and real repositories that git cannot use."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Project, Ran

from .stacks import commit, git

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: s}\nspec: {region: us-chicago-1}\n"
REAL = shutil.which("git") or "git"


@pytest.fixture
def committed_stack(offline: Project) -> Project:
    offline.write(STACK, "chat/stack.yaml")
    commit(offline.path)
    return offline


def words(text: str) -> str:
    return " ".join(text.split())


def with_git(project: Project, tmp_path_factory: pytest.TempPathFactory, failing: str, script: str) -> None:
    """From now on the git on PATH runs that script in the place of one of its commands."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "git").write_text(
        f'#!/bin/sh\nfor word in "$@"; do if [ "$word" = {failing} ]; then {script}; fi; done\nexec {REAL} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    project.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def since(project: Project, revision: str = "HEAD") -> str:
    ran = project.run("stacks", f"--changed-since={revision}", code=1)
    assert "Traceback" not in ran.err and "defect" not in ran.err and ran.out == ""
    return words(ran.err)


COMMANDS = ("--show-toplevel", "--verify", "merge-base", "diff-tree", "diff-index", "diff-files", "ls-files")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'fatal: the disk is on fire' >&2; exit 128", "fatal: the disk is on fire"),
        ("printf 'warning: one\\n\\nfatal: two\\033[31m\\n' >&2; exit 129", "warning: one fatal: two"),
        ("exit 7", "it ended with status 7 and gave no reason"),
        ("kill -9 $$", "it was killed by signal 9"),
        ("printf 'bad \\377 byte' >&2; exit 128", "bad"),
    ],
)
def test_the_reason_of_git_is_reported(
    committed_stack: Project, tmp_path_factory: pytest.TempPathFactory, command: str, script: str, reason: str
) -> None:
    with_git(committed_stack, tmp_path_factory, command, script)
    reported = since(committed_stack)
    assert reason in reported
    assert "fetch" not in reported.replace("comes with git fetch", "") and "git status" not in reported


def test_no_common_commit_is_not_a_failure(committed_stack: Project) -> None:
    git(committed_stack.path, "checkout", "--quiet", "--orphan", "other")
    committed_stack.write(STACK + "# changed\n", "chat/stack.yaml")
    commit(committed_stack.path)
    assert committed_stack.run("stacks", "--changed-since", "main").out.startswith("chat\t")


@pytest.mark.parametrize("command", ["ls-tree", "cat-file"])
def test_a_removed_stack_that_cannot_be_read_is_not_passed_over(
    committed_stack: Project, tmp_path_factory: pytest.TempPathFactory, command: str
) -> None:
    git(committed_stack.path, "rm", "-r", "--quiet", "chat")
    committed_stack.write(STACK, "other/stack.yaml")
    with_git(committed_stack, tmp_path_factory, command, "echo 'fatal: bad tree' >&2; exit 128")
    assert f"git {command} failed" in (reported := since(committed_stack)) and "fatal: bad tree" in reported


def test_a_shallow_clone_says_how_to_fetch_the_history(committed_stack: Project, tmp_path: Path) -> None:
    committed_stack.write("x\n", "README.md")
    commit(committed_stack.path)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{committed_stack.path}", str(clone))
    reported = since(Project(clone), "HEAD~1")
    assert (
        "git knows no commit 'HEAD~1'" in reported
        and "git fetch --unshallow" in reported
        and "fetch-depth: 0" in reported
    )


def test_the_hint_for_a_whole_clone_is_not_to_fetch_its_history(committed_stack: Project) -> None:
    reported = since(committed_stack, "nowhere")
    assert "fatal: Needed a single revision" in reported and "shallow" not in reported and "fetch-depth" not in reported


def test_a_repository_of_another_owner_is_reported_in_gits_words(
    committed_stack: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    reason = "fatal: detected dubious ownership in repository; call: git config --global --add safe.directory /x"
    with_git(committed_stack, tmp_path_factory, "--show-toplevel", f"echo '{reason}' >&2; exit 128")
    assert reason in since(committed_stack) and "not in a git work tree" not in since(committed_stack)


def test_a_broken_object_is_reported_in_gits_words(committed_stack: Project) -> None:
    for file in (committed_stack.path / ".git/objects").glob("??/*"):
        file.chmod(0o600)
        file.write_bytes(b"")
    assert "is empty" in since(committed_stack)


def test_a_lost_object_is_no_partial_clone(committed_stack: Project) -> None:
    blob = git(committed_stack.path, "rev-parse", "HEAD:chat/stack.yaml").strip()
    git(committed_stack.path, "rm", "-r", "--quiet", "chat")
    committed_stack.write(STACK, "other/stack.yaml")
    (committed_stack.path / f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    reported = since(committed_stack)
    assert f"no content for the object {blob}" in reported and "missing" in reported and "git fsck" in reported
    git(committed_stack.path, "config", "remote.origin.promisor", "true")
    reported = since(committed_stack)
    assert blob in reported and ("partial" in reported or "promisor" in reported)


def test_a_branch_without_a_commit_is_reported(offline: Project) -> None:
    offline.write(STACK, "chat/stack.yaml")
    subprocess.run([REAL, "init", "-q", str(offline.path)], check=True)
    assert "git knows no commit 'HEAD'" in since(offline)


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0, "git cannot be found"),
        (b"\x7fELF garbage", 0o755, "Exec format error"),
        (b"#!/no/such/interpreter\n", 0o755, "git"),
    ],
)
def test_a_git_that_cannot_be_started(
    committed_stack: Project, tmp_path_factory: pytest.TempPathFactory, content: bytes | None, mode: int, reason: str
) -> None:
    folder = tmp_path_factory.mktemp("bin")
    if content is not None:
        (folder / "git").write_bytes(content)
        (folder / "git").chmod(mode)
    committed_stack.environ["PATH"] = str(folder)
    assert reason in since(committed_stack)


def test_a_place_that_is_not_there_is_not_a_missing_git(offline: Project) -> None:
    ran: Ran = offline.run("stacks", "no/such/place", "--changed-since", "HEAD", code=1)
    assert "git cannot be found" not in ran.err and "no/such" in words(ran.err)
