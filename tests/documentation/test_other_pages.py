"""The shell blocks of the pages on automation, rotation and manifests: each command works as it stands there."""

from __future__ import annotations

import re
import shlex

import pytest
from commands.stacks import STACK, commit, git
from conftest import ROOT, Project, Tenancy

KEY = STACK.replace("name: app}", "name: chat-app}").replace("apiKey: app,", "apiKey: chat-app,")
ROTATING = KEY.replace(
    "    - {name: key-two, state: inactive, expires: 135d}\n",
    "    - {name: key-two, expires: 135d}\n  rotation: {every: 60d, overlap: 7d, idle: 24h}\n",
)
CHANGES = {"apply", "rotate"}  # verbs that ask for approval where a person sits


def commands(page: str) -> list[list[str]]:
    """The words of each command in the page's shell blocks, without comments and what a shell would do with the output."""
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [shlex.split(line.partition(" > ")[0], comments=True)[1:] for line in lines if "genai-iac " in line[:10]]


def run(project: Project, words: list[str]) -> int:
    more = ["--auto-approve"] if words[0] in CHANGES and "--auto-approve" not in words else []
    return project.run(*words, *more, code=None).code


@pytest.fixture
def with_readers(project: Project, tenancy: Tenancy) -> Project:
    """A project whose tenancy has the group that the stack names."""
    tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
    return project


@pytest.fixture
def applied(with_readers: Project) -> Project:
    project = with_readers
    project.write(ROTATING)
    project.run("apply", "--auto-approve")
    return project


def test_automation(with_readers: Project) -> None:
    project = with_readers
    project.write(KEY, "chat/stack.yaml")
    commit(project.path)
    git(project.path, "update-ref", "refs/remotes/origin/main", "HEAD")
    found = commands("automation.md")
    of_many = [words for words in found if {"--all", "--changed-since"} & set(words)]
    of_one = [words for words in found if words[0] == "output"]
    reports = [words for words in found if words[0] == "report"]
    assert len(of_many) >= 4 and len(of_one) >= 4 and len(of_many) + len(of_one) + len(reports) == len(found)
    assert [run(project, words) for words in of_many] == [0] * len(of_many)
    inside = Project(project.path / "chat", project.environ)
    assert [run(inside, words) for words in of_one] == [0] * len(of_one)
    assert [run(project, words) for words in reports] == [0] * len(reports)
    assert "<bdi>chat</bdi>" in (project.path / "report.html").read_text()


@pytest.mark.parametrize("last", ["", "--abort", "--leaked", "--revoke"])
def test_rotation(applied: Project, last: str) -> None:
    """A rotation, and what may follow it."""
    found = commands("rotation.md")
    first, *others = [words for words in found if words[0] == "rotate"]
    assert len(found) == len(others) + 3
    assert run(applied, first) == 0
    following = [words for words in others if last == [word for word in words if word.startswith("--")][-1]]
    assert len(following) == bool(last)
    assert [run(applied, words) for words in following] == [0] * len(following)
    assert [run(applied, words) for words in found if words[0] != "rotate"] == [0, 0]


def test_manifests(offline: Project) -> None:
    for words in commands("manifests.md"):
        assert run(offline, words) == 0
    assert (offline.path / "schemas/document.schema.json").is_file()
