"""Projects of the emulator: fields and operations as the SDK has them, IAM, etags, retry tokens, lifecycle, pages."""

from typing import Any

import pytest

from .clients import CHICAGO, FRANKFURT, Clients, refusal


@pytest.fixture(scope="module")
def project_compartment(shared: Clients) -> str:
    """A compartment for the projects of this module."""
    return shared.compartment("projects")


def make(clients: Clients, compartment: str, name: str = "chat", **more: Any) -> Any:
    return clients.ai().create_generative_ai_project({"compartmentId": compartment, "displayName": name, **more}).data


def test_shown_whole_and_listed_as_summaries(shared: Clients, project_compartment: str) -> None:
    made = make(
        shared, project_compartment, "whole", description="d", conversationConfig={"responsesRetentionInHours": 5}
    )
    assert made.id.startswith(f"ocid1.generativeaiproject.oc1.{CHICAGO}.")
    read = shared.ai().get_generative_ai_project(made.id)
    assert read.data.conversation_config.responses_retention_in_hours == 5 and read.headers["etag"]
    (listed,) = shared.ai().list_generative_ai_projects(project_compartment, display_name="whole").data.items
    assert listed.id == made.id and not hasattr(listed, "conversation_config")


def test_names_need_not_be_unique_and_pages_join(fresh: Clients) -> None:
    place = fresh.compartment("pages")
    made = [make(fresh, place).id for _ in range(5)]
    seen, page = [], None
    while True:
        answer = fresh.ai().list_generative_ai_projects(place, limit=2, **({"page": page} if page else {}))
        seen += [row.id for row in answer.data.items]
        page = answer.next_page
        if not page:
            break
    assert sorted(seen) == sorted(made)


def test_an_update_is_for_the_version_it_names(shared: Clients, project_compartment: str) -> None:
    made, ai = make(shared, project_compartment, "etag"), shared.ai()
    etag = ai.get_generative_ai_project(made.id).headers["etag"]
    changed = ai.update_generative_ai_project(made.id, {"displayName": "other"}, if_match=etag).data
    assert changed.display_name == "other"
    assert refusal(lambda: ai.delete_generative_ai_project(made.id, if_match=etag))[0] == 412
    ai.delete_generative_ai_project(made.id)
    assert ai.get_generative_ai_project(made.id).data.lifecycle_state == "DELETED"
    assert refusal(lambda: ai.update_generative_ai_project(made.id, {"displayName": "x"}))[0] == 404


def test_a_retry_token_makes_one(fresh: Clients) -> None:
    place = fresh.compartment("tokens")
    body = {"compartmentId": place, "displayName": "once"}
    first, second = (fresh.ai().create_generative_ai_project(body, opc_retry_token="t").data.id for _ in range(2))
    assert first == second
    assert len(fresh.ai().list_generative_ai_projects(place).data.items) == 1


def test_moved_and_regional(shared: Clients, project_compartment: str) -> None:
    made, other = make(shared, project_compartment, "moved"), shared.compartment("projects-2")
    shared.ai().change_generative_ai_project_compartment(made.id, {"compartmentId": other})
    assert shared.ai().get_generative_ai_project(made.id).data.compartment_id == other
    assert refusal(lambda: shared.ai(FRANKFURT).get_generative_ai_project(made.id))[0] == 404


def test_creation_takes_as_long_as_it_is_set_to(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"lifecycleDelay": "10m"})
    made = make(fresh, fresh.compartment("slow"))
    assert made.lifecycle_state == "CREATING"
    assert refusal(lambda: fresh.ai().delete_generative_ai_project(made.id))[0] == 409
    fresh.control("POST", "clock", {"advance": "11m"})
    assert fresh.ai().get_generative_ai_project(made.id).data.lifecycle_state == "ACTIVE"


@pytest.mark.parametrize("body", [{"displayName": "x"}, {"compartmentId": "ocid1.compartment.oc1..x"}])
def test_a_body_without_a_place_is_refused(shared: Clients, body: dict[str, str]) -> None:
    assert refusal(lambda: shared.ai().create_generative_ai_project(body))[0] == 400


@pytest.mark.parametrize(
    ("verb", "allowed"), [("inspect", "list"), ("read", "get"), ("use", "update"), ("manage", "delete")]
)
def test_each_verb_opens_its_operation_and_those_below(fresh: Clients, verb: str, allowed: str) -> None:
    place = fresh.compartment("iam")
    made = make(fresh, place).id
    fresh.group("team")
    fresh.policy("verbs", f"allow group team to {verb} generative-ai-project in compartment iam")
    somebody = fresh.principal("somebody", "team")
    calls = {
        "list": lambda: somebody.ai().list_generative_ai_projects(place),
        "get": lambda: somebody.ai().get_generative_ai_project(made),
        "update": lambda: somebody.ai().update_generative_ai_project(made, {"description": "x"}),
        "delete": lambda: somebody.ai().delete_generative_ai_project(made),
    }
    order = list(calls)
    for name, call in calls.items():
        if order.index(name) <= order.index(allowed):
            call()
        else:
            assert refusal(call)[0] == 404
