"""A key that moves away from its grants, or loses them: plan says that its callers will notice, and how they would not."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Project
from crash.load_generator import calling, probe
from crash.sink_setups import File

from .stacks import api_key, compartment, policy, stack

AWAY = "its callers are refused from its move until Policy/p has followed"
BOTH = (
    "allow any-user to manage generative-ai-response in compartment top where request.principal.id = '${ApiKey/k.id}'"
)


def manifests(place: str, *more: dict[str, Any]) -> str:
    """A key there and its grant, two compartments that lie in a third."""
    around = [compartment("top"), compartment("one", parent="top"), compartment("two", parent="top")]
    key = api_key("k", place, deliverTo=[{"file": {"path": "k.env"}}])
    return stack((), *around, key, *more, grants=[{"apiKey": "k", "apis": ["responses"]}])


@pytest.fixture
def delivered_sink(project: Project) -> File:
    """What a caller reads, once the key is there."""
    project.write(manifests("one"))
    project.run("apply", "--auto-approve")
    return File(project.path / "k.env")


def test_a_move_is_made_between_the_new_statements_and_the_end_of_the_old_ones(
    project: Project, delivered_sink: File
) -> None:
    assert probe(delivered_sink).status == 200
    project.write(manifests("two"))
    plan = project.run("plan", "--format", "json").json
    assert [(one["address"], one["calls"]) for one in plan["changes"]] == [
        ("ApiKey/k", ["UpdatePolicy", "ChangeApiKeyCompartment"]),
        ("Policy/p", ["UpdatePolicy"]),
    ]
    assert not any(one["losses"] for one in plan["changes"])
    with calling([delivered_sink]) as history:
        project.run("apply", "--auto-approve")
    assert history.probes
    assert history.failed == []
    assert project.run("plan", "--format", "json").json["changes"] == []


def test_of_a_key_that_nobody_uses_nothing_is_said(project: Project, delivered_sink: File) -> None:
    project.write(manifests("two"))
    assert "its callers" not in project.run("plan").out


def test_with_one_more_policy_nobody_notices(project: Project, delivered_sink: File) -> None:
    admitting = policy("both", statements=[BOTH])
    project.write(manifests("one", admitting))
    project.run("apply", "--auto-approve")
    project.write(manifests("two", admitting))
    with calling([delivered_sink]) as history:
        project.run("apply", "--auto-approve")
    assert history.probes
    assert history.failed == []


@pytest.mark.parametrize("left", [[], ["allow group Administrators to read buckets in tenancy"]])
def test_apply_is_refused_when_a_key_in_use_loses_its_grants(
    project: Project, delivered_sink: File, left: list[str]
) -> None:
    """Its policy is deleted, or says something else."""
    assert probe(delivered_sink).status == 200
    around = [compartment("top"), compartment("one", parent="top"), compartment("two", parent="top")]
    key = api_key("k", "one", deliverTo=[{"file": {"path": "k.env"}}])
    project.write(stack(left, *around, key))
    plan = project.run("plan")
    assert "! Policy/p" in plan.out
    assert "key-one was last used" in " ".join(plan.out.split())
    refused = project.run("apply", "--auto-approve", code=3)
    assert "Policy/p" in refused.err and "--accept-outage ApiKey/k" in refused.err
    assert probe(delivered_sink).status == 200
    project.run("apply", "--auto-approve", "--accept-outage", "ApiKey/k")
    assert probe(delivered_sink).status != 200
