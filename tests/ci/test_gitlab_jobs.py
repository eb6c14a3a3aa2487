"""The jobs of the GitLab file, their own shell lines: a merge request on a snapshot, the protected branch, the schedule."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from vault_sink.vault_setups import content

from .repository import Hosted
from .shell import Ended, run_script
from .test_plan_job import forbid_and_delete

FILE = ROOT / "examples/ci/gitlab/.gitlab-ci.yml"
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())
SNAPSHOT = "https://gitlab.example.com/api/v4/projects/42/jobs/artifacts/main/raw/snapshot.json?job=snapshot"


@dataclass
class Project:
    """A GitLab project: a job runs in a fresh directory with the artefacts of the jobs before it."""

    hosted: Hosted
    folder: Path
    artefacts: list[Path] = field(default_factory=list)

    def run(self, name: str, **environ: str) -> Ended:
        job = JOBS[name]
        place = self.folder / name.replace(" ", "-")
        shutil.copytree(self.hosted.project.path, place / "workspace", ignore=shutil.ignore_patterns(".git"))
        for file in self.artefacts:
            shutil.copy(file, place / "workspace")
        ended = run_script(
            "\n".join(job["script"]), ("-e", "-o", "pipefail"), place / "workspace", self._environ(place) | environ
        )
        paths = job.get("artifacts", {}).get("paths", []) if ended.code == 0 else []
        self.artefacts += [place / "workspace" / path for path in paths]
        return ended

    def _environ(self, place: Path) -> dict[str, str]:
        config = self.hosted.tenancy.config_file
        return {
            "PATH": f"{self.hosted.runner.folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(place),
            "STACK": "chat",
            "GENAI_IAC_AUTH": "api_key",
            **{f"OCI_CONFIG_{name}": str(config) for name in ("PLAN", "APPLY", "ROTATE")},
            "GENAI_IAC_ENDPOINT": self.hosted.tenancy.url,
        }


@pytest.fixture
def gitlab(hosted: Hosted, tmp_path: Path) -> Project:
    return Project(hosted, tmp_path / "jobs")


def test_a_merge_request_shows_the_counts(gitlab: Project) -> None:
    hosted = gitlab.hosted
    hosted.edit("Chat workloads", "Chat")
    assert gitlab.run("check").code == 0
    ended = gitlab.run(
        "plan of the merge request",
        GENAI_IAC_ENDPOINT="",
        CI_JOB_TOKEN="token",
        CI_API_V4_URL="https://gitlab.example.com/api/v4",
        CI_MERGE_REQUEST_PROJECT_ID="42",
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main",
        SERVED=str(hosted.runner.storage.caches[0]),
        SERVED_AT=SNAPSHOT,
    )
    assert ended.code == 0, ended.log
    report = JOBS["plan of the merge request"]["artifacts"]["reports"]["terraform"]
    counts = json.loads((gitlab.folder / "plan-of-the-merge-request/workspace" / report).read_text())
    assert counts == {"create": 0, "update": 1, "delete": 0}
    assert {file.name for file in gitlab.artefacts} == {"plan.html", "plan.md"}
    assert hosted.tenancy.calls() == []


def test_a_merge_request_whose_apply_would_be_refused_is_red(gitlab: Project) -> None:
    hosted = gitlab.hosted
    forbid_and_delete(hosted)
    ended = gitlab.run(
        "plan of the merge request",
        GENAI_IAC_ENDPOINT="",
        STACK="other",
        CI_JOB_TOKEN="token",
        CI_API_V4_URL="https://gitlab.example.com/api/v4",
        CI_MERGE_REQUEST_PROJECT_ID="42",
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main",
        SERVED=str(hosted.runner.storage.caches[0]),
        SERVED_AT=SNAPSHOT,
    )
    assert ended.code == 3, ended.log
    assert "has deletion: forbid" in (gitlab.folder / "plan-of-the-merge-request/workspace/plan.md").read_text()
    assert JOBS["plan of the merge request"]["artifacts"]["when"] == "always"


def test_what_was_planned_is_applied(gitlab: Project) -> None:
    gitlab.hosted.edit("Chat workloads", "Chat")
    assert gitlab.run("plan").code == 0
    assert gitlab.hosted.tenancy.writes() == []
    applied = gitlab.run("apply")
    assert applied.code == 0, applied.log
    assert gitlab.hosted.tenancy.writes() == ["UpdateCompartment"]
    assert gitlab.run("snapshot").code == 0
    assert "snapshot.json" in {file.name for file in gitlab.artefacts}


def test_the_schedule_looks_and_rotates(gitlab: Project) -> None:
    hosted = gitlab.hosted
    first = content(hosted.tenancy)["OPENAI_API_KEY"]
    assert (gitlab.run("drift").code, gitlab.run("expiry").code) == (0, 0)
    hosted.tenancy.advance("80d")
    hosted.edit("Chat workloads", "Chat")
    shutil.rmtree(gitlab.folder)
    assert (gitlab.run("drift").code, gitlab.run("expiry").code) == (2, 5)
    hosted.tenancy.forget_calls()
    rotated = gitlab.run("rotate")
    assert rotated.code == 0, rotated.log
    assert content(hosted.tenancy)["OPENAI_API_KEY"] != first
    assert "UpdateCompartment" not in hosted.tenancy.writes()
