"""Chat Completions honours what it accepts, and refuses the rest with 400; driven by OpenAI's own client."""

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel, Field

from .clients import CHAT_ANY, MODEL, Clients

HELLO = [{"role": "user", "content": "hello"}]


class Weather(BaseModel):
    """A structured answer with bounds, an optional part and a list."""

    city: str = Field(min_length=2)
    degrees: int = Field(ge=-50, le=-10)
    days: list[str] = Field(min_length=2)
    note: str | None


def tool(name: str, **parameters: Any) -> dict[str, Any]:
    """A function tool with those required arguments."""
    schema = {"type": "object", "properties": parameters, "required": list(parameters), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


SEARCH = tool("search", query={"type": "string", "minLength": 1}, limit={"type": "integer", "minimum": 5})
BOOK = tool("book", seat={"enum": ["window", "aisle"]})


@pytest.fixture(scope="module")
def chatting_client(shared: Clients) -> openai.OpenAI:
    """A client whose key may chat."""
    shared.policy("inference", CHAT_ANY)
    return shared.openai(str(shared.key(shared.compartment("inference")).keys[0].key))


def ask(client: openai.OpenAI, **parameters: Any) -> Any:
    return client.chat.completions.create(**{"model": MODEL, "messages": HELLO, **parameters})


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("required", "search"),
        ({"type": "function", "function": {"name": "book"}}, "book"),
        ("auto", None),
        ("none", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_demanded_tool_is_called_with_arguments_that_fit(
    chatting_client: openai.OpenAI, choice: Any, called: str | None, stream: bool
) -> None:
    parameters = {"tools": [SEARCH, BOOK]} | ({} if choice is None else {"tool_choice": choice})
    if stream:
        with chatting_client.chat.completions.stream(model=MODEL, messages=HELLO, **parameters) as events:  # type: ignore[arg-type]
            choice_made = events.get_final_completion().choices[0]
    else:
        choice_made = ask(chatting_client, **parameters).choices[0]
    if called is None:
        assert choice_made.finish_reason == "stop"
        assert not choice_made.message.tool_calls
        assert "hello" in choice_made.message.content
        return
    assert choice_made.finish_reason == "tool_calls"
    (call,) = choice_made.message.tool_calls
    assert call.function.name == called
    assert json.loads(call.function.arguments) == (
        {"query": "a", "limit": 5} if called == "search" else {"seat": "window"}
    )


def test_a_loop_of_required_tools_comes_to_the_last_tool(chatting_client: openai.OpenAI) -> None:
    first = ask(chatting_client, tools=[SEARCH, BOOK], tool_choice="required").choices[0].message
    answered = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "three results"}
    messages = [*HELLO, first.model_dump(exclude_none=True), answered]
    second = ask(chatting_client, tools=[SEARCH, BOOK], tool_choice="required", messages=messages).choices[0].message
    assert second.tool_calls[0].function.name == "book"
    assert "three results" in ask(chatting_client, tools=[SEARCH, BOOK], messages=messages).choices[0].message.content


def test_json_is_answered_when_json_is_asked_for(chatting_client: openai.OpenAI) -> None:
    assert json.loads(ask(chatting_client, response_format={"type": "json_object"}).choices[0].message.content) == {}
    assert "hello" in ask(chatting_client, response_format={"type": "text"}).choices[0].message.content
    parsed = chatting_client.chat.completions.parse(model=MODEL, messages=HELLO, response_format=Weather)  # type: ignore[arg-type]
    assert parsed.choices[0].message.parsed == Weather(city="aa", degrees=-10, days=["", ""], note="")


def test_several_answers_and_their_usage(chatting_client: openai.OpenAI) -> None:
    one, three = ask(chatting_client), ask(chatting_client, n=3)
    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert three.usage.completion_tokens == 3 * one.usage.completion_tokens
    chunks = list(ask(chatting_client, n=2, stream=True, stream_options={"include_usage": True}))
    texts = ["".join(c.delta.content or "" for k in chunks for c in k.choices if c.index == n) for n in (0, 1)]
    assert texts == [one.choices[0].message.content] * 2
    assert chunks[-1].usage.completion_tokens == 2 * one.usage.completion_tokens


@pytest.mark.parametrize("stop", ["no model", ["no model", "zzz"]])
def test_the_answer_ends_before_a_stop_text(chatting_client: openai.OpenAI, stop: Any) -> None:
    choice = ask(chatting_client, stop=stop).choices[0]
    assert choice.message.content == "This is the genai-iac local emulator; "
    assert choice.finish_reason == "stop"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_token_limit_cuts_the_answer_and_says_so(chatting_client: openai.OpenAI, name: str) -> None:
    answer = ask(chatting_client, **{name: 3})
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3
    assert ask(chatting_client, **{name: 1000}).choices[0].finish_reason == "stop"
    called = ask(chatting_client, tools=[SEARCH], tool_choice="required", **{name: 1}).choices[0]
    assert (called.finish_reason, called.message.tool_calls[0].function.arguments) == ("length", '{"qu')


def test_usage_counts_every_message(chatting_client: openai.OpenAI) -> None:
    long = [{"role": "system", "content": "x" * 400}, *HELLO]
    assert ask(chatting_client, messages=long).usage.prompt_tokens == ask(chatting_client).usage.prompt_tokens + 100


def test_roles_and_parts_that_are_taken(chatting_client: openai.OpenAI) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    messages = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "what is this"}, image]},
    ]
    assert "what is this" in ask(chatting_client, messages=messages).choices[0].message.content


