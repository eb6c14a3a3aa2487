"""The pages on pull requests and on checks: their commands run as they stand there, their tables are whole."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from commands.stacks import STACK, commit, git
from conftest import ROOT, Project, Tenancy
from msgspec.structs import fields
from plan_apply.sdk_helpers import client

from genai_iac.analysis.lint import RULES
from genai_iac.planning.preflight.limits import PREFIX, ServiceLimits

CHECKS, PULL_REQUESTS = ((ROOT / "docs" / name).read_text() for name in ("checks.md", "pull-requests.md"))
COMMANDS = re.findall(r"^\$ (?:(\w+)=(\S+) )?genai-iac (.*)$", PULL_REQUESTS + CHECKS, re.MULTILINE)
KEY = STACK.replace("name: app}", "name: chat-app}").replace("apiKey: app,", "apiKey: chat-app,")


@pytest.fixture
def documented_stack(project: Project, tenancy: Tenancy) -> Project:
    """The stack of the pages, applied, on a branch."""
    tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
    project.write(KEY)
    project.run("apply", "--auto-approve")
    commit(project.path)
    git(project.path, "checkout", "--quiet", "-b", "change")
    return project


def test_commands_work(documented_stack: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    beginner = Project(tmp_path_factory.mktemp("beginner"), documented_stack.environ)
    ran = 0
    for name, value, line in COMMANDS:
        words = shlex.split(line)
        if words[0] == "import":
            continue
        at = beginner if line.startswith(("init", "--local", "export")) else documented_stack
        Project(at.path, at.environ | ({name: value} if name else {})).run(*words)
        ran += 1
    assert ran > 20


def test_what_was_made_by_hand_is_adopted(project: Project, tenancy: Tenancy) -> None:
    tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
    project.write(KEY)
    project.run("apply", "--auto-approve", "--target", "Compartment/chat")
    made = make_by_hand(project, tenancy)
    (line,) = [line for _, _, line in COMMANDS if line.startswith("import ")]
    _, address, example = shlex.split(line)
    assert example.startswith("ocid1.generativeaiapikey.")
    project.run("import", address, made)
    changed = {one["address"]: one["actions"] for one in project.run("plan", "--format", "json").json["changes"]}
    assert "create" not in changed.get(address, [])


def make_by_hand(project: Project, tenancy: Tenancy) -> str:
    """A key of the same name and secrets, made in the console."""
    import oci

    models: Any = oci.generative_ai.models
    place = project.run("plan", "--format", "json").json
    home = next(one["after"]["compartmentId"] for one in place["changes"] if one["address"] == "ApiKey/chat-app")
    details = [models.KeyDetails(key_name=name, time_expiry="2027-06-30T00:00:00Z") for name in ("key-one", "key-two")]
    wanted = models.CreateApiKeyDetails(display_name="chat-app", compartment_id=home, key_details=details)
    return str(client(tenancy, "generative_ai", "us-chicago-1").create_api_key(wanted).data.id)


def test_every_rule_is_on_the_page_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.*?) \| (.+) \|$", CHECKS, re.MULTILINE)
    assert [row[:3] for row in rows] == [(rule.id, rule.severity, rule.summary) for rule in RULES]
    assert all(example.strip() for *_, example in rows)


def test_every_limit_is_on_the_page() -> None:
    rows = re.findall(rf"^\| .* \| (\d+) \| `{PREFIX}(\w+)` \|$", CHECKS, re.MULTILINE)
    assert rows == [(str(limit.default), limit.name.upper()) for limit in fields(ServiceLimits)]


def test_the_readme_names_every_page_and_every_verb() -> None:
    from genai_iac.cli import cli

    readme = (ROOT / "README.md").read_text()
    assert {page.name for page in (ROOT / "docs").glob("*.md")} == set(re.findall(r"\(docs/([\w-]+\.md)\)", readme))
    table = readme.partition("## Use it with your tenancy")[2].partition("Exit codes")[0]
    verbs = set(cli.list_commands(None)) - {"local", "version"}  # type: ignore[attr-defined]
    assert verbs <= set(re.findall(r"`([a-z]+)`", table))
