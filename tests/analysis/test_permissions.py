"""The least policy is enough, and none of its statements can be spared: both held on the local emulator, statement by statement."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import oci
import pytest
import yaml
from conftest import Project, Tenancy
from policy_planning.stacks import REGION, api_key, compartment, make_compartment, make_dynamic_group, make_group, stack

from genai_iac.analysis.permissions import Verb, least_policy
from genai_iac.manifest import load

APPLY = ("apply", "--auto-approve")
FILE = {"deliverTo": [{"file": {"path": "app.env"}}]}
VAULT = {
    "deliverTo": [{"vault": {"vault": "ocid1.vault.V", "key": "ocid1.key.K", "compartment": "/keep", "name": "app"}}]
}
TURNS = {"secrets": [{"name": "a"}, {"name": "b"}], "rotation": {"every": "60d", "overlap": "2d", "idle": "1h"}}
NAMES = [
    "allow group ops to read buckets in compartment ${Compartment/chat.path}",
    "allow dynamic-group robots to read buckets in compartment ${Compartment/chat.path}",
]


class Story(NamedTuple):
    """A stack, the verb that somebody is to run on it, whether an administrator has applied it before, and what comes after that."""

    verb: Verb
    manifest: str
    applied: bool
    ago: str = ""  # so long before the verb is run
    renewals: int = 0  # how often the key is renewed afterwards


def grown(place: str = "tenancy", *statements: str, **key: Any) -> str:
    policy = {"compartment": place, "grants": [{"apiKey": "app"}]}
    return stack(statements, compartment("chat", parent=place), api_key("app", "chat", **key), **policy)


def with_project(manifest: str) -> str:
    return f"{manifest}\n---\n" + yaml.safe_dump(
        {
            "apiVersion": "genai-iac/v1",
            "kind": "Project",
            "metadata": {"name": "chat"},
            "spec": {"compartment": "/platform"},
        }
    )


STORIES = {
    "plan": Story("plan", grown(**FILE), False),
    "plan, names": Story("plan", grown("tenancy", *NAMES, **FILE), False),
    "plan, applied": Story("plan", grown("/platform", *NAMES, **FILE), True),
    "plan, vault": Story("plan", grown(**VAULT), True, "91d"),
    "apply": Story("apply", grown(**FILE), False),
    "apply, names": Story("apply", grown("tenancy", *NAMES, **FILE), False),
    "apply, below": Story("apply", grown("/platform", NAMES[0], **FILE), False),
    "apply, key alone": Story("apply", stack((), api_key("app", "/platform", **FILE)), False),
    "apply, vault": Story("apply", stack((), api_key("app", "/platform", **VAULT)), False, renewals=3),
    "rotate": Story("rotate", grown(**FILE, **TURNS), True),
    "apply, project": Story("apply", with_project(grown(**FILE)), False),
    "rotate, below": Story("rotate", grown("/platform", NAMES[0], **FILE, **TURNS), True),
    "rotate, vault": Story("rotate", grown(**VAULT, **TURNS), True),
}


def statements_of(story: Story) -> tuple[str, ...]:
    return least_policy(story.verb, load("-", stdin=BytesIO(story.manifest.encode())).resources, "genai-iac")


def cases() -> Iterator[Any]:
    for name, story in STORIES.items():
        for number, statement in enumerate(statements_of(story)):
            yield pytest.param(
                story, number, id=f"{name} without {statement.removeprefix('allow group genai-iac to ')}"
            )


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what will never be allowed."""
    import genai_iac.oci_client.retry
    import genai_iac.oci_client.vault

    monkeypatch.setattr(genai_iac.oci_client.retry, "WINDOW", 0.2)
    monkeypatch.setattr(genai_iac.oci_client.vault, "_PATIENCE", 0.2)


@pytest.mark.parametrize("story", [*STORIES.values()], ids=[*STORIES])
def test_exactly_that_policy_is_enough(project: Project, tenancy: Tenancy, story: Story) -> None:
    expected = prepare(project, tenancy, story)
    grant(project, tenancy, statements_of(story))
    assert live(project, tenancy, story, expected) == ""


@pytest.mark.parametrize(("story", "number"), [*cases()])
def test_no_statement_can_be_spared(project: Project, tenancy: Tenancy, story: Story, number: int) -> None:
    expected = prepare(project, tenancy, story)
    statements = statements_of(story)
    if "read work-requests" in statements[number]:
        pytest.skip("apply goes on without it; it is what tells why a deletion of a compartment failed")
    grant(project, tenancy, statements[:number] + statements[number + 1 :])
    assert live(project, tenancy, story, expected) != ""


def prepare(project: Project, tenancy: Tenancy, story: Story) -> str:
    """Bring it about; answers the plan that an administrator sees."""
    make_group(tenancy, "ops")
    make_dynamic_group(tenancy, "robots")
    make_compartment(tenancy, "platform")
    make_compartment(tenancy, "keep")
    kept = tenancy.control("GET", "health")["vaults"][REGION]
    manifest = story.manifest.replace("ocid1.vault.V", kept["vault"]).replace("ocid1.key.K", kept["key"])
    project.write(manifest)
    if story.applied:
        project.run(*APPLY)
    if story.ago:
        tenancy.advance(story.ago)
    return project.run("plan").out if story.verb == "plan" else ""


