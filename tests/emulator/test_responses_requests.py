"""The Responses API honours what it accepts, keeps what can be continued, and refuses the rest with 400."""

import json
from typing import Any

import openai
import pytest

from .clients import CHAT_ANY, MODEL, Clients
from .test_chat_requests import Weather

RESPONSES_ANY = CHAT_ANY.replace("use generative-ai-chat", "manage generative-ai-response")
SEARCH = {
    "type": "function",
    "name": "search",
    "parameters": {"type": "object", "properties": {"q": {"type": "string", "minLength": 3}}, "required": ["q"]},
    "strict": False,
}


@pytest.fixture(scope="module")
def responding_client(shared: Clients) -> openai.OpenAI:
    """A client whose key may respond."""
    shared.policy("inference", CHAT_ANY, RESPONSES_ANY)
    return shared.openai(str(shared.key(shared.compartment("inference")).keys[0].key), prefix="/openai/v1")


def ask(client: openai.OpenAI, **parameters: Any) -> Any:
    return client.responses.create(**{"model": MODEL, "input": "hello", **parameters})


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "search"}])
def test_the_demanded_tool_is_called_and_its_output_taken(responding_client: openai.OpenAI, choice: Any) -> None:
    answer = ask(responding_client, tools=[SEARCH], tool_choice=choice)
    (call,) = answer.output
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "search", {"q": "aaa"})
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "seven results"}
    followed = ask(responding_client, previous_response_id=answer.id, input=[output], tools=[SEARCH])
    assert "seven results" in followed.output_text
    assert followed.previous_response_id == answer.id
    with_items = [{"role": "user", "content": "hello"}, call.model_dump(exclude_none=True), output]
    assert "seven results" in ask(responding_client, input=with_items, tools=[SEARCH]).output_text


def test_tool_calls_are_streamed(responding_client: openai.OpenAI) -> None:
    with responding_client.responses.stream(model=MODEL, input="x", tools=[SEARCH], tool_choice="required") as stream:  # type: ignore[list-item]
        kinds = [event.type for event in stream]
        (call,) = stream.get_final_response().output
    assert "response.function_call_arguments.delta" in kinds
    assert json.loads(call.arguments) == {"q": "aaa"}  # type: ignore[union-attr]


def test_json_is_answered_when_json_is_asked_for(responding_client: openai.OpenAI) -> None:
    assert responding_client.responses.parse(model=MODEL, input="x", text_format=Weather).output_parsed == Weather(
        city="aa", degrees=-10, days=["", ""], note=""
    )
    assert ask(responding_client, text={"format": {"type": "json_object"}}).output_text == "{}"


def test_a_response_repeats_its_request(responding_client: openai.OpenAI) -> None:
    answer = ask(
        responding_client,
        instructions="be brief",
        metadata={"a": "b"},
        tools=[SEARCH],
        tool_choice="none",
        temperature=0.3,
        top_p=0.5,
        max_output_tokens=500,
        parallel_tool_calls=False,
        truncation="auto",
    )
    assert (answer.instructions, answer.metadata, answer.temperature, answer.top_p) == (
        "be brief",
        {"a": "b"},
        0.3,
        0.5,
    )
    assert (answer.tools[0].name, answer.tool_choice, answer.max_output_tokens) == ("search", "none", 500)
    assert (answer.parallel_tool_calls, answer.truncation) == (False, "auto")
    plain = ask(responding_client)
    assert (plain.instructions, plain.metadata, plain.tools, plain.temperature) == (None, {}, [], 1.0)


@pytest.mark.parametrize("stream", [False, True])
def test_a_token_limit_leaves_a_response_incomplete(responding_client: openai.OpenAI, stream: bool) -> None:
    answer = ask(responding_client, max_output_tokens=2, stream=stream)
    if stream:
        last = list(answer)[-1]
        assert last.type == "response.incomplete"
        answer = last.response
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert answer.usage.output_tokens == 2


def test_usage_counts_what_was_said_before(responding_client: openai.OpenAI) -> None:
    first = ask(responding_client, input="x" * 400, instructions="y" * 40)
    assert first.usage.input_tokens == 110
    second = ask(responding_client, previous_response_id=first.id)
    assert second.usage.input_tokens > 100 + first.usage.output_tokens - 1


def test_responses_are_fetched_and_deleted(responding_client: openai.OpenAI) -> None:
    answer = ask(responding_client)
    assert responding_client.responses.retrieve(answer.id) == answer
    responding_client.responses.delete(answer.id)
    with pytest.raises(openai.NotFoundError):
        responding_client.responses.retrieve(answer.id)
    with pytest.raises(openai.BadRequestError, match="not found"):
        ask(responding_client, previous_response_id=answer.id)
    with pytest.raises(openai.NotFoundError):
        responding_client.responses.retrieve(ask(responding_client, store=False).id)


def test_only_the_newest_responses_are_kept(responding_client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genai_iac.emulator.services.inference.responses_request.KEPT", 2)
    kept = [ask(responding_client).id for _ in range(3)]
    with pytest.raises(openai.NotFoundError):
        responding_client.responses.retrieve(kept[0])
    assert [responding_client.responses.retrieve(identity).id for identity in kept[1:]] == kept[1:]


@pytest.mark.parametrize(
    "parameters",
    [
        {"input": []},
        {"input": [{"role": "wizard", "content": "x"}]},
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        {"input": [{"type": "function_call_output", "call_id": "call_nothing", "output": "x"}]},
        {"input": [{"type": "item_reference", "id": "x"}]},
        {"previous_response_id": "resp_nothing"},
        {"tools": [{"type": "web_search"}]},
        {"tool_choice": "required"},
        {"tools": [SEARCH], "tool_choice": {"type": "function", "name": "nothing"}},
        {"text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "no-type"}}}},
        {"background": True},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        {"include": ["file_search_call.results"]},
        {"max_output_tokens": 0},
        {"truncation": "sometimes"},
        {"temperature": -1},
        {"metadata": {"a": 1}},
        {"instructions": 7},
        {"extra_body": {"no_such_parameter": 1}},
    ],
    ids=lambda parameters: json.dumps(parameters)[:70],
)
def test_what_is_wrong_or_not_honoured_is_refused(responding_client: openai.OpenAI, parameters: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(responding_client, **parameters)
    assert caught.value.type == "invalid_request_error"
