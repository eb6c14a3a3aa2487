"""What the shipped workflows are made of: two linters find nothing, and the rules that keep a public repository safe hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from genai_iac import __version__
from genai_iac.templates import starter_requirements

from .shell import REQUIREMENTS

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
    ("genai-iac-plan", "findings"): {"security-events": "write"},
    ("genai-iac-apply", "stacks"): {"actions": "read"},
}
SIGNS_IN = {"id-token": "write"}  # a token that says which job this is, for the exchange; it changes nothing on GitHub


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
    ours = sorted((ROOT / ".github/workflows").glob("*.yml"))
    ran = subprocess.run(
        ["actionlint", "-no-color", *FILES, SHIPPED / "shards/github.yml", *ours],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (ran.returncode, ran.stdout) == (0, "")


def test_actionlint_ignores_the_one_key_that_it_does_not_know() -> None:
    """GitHub takes `single` and `max`, and no `max` beside cancel-in-progress: true (test_applies_and_rotations_wait_...)."""
    copies = [SHIPPED / "github/.github/actionlint.yml", STARTER / "actionlint.yml"]
    copies += (ROOT / ".github").glob("actionlint.yml")  # for a run in this repository; an sdist has none
    assert len({file.read_bytes() for file in copies}) == 1
    ((pattern, told),) = yaml.safe_load(copies[0].read_text())["paths"].items()
    prefix, names = "**/.github/workflows/", {"genai-iac-apply", "genai-iac-rotate"}
    assert pattern == f"{prefix}genai-iac-{{apply,rotate}}.yml"
    assert names == {name for name, whole in WORKFLOWS.items() if "queue" in whole["concurrency"]}
    ((ignored,),) = told.values()
    said = 'unexpected key "queue" for "concurrency" section. expected one of "cancel-in-progress", "group"'
    assert re.search(ignored, said) and not re.search(ignored, said.replace("queue", "qeue"))


def test_actions_are_pinned_to_one_commit_each() -> None:
    lines = [line.strip() for file in FILES for line in file.read_text().splitlines() if "uses:" in line]
    assert all(re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in lines), lines
    repositories = {line.split()[1].partition("@")[0].split("/")[1] for line in lines}
    assert len({re.sub(r"/(save|restore)@", "@", line) for line in lines}) == len(repositories)


def test_no_expression_is_in_a_script() -> None:
    assert [where for where, step in STEPS if "${{" in step.get("run", "")] == []


def test_what_jobs_hand_on_is_kept_outside_the_checkout() -> None:
    """A file of the repository, or of a pull request, would pass for one that the job made."""
    kept = [step["with"]["path"] for _, step in STEPS if "actions/upload-artifact@" in step.get("uses", "")]
    assert len(kept) == 3 and all(path.startswith("${{ runner.temp }}/") for path in kept)


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
        signs_in = SIGNS_IN if any(step["name"] == "Sign in" for step in written["steps"]) else {}
        assert written["permissions"] == reads | signs_in | RIGHTS.get((name, job), {}), f"{name}: {job}"
        assert not checks_out or [right for right, level in written["permissions"].items() if level == "write"] == [
            *signs_in
        ]


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
    shipped["actionlint.yml"] = (SHIPPED / "github/.github/actionlint.yml").read_bytes()
    shipped["pre-commit.yml"] = (SHIPPED / "pre-commit/.pre-commit-config.yaml").read_bytes()
    assert {file.name: file.read_bytes() for file in STARTER.glob("*.yml") if file.name != "stack.yml"} == shipped


def test_what_is_installed_is_named_in_one_place_with_hashes() -> None:
    installs = [step["run"] for _, step in STEPS if "pip install" in step.get("run", "")]
    assert len(installs) > 6
    assert set(installs) == {f"python -m pip install --require-hashes --requirement {REQUIREMENTS}"}
    blocks = re.split(r"^(?=[A-Za-z0-9])", starter_requirements(), flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert [block.split()[0] for block in blocks if "==" not in block.splitlines()[0]] == ["genai-iac"]


def test_what_the_tool_needs_is_what_the_lock_has() -> None:
    """When this fails: ci/lock."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    needed = re.findall(r"^([\w.-]+)==(\S+)", starter_requirements(), re.MULTILINE)
    assert {"oci", "click", "cryptography"} <= {name for name, _ in needed}
    assert all(pins[name] == version for name, version in needed)
    assert set(re.findall(r"sha256:\w{64}", (STARTER / "runtime.txt").read_text())) <= set(
        re.findall(r"sha256:\w{64}", lock)
    )


def test_pip_stops_until_a_wheel_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(starter_requirements().partition("\n\n")[0])
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--require-hashes", "--retries", "0", "-r"]
    ran = subprocess.run([*command, tmp_path / "requirements.txt"], capture_output=True, text=True, timeout=120)
    assert ran.returncode != 0 and "set-the-address-of-your-wheel.invalid" in ran.stdout + ran.stderr


def test_the_version_is_this_one() -> None:
    assert f"/genai_iac-{__version__}-py3-none-any.whl" in starter_requirements()
    named = [version for file in _others() for version in re.findall(r"genai-iac:(\S+)", file.read_text())]
    assert len(named) == 2 and set(named) == {__version__}


def _others() -> Iterator[Path]:
    yield SHIPPED / "gitlab/.gitlab-ci.yml"
    yield SHIPPED / "container/Containerfile"
