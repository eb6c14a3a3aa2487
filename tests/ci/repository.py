"""The repository of these tests, and what its people do: open a pull request, push, merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from commands.stacks import commit, git
from conftest import Project, Tenancy

from .runner import REPOSITORY, Run, Runner

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: chat}
spec: {description: Chat workloads}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: app}
spec:
  compartment: chat
  description: The app's
  secrets:
    - {name: key-one, expires: 90d}
    - {name: key-two, expires: 135d}
  deliverTo:
    - vault: {vault: VAULT, key: MASTER, compartment: chat, name: app}
  rotation: {every: 30d, overlap: 7d, idle: 24h, verify: {model: xai.grok-4}}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: access}
spec:
  compartment: chat
  description: app may chat
  grants:
    - {apiKey: app, apis: [chat], models: [xai.grok-4]}
"""
OTHER = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: other}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: other}
spec: {description: Another team's}
"""


@dataclass(frozen=True)
class Hosted:
    """A repository with a runner, and the tenancy that its stacks live in."""

    project: Project
    tenancy: Tenancy
    runner: Runner

    def edit(self, before: str, after: str, file: str = "chat/stack.yaml") -> None:
        """Say one thing otherwise."""
        text = (self.project.path / file).read_text()
        assert text.count(before) == 1
        self.project.write(text.replace(before, after), file)

    def branch(self, name: str = "change") -> None:
        """Begin a branch."""
        git(self.project.path, "checkout", "--quiet", "-b", name)

    def merge(self, name: str = "change") -> None:
        """Squash a branch into main."""
        git(self.project.path, "checkout", "--quiet", "main")
        git(self.project.path, "merge", "--quiet", "--squash", name)
        commit(self.project.path, f"Squashed {name}")

    def head(self, name: str = "HEAD") -> str:
        """The commit of a revision."""
        return git(self.project.path, "rev-parse", name).strip()

    def pull_request(self, name: str = "change", repository: str = REPOSITORY) -> Run:
        """Commit what there is, and run the plan workflow on the pull request 7 from that branch."""
        commit(self.project.path)
        event = {
            "pull_request": {
                "number": "7",
                "base": {"sha": self.head("main")},
                "head": {"repo": {"full_name": repository}},
            }
        }
        return self.runner.run("genai-iac-plan", {"event_name": "pull_request", "event": event}, name)

    def push(self, before: Mapping[str, Callable[[], None]] | None = None) -> Run:
        """Run the apply workflow on main, and note the run as GitHub would."""
        github = {"event_name": "push", "ref_name": "main"}
        run = self.runner.run("genai-iac-apply", github, "main", before)
        hub = self.runner.hub
        hub["runs"].insert(0, {"branch": "main", "head_sha": self.head("main"), "conclusion": run.result})
        self.runner.hub = hub
        return run

    def nightly(self, workflow: str = "genai-iac-nightly") -> Run:
        """Run what runs by the clock."""
        return self.runner.run(workflow, {"event_name": "schedule", "ref_name": "main"}, "main")
