"""What the shipped workflows are made of: two linters find nothing, and the rules that keep a public repository safe hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from genai_iac import __version__

SHIPPED = ROOT / "examples/ci"
STARTER = ROOT / "genai_iac/templates"
FILES = sorted((SHIPPED / "github/.github/workflows").glob("*.yml"))
WORKFLOWS: dict[str, Any] = {file.stem: yaml.load(file.read_text(), yaml.BaseLoader) for file in FILES}
JOBS = [(name, job, written) for name, whole in WORKFLOWS.items() for job, written in whole["jobs"].items()]
STEPS = [(f"{name}: {job}", step) for name, job, written in JOBS for step in written["steps"]]

# every right beside reading the repository; the jobs that hold one run nothing that a pull request can change
RIGHTS = {
    ("genai-iac-plan", "comment"): {"pull-requests": "write"},
    ("genai-iac-nightly", "issue"): {"issues": "write"},
    ("genai-iac-apply", "stacks"): {"actions": "read"},
}


def test_zizmor_finds_nothing() -> None:
    assert _zizmor(SHIPPED) == (0, "No findings to report. Good job!\n")


def test_zizmor_looks_where_it_should(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    plan = tmp_path / "github/.github/workflows/genai-iac-plan.yml"
    plan.write_text(plan.read_text().replace("pull_request:", "pull_request_target:"))
    code, found = _zizmor(tmp_path)
    assert code != 0 and "dangerous-triggers" in found


def _zizmor(folder: Path) -> tuple[int, str]:
    program = Path(sysconfig.get_path("scripts")) / "zizmor"
    command = [program, "--offline", "--pedantic", "--no-progress", "--color=never", folder]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return ran.returncode, ran.stdout


@pytest.mark.skipif(
    shutil.which("actionlint") is None,
    reason="actionlint is not on PATH: it is a Go program, and its Python package fetches a binary when it is installed",
)
def test_actionlint_finds_nothing() -> None:
    ran = subprocess.run(["actionlint", "-no-color", *FILES], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_actions_are_pinned_to_one_commit_each() -> None:
    lines = [line.strip() for file in FILES for line in file.read_text().splitlines() if "uses:" in line]
    assert all(re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in lines), lines
    repositories = {line.split()[1].partition("@")[0].split("/")[1] for line in lines}
    assert len({re.sub(r"/(save|restore)@", "@", line) for line in lines}) == len(repositories)


def test_no_expression_is_in_a_script() -> None:
    assert [where for where, step in STEPS if "${{" in step.get("run", "")] == []


def test_nothing_is_triggered_that_gives_strangers_power() -> None:
    triggers = {trigger for whole in WORKFLOWS.values() for trigger in whole["on"]}
    assert triggers == {"pull_request", "push", "schedule", "workflow_dispatch"}
    assert WORKFLOWS["genai-iac-plan"]["on"] == {"pull_request": ""}
    assert WORKFLOWS["genai-iac-apply"]["on"]["push"] == {"branches": ["main"]}


def test_what_a_pull_request_starts_has_no_secrets() -> None:
    jobs = WORKFLOWS["genai-iac-plan"]["jobs"]
    assert [name for name, job in jobs.items() if "environment" in job] == []
    assert "secrets." not in (SHIPPED / "github/.github/workflows/genai-iac-plan.yml").read_text()


def test_rights_are_the_least() -> None:
    assert {name: whole["permissions"] for name, whole in WORKFLOWS.items()} == {name: {} for name in WORKFLOWS}
    for name, job, written in JOBS:
        checks_out = any("actions/checkout@" in step.get("uses", "") for step in written["steps"])
        reads = {"contents": "read"} if checks_out else {}
        assert written["permissions"] == reads | RIGHTS.get((name, job), {}), f"{name}: {job}"
        assert not checks_out or "write" not in written["permissions"].values()


def test_check_out_leaves_no_credentials() -> None:
    outs = [step for _, step in STEPS if "actions/checkout@" in step.get("uses", "")]
    assert len(outs) > 4 and {step["with"]["persist-credentials"] for step in outs} == {"false"}


def test_secrets_are_read_in_one_step_alone() -> None:
    holders = {step["name"] for _, step in STEPS if "secrets." in str(step)}
    assert holders == {"Sign in"}
    assert all("environment" in job for _, _, job in JOBS if any(step["name"] == "Sign in" for step in job["steps"]))


def test_applies_and_rotations_wait_for_one_another() -> None:
    alone = {"group": "genai-iac-apply", "cancel-in-progress": "false", "queue": "max"}
    assert WORKFLOWS["genai-iac-apply"]["concurrency"] == WORKFLOWS["genai-iac-rotate"]["concurrency"] == alone


def test_every_job_ends() -> None:
    assert all(int(job["timeout-minutes"]) <= 120 for _, _, job in JOBS)


def test_init_writes_these() -> None:
    shipped = {file.name: file.read_bytes() for file in FILES}
    shipped["pre-commit.yml"] = (SHIPPED / "pre-commit/.pre-commit-config.yaml").read_bytes()
    assert {file.name: file.read_bytes() for file in STARTER.glob("*.yml") if file.name != "stack.yml"} == shipped


def test_the_version_is_this_one() -> None:
    assert {whole["env"]["GENAI_IAC_VERSION"] for whole in WORKFLOWS.values()} == {__version__}
    named = [version for file in _others() for version in re.findall(r"genai-iac:(\S+)", file.read_text())]
    assert len(named) == 2 and set(named) == {__version__}


def _others() -> Iterator[Path]:
    yield SHIPPED / "gitlab/.gitlab-ci.yml"
    yield SHIPPED / "container/Containerfile"