@pytest.mark.parametrize(
    "parameters",
    [
        {"messages": [{"role": "wizard", "content": "x"}]},
        {"messages": [{"role": "user", "content": 7}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": [{"type": "sound"}]}]},
        {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"messages": [*HELLO, {"role": "tool", "tool_call_id": "call_nothing", "content": "x"}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}]},
        {"tool_choice": "required"},
        {"tools": [SEARCH], "tool_choice": {"type": "function", "function": {"name": "nothing"}}},
        {"tools": [SEARCH], "tool_choice": "sometimes"},
        {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
        {"tools": [{"type": "function", "function": {"name": "no spaces"}}]},
        {"tools": [{"type": "function", "function": {"name": "x", "parameters": {"type": "no-type"}}}]},
        {"tools": [tool("x", y={"not": {}})], "tool_choice": "required"},
        {"tools": "search"},
        {"response_format": {"type": "xml"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "http://x/"}}}},
        {"n": 0},
        {"n": 129},
        {"n": True},
        {"stop": ""},
        {"stop": ["a", "b", "c", "d", "e"]},
        {"max_tokens": 0},
        {"max_completion_tokens": -1},
        {"temperature": 3},
        {"top_p": "much"},
        {"stream": "yes"},
        {"stream_options": {"include_usage": True}},
        {"logprobs": True},
        {"store": True},
        {"functions": [{"name": "x"}]},
        {"audio": {"voice": "x", "format": "wav"}},
        {"modalities": ["audio"]},
        {"web_search_options": {"search_context_size": "low"}},
        {"metadata": {"a": 1}},
        {"extra_body": {"no_such_parameter": 1}},
    ],
    ids=lambda parameters: json.dumps(parameters)[:70],
)
def test_what_is_wrong_or_not_honoured_is_refused(chatting_client: openai.OpenAI, parameters: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(chatting_client, **parameters)
    assert caught.value.body["message"]  # type: ignore[index]
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    "parameters",
    [
        {"temperature": 0.2, "top_p": 0.9, "frequency_penalty": 1, "presence_penalty": -1},
        {"seed": 7, "user": "me", "metadata": {"a": "b"}, "logit_bias": {"50256": -100}},
        {"reasoning_effort": "low", "verbosity": "low", "service_tier": "auto", "parallel_tool_calls": False},
        {"logprobs": False, "store": False, "modalities": ["text"]},
    ],
)
def test_what_would_only_change_a_real_models_words_is_taken(
    chatting_client: openai.OpenAI, parameters: dict[str, Any]
) -> None:
    assert ask(chatting_client, **parameters).choices[0].finish_reason == "stop"
