"""Routing profiles of the emulator: managed like projects, named as the model of a call, admitted by a permission of their own."""

from typing import Any

import openai
import pytest

from genai_iac.vocabulary import models

from .clients import CHAT_ANY, CHICAGO, FRANKFURT, Clients, refusal

KEYS = "where ALL {request.principal.type='generativeaiapikey'}"
RESPONSES = f"allow any-user to manage generative-ai-response in tenancy {KEYS}"
PROFILES = f"allow any-user to read generative-ai-routing-profile in tenancy {KEYS}"


def make(clients: Clients, compartment: str, *regions: str) -> Any:
    body = {
        "compartmentId": compartment,
        "displayName": "router",
        "regionRoutingPolicy": {"allowedRegions": list(regions)},
        "modelRoutingPolicy": {"allowedModels": ["openai.gpt-oss-120b"]},
    }
    return clients.ai().create_routing_profile(body).data


def ask(client: openai.OpenAI, model: str) -> Any:
    return client.chat.completions.with_raw_response.create(model=model, messages=[{"role": "user", "content": "hi"}])


def test_made_listed_changed_moved_and_deleted(fresh: Clients) -> None:
    home, other = fresh.compartment("profiles"), fresh.compartment("others")
    made, ai = make(fresh, home, FRANKFURT), fresh.ai()
    assert made.id.startswith(f"ocid1.generativeairoutingprofile.oc1.{CHICAGO}.")
    (listed,) = ai.list_routing_profiles(home).data.items
    assert listed.region_routing_policy.allowed_regions == [FRANKFURT]
    changed = ai.update_routing_profile(made.id, {"modelRoutingPolicy": {"allowedModels": ["a", "b"]}}).data
    assert changed.model_routing_policy.allowed_models == ["a", "b"]
    ai.change_routing_profile_compartment(made.id, {"compartmentId": other})
    assert ai.get_routing_profile(made.id).data.compartment_id == other
    ai.delete_routing_profile(made.id)
    assert ai.get_routing_profile(made.id).data.lifecycle_state == "DELETED"


@pytest.mark.parametrize("policy", [{"allowedRegions": "x"}, {"allowedRegions": [1]}, {}])
def test_a_policy_that_is_no_list_is_refused(fresh: Clients, policy: Any) -> None:
    body = {"compartmentId": fresh.root, "displayName": "x", "regionRoutingPolicy": policy}
    assert refusal(fresh.ai().create_routing_profile, body)[0] == 400


def test_a_call_that_names_one_gets_the_region(fresh: Clients) -> None:
    fresh.policy("inference", CHAT_ANY, RESPONSES, PROFILES)
    home = fresh.compartment("router")
    client = fresh.openai(fresh.key(home).keys[0].key)
    elsewhere, here = make(fresh, home, FRANKFURT).id, make(fresh, home).id
    assert ask(client, elsewhere).headers["x-genai-selected-region"] == FRANKFURT
    assert ask(client, here).headers["x-genai-selected-region"] == CHICAGO
    response = client.responses.with_raw_response.create(model=elsewhere, input="hi")
    assert response.headers["x-genai-selected-region"] == FRANKFURT
    assert "x-genai-selected-region" not in ask(client, "openai.gpt-oss-120b").headers
    fresh.ai().delete_routing_profile(elsewhere)
    with pytest.raises(openai.NotFoundError):
        ask(client, elsewhere)


def test_the_inference_permission_alone_is_not_enough(fresh: Clients) -> None:
    fresh.policy("inference", CHAT_ANY)
    home = fresh.compartment("router")
    client, profile = fresh.openai(fresh.key(home).keys[0].key), make(fresh, home).id
    with pytest.raises(openai.AuthenticationError):
        ask(client, profile)
    fresh.policy("profiles", PROFILES.replace("tenancy", "compartment router"))
    assert ask(client, profile)


def test_the_permission_is_needed_where_the_profile_is(fresh: Clients) -> None:
    home, other = fresh.compartment("home"), fresh.compartment("other")
    fresh.policy("inference", CHAT_ANY, PROFILES.replace("tenancy", "compartment home"))
    client = fresh.openai(fresh.key(home).keys[0].key)
    assert ask(client, make(fresh, home).id)
    with pytest.raises(openai.AuthenticationError):
        ask(client, make(fresh, other).id)


def test_an_answer_of_a_retired_model_says_so(fresh: Clients) -> None:
    fresh.policy("inference", CHAT_ANY)
    client = fresh.openai(fresh.key(fresh.compartment("old")).keys[0].key)
    retired = next(name for name, model in models().items() if model.retired)
    assert retired in ask(client, retired).headers["model-retirement-info"]
    assert "model-retirement-info" not in ask(client, "openai.gpt-oss-120b").headers
