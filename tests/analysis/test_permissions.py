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
ROTATING = {"secrets": [{"name": "a"}, {"name": "b"}], "rotation": {"every": "60d", "overlap": "2d", "idle": "1h"}}
NAMES = [
    "allow group ops to read buckets in compartment ${Compartment/chat.path}",
    "allow dynamic-group robots to read buckets in compartment ${Compartment/chat.path}",
]


class Scenario(NamedTuple):
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


SCENARIOS = {
    "plan": Scenario("plan", grown(**FILE), False),
    "plan, names": Scenario("plan", grown("tenancy", *NAMES, **FILE), False),
    "plan, applied": Scenario("plan", grown("/platform", *NAMES, **FILE), True),
    "plan, vault": Scenario("plan", grown(**VAULT), True, "91d"),
    "apply": Scenario("apply", grown(**FILE), False),
    "apply, names": Scenario("apply", grown("tenancy", *NAMES, **FILE), False),
    "apply, below": Scenario("apply", grown("/platform", NAMES[0], **FILE), False),
    "apply, key alone": Scenario("apply", stack((), api_key("app", "/platform", **FILE)), False),
    "apply, vault": Scenario("apply", stack((), api_key("app", "/platform", **VAULT)), False, renewals=3),
    "rotate": Scenario("rotate", grown(**FILE, **ROTATING), True),
    "apply, project": Scenario("apply", with_project(grown(**FILE)), False),
    "rotate, below": Scenario("rotate", grown("/platform", NAMES[0], **FILE, **ROTATING), True),
    "rotate, vault": Scenario("rotate", grown(**VAULT, **ROTATING), True),
}


def statements_of(scenario: Scenario) -> tuple[str, ...]:
    return least_policy(scenario.verb, load("-", stdin=BytesIO(scenario.manifest.encode())).resources, "genai-iac")


def cases() -> Iterator[Any]:
    for name, scenario in SCENARIOS.items():
        for number, statement in enumerate(statements_of(scenario)):
            yield pytest.param(
                scenario, number, id=f"{name} without {statement.removeprefix('allow group genai-iac to ')}"
            )


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what will never be allowed."""
    import genai_iac.oci_client.retry
    import genai_iac.oci_client.vault

    monkeypatch.setattr(genai_iac.oci_client.retry, "WINDOW", 0.2)
    monkeypatch.setattr(genai_iac.oci_client.vault, "_TIMEOUT", 0.2)


@pytest.mark.parametrize("scenario", [*SCENARIOS.values()], ids=[*SCENARIOS])
def test_exactly_that_policy_is_enough(project: Project, tenancy: Tenancy, scenario: Scenario) -> None:
    expected = prepare(project, tenancy, scenario)
    grant(project, tenancy, statements_of(scenario))
    assert live(project, tenancy, scenario, expected) == ""


@pytest.mark.parametrize(("scenario", "number"), [*cases()])
def test_no_statement_can_be_spared(project: Project, tenancy: Tenancy, scenario: Scenario, number: int) -> None:
    expected = prepare(project, tenancy, scenario)
    statements = statements_of(scenario)
    if "read work-requests" in statements[number]:
        pytest.skip("apply goes on without it; it is what tells why a deletion of a compartment failed")
    grant(project, tenancy, statements[:number] + statements[number + 1 :])
    assert live(project, tenancy, scenario, expected) != ""


def prepare(project: Project, tenancy: Tenancy, scenario: Scenario) -> str:
    """Bring it about; answers the plan that an administrator sees."""
    make_group(tenancy, "ops")
    make_dynamic_group(tenancy, "robots")
    make_compartment(tenancy, "platform")
    make_compartment(tenancy, "keep")
    kept = tenancy.control("GET", "health")["vaults"][REGION]
    manifest = scenario.manifest.replace("ocid1.vault.V", kept["vault"]).replace("ocid1.key.K", kept["key"])
    project.write(manifest)
    if scenario.applied:
        project.run(*APPLY)
    if scenario.ago:
        tenancy.advance(scenario.ago)
    return project.run("plan").out if scenario.verb == "plan" else ""


def grant(project: Project, tenancy: Tenancy, statements: tuple[str, ...]) -> None:
    """The identity in the group, and those statements in a policy of the tenancy. From now on the project is its."""
    made = tenancy.control("POST", "principals", {"name": "ci", "groups": ["genai-iac"]})
    details = oci.identity.models.CreatePolicyDetails(
        compartment_id=tenancy.tenancy, name="tool", description="The tool's", statements=list(statements)
    )
    tenancy.client("identity").create_policy(details)
    project.environ |= {"GENAI_IAC_CONFIG_FILE": made["configFile"], "GENAI_IAC_PROFILE": "ci"}


def live(project: Project, tenancy: Tenancy, scenario: Scenario, expected: str) -> str:
    """What went wrong with the verb: a plan has to see all that an administrator sees, an apply has to renew and destroy, too."""
    commands = {
        "plan": [("plan",)],
        "apply": [APPLY, *[("91d", *APPLY)] * scenario.renewals, ("destroy", "--auto-approve")],
        "rotate": [("rotate", "ApiKey/app", "--auto-approve")],
    }
    for command in commands[scenario.verb]:
        if command[0] == "91d":
            tenancy.advance("91d")
        ran = project.run(*command[command[0] == "91d" :], code=None)
        if ran.code or (scenario.verb == "plan" and ran.out != expected):
            return ran.out + ran.err
    return ""


def test_the_verb_prints_what_is_tested_here(offline: Project) -> None:
    offline.write(SCENARIOS["apply, below"].manifest)
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
    reported = offline.run("permissions", "plan", "--group", "Corp/CI bots", "--format", "json").json
    assert reported["statements"][0] == "allow group 'Corp'/'CI bots' to inspect tenancies in tenancy"


def test_it_calls_nobody(offline: Project, tmp_path: Path) -> None:
    offline.write(SCENARIOS["apply"].manifest)
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
    offline.write(SCENARIOS["rotate"].manifest)
    managed = [line for line in offline.run("permissions", "rotate").out.splitlines() if "manage" in line]
    assert managed == ["allow group genai-iac to manage generative-ai-apikey in compartment chat"]
    offline.write(SCENARIOS["rotate, below"].manifest)
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
