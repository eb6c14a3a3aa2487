"""A runner of the shipped GitHub workflows: their jobs in order, their steps' own shell lines, with the environment GitHub gives.

A job has the secrets of its `environment:` and no others, a token that may what its `permissions:` say, and an empty home. The
local emulator is in reach of the jobs that sign in; the others have no network to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from conftest import ROOT

from .expressions import Context, fill, holds
from .fake_actions import RunnerStorage
from .shell import make_commands, run_script

WORKFLOWS = ROOT / "examples/ci/github/.github/workflows"
REPOSITORY = "acme/access"


@dataclass
class Job:
    """What became of a job, or of one entry of its matrix."""

    result: str
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """What became of a run: its jobs by name."""

    jobs: dict[str, list[Job]] = field(default_factory=dict)

    @property
    def result(self) -> str:
        every = [job.result for jobs in self.jobs.values() for job in jobs]
        return "failure" if "failure" in every else "success"

    @property
    def log(self) -> str:
        return "".join(job.log for jobs in self.jobs.values() for job in jobs)

    @property
    def summary(self) -> str:
        return "".join(job.summary for jobs in self.jobs.values() for job in jobs)

    def result_of(self, job: str) -> str:
        every = {one.result for one in self.jobs[job]}
        return "failure" if "failure" in every else "skipped" if every <= {"skipped"} else "success"


@dataclass
class Runner:
    """One repository and its runs."""

    folder: Path
    storage: RunnerStorage
    secrets: Mapping[str, Mapping[str, str]]  # by environment
    reach: Mapping[str, str]  # variables of the jobs that sign in
    runs: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)  # `vars` of the repository
    token_source: Mapping[str, str] = field(default_factory=dict)  # of the jobs that may ask GitHub for an OIDC token

    @classmethod
    def of(
        cls,
        folder: Path,
        warm_socket: Path,
        origin: Path,
        secrets: Mapping[str, Mapping[str, str]],
        reach: Mapping[str, str],
    ) -> Runner:
        make_commands(folder / "bin", warm_socket)
        runner = cls(folder, RunnerStorage(origin, folder), secrets, reach)
        runner.hub = {"comments": [], "issues": [], "runs": [], "requests": [], "sarifs": []}
        return runner

    @property
    def hub(self) -> dict[str, list[dict[str, Any]]]:
        """What the stand-in for GitHub's API keeps."""
        return dict(json.loads((self.folder / "hub.json").read_text()))

    @hub.setter
    def hub(self, value: dict[str, list[dict[str, Any]]]) -> None:
        (self.folder / "hub.json").write_text(json.dumps(value))

    def run(
        self,
        workflow: str,
        github: Context,
        revision: str = "HEAD",
        before: Mapping[str, Callable[[], None]] | None = None,
    ) -> Run:
        """Run a workflow on an event. `before` does something just before a job starts: what a person does meanwhile."""
        self.runs += 1
        self.storage.revision, self.storage.artefacts = revision, {}
        document = yaml.load((WORKFLOWS / f"{workflow}.yml").read_text(), yaml.BaseLoader)
        known = {"repository": REPOSITORY, "token": "ghs_token", "run_id": str(self.runs), "run_attempt": "1"}
        run = Run()
        for name, job in document["jobs"].items():
            needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            context: Context = {
                "github": {**known, **github},
                "vars": self.variables,
                "inputs": github.get("inputs", {}),
                "needs": _needs(run, needed),
            }
            context = {**context, "env": {key: fill(value, context) for key, value in document.get("env", {}).items()}}
            succeeded = all(run.result_of(need) == "success" for need in needed)
            if not holds(job.get("if"), context, succeeded=succeeded):
                run.jobs[name] = [Job("skipped")]
                continue
            (before or {}).get(name, lambda: None)()
            run.jobs[name] = [
                self._run_job(name, job, {**context, "matrix": entry}) for entry in _entries(job, context)
            ]
        return run

    def _run_job(self, name: str, job: Mapping[str, Any], context: Context) -> Job:
        place = self.folder / f"run-{self.runs}-{name}-{len(list(self.folder.iterdir()))}"
        for part in ("workspace", "home", "temp"):
            (place / part).mkdir(parents=True)
        secrets = self.secrets.get(job.get("environment", ""), {})
        base = self._environ(place, job, context)
        done, steps = Job("success"), {}
        for step in job["steps"]:
            seen = {**context, "runner": {"temp": str(place / "temp")}, "secrets": secrets, "steps": steps}
            if not holds(step.get("if"), seen, succeeded=done.result == "success"):
                continue
            environ = base | {key: fill(value, seen) for key, value in step.get("env", {}).items()}
            if "uses" in step:
                inputs = {key: fill(value, seen) for key, value in step.get("with", {}).items()}
                self.storage.use(step["uses"].partition("@")[0], inputs, place / "workspace")
                continue
            outputs = self._run_step(step["run"], place, environ, done)
            steps[step.get("id", "")] = {"outputs": outputs}
        done.outputs = {key: fill(value, {**context, "steps": steps}) for key, value in job.get("outputs", {}).items()}
        return done

    def _run_step(self, script: str, place: Path, environ: dict[str, str], job: Job) -> dict[str, str]:
        """Run one step's lines; its outputs. What it says and sums up is added to the job, and so is its failure."""
        files = {name: place / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
        for file in files.values():
            file.write_text("")
        ended = run_script(
            script, ("-e",), place / "workspace", environ | {name: str(file) for name, file in files.items()}
        )
        job.log += ended.log
        job.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        job.result = "failure" if ended.code else job.result
        assert files["GITHUB_ENV"].read_text() == "", "a step that changes the environment of later steps"
        return dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())

    def _environ(self, place: Path, job: Mapping[str, Any], context: Context) -> dict[str, str]:
        github = context["github"]
        return {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(place / "home"),
            "RUNNER_TEMP": str(place / "temp"),
            "CI": "true",
            "HUB": str(self.folder / "hub.json"),
            "HUB_PERMISSIONS": json.dumps(job.get("permissions", {})),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_NAME": str(github.get("event_name", "")),
            "GITHUB_REF_NAME": str(github.get("ref_name", "")),
            "GITHUB_REF": f"refs/heads/{github.get('ref_name', '')}",
            "GITHUB_SHA": "0" * 40,
            **(self.token_source if job.get("permissions", {}).get("id-token") == "write" else {}),
            **(self.reach if "environment" in job else {}),
            **context["env"],
            **{key: fill(value, context) for key, value in job.get("env", {}).items()},
        }


def _needs(run: Run, needed: list[str]) -> dict[str, Any]:
    return {name: {"result": run.result_of(name), "outputs": run.jobs[name][-1].outputs} for name in needed}


def _entries(job: Mapping[str, Any], context: Context) -> Iterator[Mapping[str, str]]:
    matrix = fill(job.get("strategy", {}).get("matrix", {}), context)
    yield from matrix["include"] if matrix else [{}]
