"""Retry tokens: one action however often it is asked for, in each of the three ways a service may replay."""

import pytest

from .clients import Clients, holds, refusal

TOKEN = "retry-token-of-thirty-letters-"


def _body(clients: Clients, compartment: str, name: str = "retried") -> dict[str, object]:
    return {"compartmentId": compartment, "displayName": name, "keyDetails": [{"keyName": "one"}]}


@holds("W03", "9.5")
def test_full_replay_gives_the_same_answer_with_the_value(fresh: Clients) -> None:
    ai = fresh.ai()
    body = _body(fresh, fresh.compartment("full"))
    first = ai.create_api_key(body, opc_retry_token=TOKEN)
    second = ai.create_api_key(body, opc_retry_token=TOKEN)
    assert str(second.data) == str(first.data)
    assert second.data.keys[0].key
    assert second.headers["etag"] == first.headers["etag"]
    assert len(ai.list_api_keys(body["compartmentId"]).data.items) == 1
    renewed = [
        ai.renew_api_key(first.data.id, {"details": {"keyName": "one"}}, opc_retry_token=TOKEN).data.keys[0].key
        for _ in range(2)
    ]
    assert renewed[0] == renewed[1]


@holds("W03")
def test_masked_replay_gives_the_answer_without_the_value(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"retryTokenReplay": "masked"})
    ai = fresh.ai()
    body = _body(fresh, fresh.compartment("masked"))
    first = ai.create_api_key(body, opc_retry_token=TOKEN).data
    second = ai.create_api_key(body, opc_retry_token=TOKEN).data
    assert first.keys[0].key
    assert second.keys[0].key is None
    assert (second.id, second.keys[0].key_mask) == (first.id, first.keys[0].key_mask)


@holds("W03")
def test_replay_may_be_refused(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"retryTokenReplay": "invalidate"})
    ai = fresh.ai()
    body = _body(fresh, fresh.compartment("invalid"))
    ai.create_api_key(body, opc_retry_token=TOKEN)
    assert refusal(ai.create_api_key, body, opc_retry_token=TOKEN)[:2] == (409, "InvalidatedRetryToken")
    assert len(ai.list_api_keys(body["compartmentId"]).data.items) == 1


@holds("W03")
def test_a_token_is_spent_for_other_bodies_and_dead_resources(fresh: Clients) -> None:
    ai = fresh.ai()
    compartment = fresh.compartment("spent")
    made = ai.create_api_key(_body(fresh, compartment), opc_retry_token=TOKEN).data
    other = _body(fresh, compartment, "other")
    assert refusal(ai.create_api_key, other, opc_retry_token=TOKEN)[:2] == (409, "InvalidatedRetryToken")
    ai.delete_api_key(made.id)
    again = _body(fresh, compartment)
    assert refusal(ai.create_api_key, again, opc_retry_token=TOKEN)[:2] == (409, "InvalidatedRetryToken")


@holds("W03")
def test_a_token_lives_a_day(fresh: Clients) -> None:
    identity = fresh.identity()
    body = {"compartmentId": fresh.root, "name": "daily", "description": "-"}
    first = identity.create_compartment(body, opc_retry_token=TOKEN).data
    fresh.control("POST", "clock", {"advance": "23h"})
    assert identity.create_compartment(body, opc_retry_token=TOKEN).data.id == first.id
    fresh.control("POST", "clock", {"advance": "2h"})
    assert refusal(identity.create_compartment, body, opc_retry_token=TOKEN)[1] == "CompartmentAlreadyExists"


def test_a_refused_request_does_not_spend_its_token(fresh: Clients) -> None:
    identity = fresh.identity()
    bad = {"compartmentId": fresh.root, "name": "not/good", "description": "-"}
    good = {**bad, "name": "good"}
    assert refusal(identity.create_compartment, bad, opc_retry_token=TOKEN)[0] == 400
    assert identity.create_compartment(good, opc_retry_token=TOKEN).data.name == "good"


def test_tokens_belong_to_caller_operation_and_region(fresh: Clients) -> None:
    identity = fresh.identity()
    other = fresh.principal("other", "Administrators").identity()
    made = identity.create_group({"compartmentId": fresh.root, "name": "a", "description": "-"}, opc_retry_token=TOKEN)
    assert (
        refusal(
            other.create_group, {"compartmentId": fresh.root, "name": "a", "description": "-"}, opc_retry_token=TOKEN
        )[1]
        == "GroupAlreadyExists"
    )
    user = identity.create_user({"compartmentId": fresh.root, "name": "a", "description": "-"}, opc_retry_token=TOKEN)
    assert user.data.id != made.data.id


@pytest.mark.parametrize("token", ["x" * 65])
def test_tokens_have_a_length(fresh: Clients, token: str) -> None:
    body = {"compartmentId": fresh.root, "name": "long", "description": "-"}
    assert refusal(fresh.identity().create_group, body, opc_retry_token=token)[:2] == (400, "InvalidParameter")
