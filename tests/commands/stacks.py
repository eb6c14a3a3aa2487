"""A stack with one of each, and git around it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec:
  region: us-chicago-1
  tags: {team: ml}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: chat}
spec:
  description: Chat workloads
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: app}
spec:
  compartment: chat
  description: The app's
  secrets:
    - {name: key-one, expires: 90d}
    - {name: key-two, state: inactive, expires: 135d}
  deliverTo:
    - file: {path: secrets/app.env}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: access}
spec:
  compartment: chat
  description: app may chat
  statements:
    - allow group readers to read generative-ai-family in compartment chat
  grants:
    - {apiKey: app, apis: [chat]}
"""


def edited(before: str, after: str, text: str = STACK) -> str:
    """The stack with one thing said otherwise."""
    assert text.count(before) == 1
    return text.replace(before, after)


def git(folder: Path, *arguments: str) -> str:
    """Run git there, as nobody in particular, with no configuration of this machine."""
    name = {f"GIT_{who}_{what}": "n@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **name, **quiet}, capture_output=True, text=True, check=True
    )
    return ran.stdout


def commit(folder: Path, message: str = "A change") -> None:
    """Everything that is there, in a repository that is made when there is none."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch", "main")
        (folder / ".git/info/exclude").write_text(".genai-iac/\nsecrets/\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
