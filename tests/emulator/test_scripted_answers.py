"""Answers that users script for the applications they test."""

import json
import urllib.error
from typing import Any

import openai
import pytest

from .clients import CHAT_ANY, MODEL, Clients, chat

RESPONSES_ANY = CHAT_ANY.replace("use generative-ai-chat", "manage generative-ai-response")


@pytest.fixture
def scripted_client(fresh: Clients) -> openai.OpenAI:
    """A client whose key may chat and respond."""
    fresh.policy("inference", CHAT_ANY, RESPONSES_ANY)
    return fresh.openai(str(fresh.key(fresh.compartment("inference")).keys[0].key))


def script(clients: Clients, *rules: dict[str, Any]) -> Any:
    return clients.control("POST", "inference", list(rules))


def test_the_first_rule_that_matches_answers_both_apis(fresh: Clients, scripted_client: openai.OpenAI) -> None:
    script(
        fresh,
        {"match": {"text": "Weather", "model": "openai.*"}, "answer": "sun"},
        {"match": {"text": "weather"}, "answer": "rain"},
        {"match": {"text": "data"}, "answer": {"a": [1]}},
    )
    assert chat(scripted_client, text="the weather?") == "rain"
    assert chat(scripted_client, "openai.gpt-oss-120b", "the WEATHER?") == "sun"
    assert scripted_client.responses.create(model=MODEL, input="weather").output_text == "rain"
    assert json.loads(chat(scripted_client, text="data")) == {"a": [1]}
    assert "no model was run" in chat(scripted_client, text="else")
    assert [rule["used"] for rule in fresh.control("GET", "inference")] == [1, 2, 1]
    fresh.control("DELETE", "inference")
    assert fresh.control("GET", "inference") == []
    assert "no model was run" in chat(scripted_client, text="weather")


def test_a_script_can_call_tools_and_go_on_with_their_output(fresh: Clients, scripted_client: openai.OpenAI) -> None:
    script(
        fresh,
        {"match": {"role": "user"}, "toolCalls": [{"name": "search", "arguments": {"q": "x"}}, {"name": "broken", "arguments": "{"}]},
        {"match": {"role": "tool", "text": "42"}, "answer": "it is 42"},
    )  # fmt: skip
    asked = [{"role": "user", "content": "x"}]
    message = scripted_client.chat.completions.create(model=MODEL, messages=asked).choices[0].message  # type: ignore[arg-type]
    calls = message.tool_calls or []
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("search", '{"q": "x"}'),
        ("broken", "{"),
    ]  # type: ignore[union-attr]
    outputs = [{"role": "tool", "tool_call_id": call.id, "content": "42"} for call in calls]
    messages = [*asked, message.model_dump(exclude_none=True), *outputs]
    answer = scripted_client.chat.completions.create(model=MODEL, messages=messages)  # type: ignore[arg-type]
    assert answer.choices[0].message.content == "it is 42"


def test_a_script_can_fail_a_number_of_times(fresh: Clients, scripted_client: openai.OpenAI) -> None:
    script(fresh, {"status": 429, "message": "slow down", "retryAfter": 0, "times": 2}, {"answer": "at last"})
    for _ in range(2):
        with pytest.raises(openai.RateLimitError, match="slow down"):
            chat(scripted_client)
    assert chat(scripted_client) == "at last"
    script(fresh, {"answer": "never reached"})
    assert chat(scripted_client.with_options(max_retries=3)) == "at last"


def test_a_script_can_answer_late(fresh: Clients, scripted_client: openai.OpenAI) -> None:
    script(fresh, {"match": {"text": "slow"}, "answer": "done", "delay": "2s"})
    with pytest.raises(openai.APITimeoutError):
        chat(scripted_client.with_options(timeout=0.3), text="slow")
    assert chat(scripted_client, text="slow") == "done"


def test_scripted_answers_still_require_a_valid_key(fresh: Clients, scripted_client: openai.OpenAI) -> None:
    script(fresh, {"answer": "open"})
    with pytest.raises(openai.AuthenticationError):
        chat(fresh.openai("sk-nothing"))
    assert fresh.control("GET", "inference")[0]["used"] == 0


@pytest.mark.parametrize(
    "rule",
    [
        "x",
        {},
        {"match": {"text": "x"}},
        {"match": {"words": "x"}, "answer": "y"},
        {"match": {"text": 1}, "answer": "y"},
        {"answer": "x", "status": 500},
        {"status": 200},
        {"status": "500"},
        {"answer": "x", "times": 0},
        {"answer": "x", "delay": "soon"},
        {"toolCalls": [{"arguments": {}}]},
        {"toolCalls": {"name": "x"}},
        {"answer": "x", "no_such_key": 1},
    ],
    ids=json.dumps,
)
def test_rules_that_are_wrong_are_refused_with_a_sentence(fresh: Clients, rule: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        fresh.control("POST", "inference", rule)
    with caught.value as error:
        assert error.code == 400
        assert json.loads(error.read())["message"].endswith(".")
    assert fresh.control("GET", "inference") == []
