"""No core dump has a value in it, and no delivered file or file that `init` makes is committed unawares."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Project, Tenancy, run_in_process
from plan_apply.manifests import compartment, key, stack

SECRETS = [{"name": "key-one"}, {"name": "key-two"}]
LOOK = """
import ctypes, json, os, resource, sys
from genai_iac.cli import main
try:
    main(["version"])
except SystemExit:
    pass
print(json.dumps([resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)]))
"""


def look(**environ: str) -> tuple[list[int], int]:
    """The limit of core files and whether the process is dumpable, behind a command."""
    ran = subprocess.run(
        [sys.executable, "-c", LOOK],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2]), **environ},
        preexec_fn=_allow_cores,
    )
    limits, dumpable = json.loads(ran.stdout.splitlines()[-1])
    return limits, dumpable


def _allow_cores() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (4096, resource.getrlimit(resource.RLIMIT_CORE)[1]))


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_there_is_no_core_dump_of_a_run() -> None:
    limits, dumpable = look()
    assert (limits[0], dumpable) == (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_debugger_can_be_let_in() -> None:
    limits, dumpable = look(GENAI_IAC_ALLOW_DUMPS="1")
    assert (limits[0], dumpable) == (4096, 1)


def git(where: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True, text=True).stdout


def delivering(*paths: str) -> str:
    keys = [
        key(f"app-{number}", secrets=SECRETS, deliverTo=[{"file": {"path": path}}]) for number, path in enumerate(paths)
    ]
    return stack(compartment("home"), *keys)


def test_lint_and_plan_warn_of_files_that_git_would_commit(project: Project, tenancy: Tenancy) -> None:
    git(project.path, "init", "-q")
    project.write("secrets/\n*.env\n", ".gitignore")
    project.write(delivering("secrets/a.json", "keys/b.env", "keys/c.json"))
    found = [one for one in project.run("lint", "--format", "json").json["findings"] if one["rule"] == "not-ignored"]
    assert [one["severity"] for one in found] == ["warning"] and "keys/c.json" in found[0]["message"]
    assert (project.path / "stack.yaml").read_text().splitlines()[found[0]["line"] - 1].strip() == "path: keys/c.json"
    notices = [
        one["text"] for one in project.run("plan", "--format", "json").json["notices"] if ".gitignore" in one["text"]
    ]
    assert notices == ["git does not ignore keys/c.json, which holds secret values: add it to .gitignore"]


def test_a_tracked_file_is_warned_of_although_it_is_ignored(offline: Project) -> None:
    git(offline.path, "init", "-q")
    offline.write("secrets/\n", ".gitignore")
    offline.write("x", "secrets/a.env")
    git(offline.path, "add", "-f", "secrets/a.env")
    offline.write(delivering("secrets/a.env"))
    assert "not-ignored" in offline.run("lint").out


@pytest.mark.parametrize("broken", [False, True], ids=["no work tree", "one that git cannot read"])
def test_elsewhere_nothing_is_said(offline: Project, broken: bool) -> None:
    if broken:
        offline.write("gitdir: /nowhere/at/all\n", ".git")
    offline.write(delivering("keys/a.env"))
    assert "not-ignored" not in offline.run("lint").out


def test_a_work_tree_above_counts(offline: Project, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    offline.write(delivering("keys/a.env"), "stacks/one/stack.yaml")
    assert "git does not ignore keys/a.env" in " ".join(offline.run("lint", "stacks/one").out.split())


def test_init_ignores_all_that_the_tool_then_makes(offline: Project, tenancy: Tenancy) -> None:
    """A first stack is applied: git sees the files of init, and nothing that came since."""
    environ = {"GENAI_IAC_ENDPOINT": tenancy.url, "GENAI_IAC_CONFIG_FILE": str(tenancy.config_file)}
    git(offline.path, "init", "-q")
    offline.run("init")
    git(offline.path, "add", "-A")
    before = git(offline.path, "ls-files")
    ran = run_in_process(("apply", "--auto-approve"), offline.path, environ)
    assert ran.code == 0, ran.out + ran.err
    made = [path for path in offline.path.rglob("*.env") if path.is_file()]
    assert made, "nothing was delivered"
    assert git(offline.path, "ls-files", "--others", "--exclude-standard") == ""
    git(offline.path, "add", "-A")
    assert git(offline.path, "ls-files") == before
    assert "not-ignored" not in offline.run("lint").out