def grant(project: Project, tenancy: Tenancy, statements: tuple[str, ...]) -> None:
    """The identity in the group, and those statements in a policy of the tenancy. From now on the project is its."""
    made = tenancy.control("POST", "principals", {"name": "ci", "groups": ["genai-iac"]})
    details = oci.identity.models.CreatePolicyDetails(
        compartment_id=tenancy.tenancy, name="tool", description="The tool's", statements=list(statements)
    )
    tenancy.client("identity").create_policy(details)
    project.environ |= {"GENAI_IAC_CONFIG_FILE": made["configFile"], "GENAI_IAC_PROFILE": "ci"}


def live(project: Project, tenancy: Tenancy, story: Story, expected: str) -> str:
    """What went wrong with the verb: a plan has to see all that an administrator sees, an apply has to renew and destroy, too."""
    commands = {
        "plan": [("plan",)],
        "apply": [APPLY, *[("91d", *APPLY)] * story.renewals, ("destroy", "--auto-approve")],
        "rotate": [("rotate", "ApiKey/app", "--auto-approve")],
    }
    for command in commands[story.verb]:
        if command[0] == "91d":
            tenancy.advance("91d")
        ran = project.run(*command[command[0] == "91d" :], code=None)
        if ran.code or (story.verb == "plan" and ran.out != expected):
            return ran.out + ran.err
    return ""


def test_the_verb_prints_what_is_tested_here(offline: Project) -> None:
    offline.write(STORIES["apply, below"].manifest)
    assert offline.run("permissions", "apply").out.splitlines() == [
        "allow group genai-iac to inspect tenancies in tenancy",
        "allow group genai-iac to inspect generative-ai-apikey in tenancy",
        "allow group genai-iac to inspect compartments in tenancy",
        "allow group genai-iac to inspect policies in tenancy",
        "allow group genai-iac to inspect groups in tenancy",
        "allow group genai-iac to manage policies in compartment platform",
        "allow group genai-iac to manage compartments in compartment platform",
        "allow group genai-iac to read work-requests in compartment platform",
        "allow group genai-iac to manage generative-ai-apikey in compartment platform",
    ]
    told = offline.run("permissions", "plan", "--group", "Corp/CI bots", "--format", "json").json
    assert told["statements"][0] == "allow group 'Corp'/'CI bots' to inspect tenancies in tenancy"


def test_it_calls_nobody(offline: Project, tmp_path: Path) -> None:
    offline.write(STORIES["apply"].manifest)
    offline.environ |= {"GENAI_IAC_CONFIG_FILE": str(tmp_path / "none"), "GENAI_IAC_ENDPOINT": "http://127.0.0.1:9"}
    for verb in ("plan", "apply", "rotate"):
        assert offline.run("permissions", verb).out.startswith("allow group genai-iac to ")


def test_what_lies_around_covers_what_lies_within() -> None:
    keys = [
        api_key(name, place)
        for name, place in (("a", "/x/y"), ("b", "/x"), ("c", "/xy"), ("d", "ocid1.compartment.oc1..d"))
    ]
    resources = load("-", stdin=BytesIO(stack((), *keys).encode())).resources
    places = [text.rpartition(" in ")[2] for text in least_policy("apply", resources, "g") if "manage" in text]
    assert places == ["compartment x", "compartment xy", "compartment id ocid1.compartment.oc1..d"]


def test_rotate_names_the_declared_compartment(offline: Project) -> None:
    """A nightly job once was to be given `manage generative-ai-apikey in tenancy`, with which it could delete every key."""
    offline.write(STORIES["rotate"].manifest)
    managed = [line for line in offline.run("permissions", "rotate").out.splitlines() if "manage" in line]
    assert managed == ["allow group genai-iac to manage generative-ai-apikey in compartment chat"]
    offline.write(STORIES["rotate, below"].manifest)
    managed = [line for line in offline.run("permissions", "rotate").out.splitlines() if "manage" in line]
    assert managed == ["allow group genai-iac to manage generative-ai-apikey in compartment platform:chat"]


def test_apply_names_what_exists_when_it_may_look(project: Project, tenancy: Tenancy) -> None:
    project.write(grown(**FILE))
    before = project.run("permissions", "apply", "--live").out
    assert before == project.run("permissions", "apply").out
    assert "allow group genai-iac to manage generative-ai-apikey in tenancy" in before
    project.run("apply", "--auto-approve")
    ran = project.run("permissions", "apply", "--live")
    assert "allow group genai-iac to manage generative-ai-apikey in compartment chat" in ran.out
    assert "manage policies this identity can give itself any right" in " ".join(ran.err.split())
