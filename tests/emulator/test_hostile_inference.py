"""Bodies of the inference endpoints with a wrong value in every place: an answer or a refusal, never a failure inside."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from .clients import CHAT_ANY, CHICAGO, MODEL, Clients
from .signed import call, send

WRONG: list[Any] = [None, True, -1, 1e308, "", "x", [], [None], ["x"], [[]], {}, {"type": "x"}, {"x": {"y": [1]}}]
TOOL = {"name": "t", "description": "-", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}
CALL = {"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}
CHAT = {
    "model": MODEL,
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "x"}}]},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ],
    "tools": [{"type": "function", "function": TOOL}],
    "tool_choice": {"type": "function", "function": {"name": "t"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
    "stop": ["x"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "metadata": {"a": "b"},
}
RESPONSE = {
    "model": MODEL,
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
        {"type": "function_call", "call_id": "c", "name": "t", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
    ],
    "tools": [{"type": "function", **TOOL}],
    "tool_choice": {"type": "function", "name": "t"},
    "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}}},
    "reasoning": {"effort": "low"},
    "include": ["reasoning.encrypted_content"],
}
SERVING = {"servingType": "ON_DEMAND", "modelId": MODEL}
GENERIC = {
    "compartmentId": "ROOT",
    "servingMode": SERVING,
    "chatRequest": {
        "apiFormat": "GENERIC",
        "messages": [
            {"role": "USER", "content": [{"type": "TEXT", "text": "x"}]},
            {"role": "ASSISTANT", "toolCalls": [{"id": "c", "type": "FUNCTION", "name": "t", "arguments": "{}"}]},
            {"role": "TOOL", "toolCallId": "c", "content": [{"type": "TEXT", "text": "x"}]},
        ],
        "tools": [{"type": "FUNCTION", **TOOL}],
        "toolChoice": {"type": "FUNCTION", "name": "t"},
        "responseFormat": {"type": "JSON_SCHEMA", "jsonSchema": {"name": "s", "schema": {"type": "object"}}},
        "streamOptions": {"isIncludeUsage": True},
        "isStream": True,
    },
}
COHERE = {
    "compartmentId": "ROOT",
    "servingMode": {**SERVING, "modelId": "cohere.command-a-03-2025"},
    "chatRequest": {
        "apiFormat": "COHERE",
        "message": "x",
        "chatHistory": [{"role": "USER", "message": "x"}],
        "tools": [
            {"name": "t", "description": "-", "parameterDefinitions": {"q": {"type": "str", "isRequired": True}}}
        ],
        "toolResults": [{"call": {"name": "t", "parameters": {}}, "outputs": [{"a": 1}]}],
        "responseFormat": {"type": "JSON_OBJECT", "schema": {"type": "object"}},
    },
}
EMBED = {"compartmentId": "ROOT", "servingMode": {**SERVING, "modelId": "cohere.embed-v4.0"}, "inputs": ["x"]}
RANK = {
    "compartmentId": "ROOT",
    "servingMode": {**SERVING, "modelId": "cohere.rerank.3-5"},
    "input": "x",
    "documents": ["x"],
    "topN": 1,
}
SCRIPT = {"match": {"text": "x"}, "toolCalls": [{"name": "t", "arguments": {}}], "delay": "0s", "times": 1}


def spoilt(body: Any) -> Iterator[Any]:
    """The body with each of its members in turn replaced by each wrong value, or left out."""
    for path in _paths(body):
        for value in WRONG:
            changed = deepcopy(body)
            place = changed
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            yield changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in steps:
        yield (*path, step)
        yield from _paths(part, (*path, step))


@pytest.fixture(scope="module")
def key(shared: Clients) -> str:
    shared.policy("inference", CHAT_ANY, CHAT_ANY.replace("use generative-ai-chat", "manage generative-ai-response"))
    return str(shared.key(shared.compartment("inference")).keys[0].key)


@pytest.mark.parametrize(("path", "body"), [("chat/completions", CHAT), ("responses", RESPONSE)])
def test_openai_bodies(shared: Clients, key: str, path: str, body: Any) -> None:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for changed in (body, *spoilt(body)):
        content = json.dumps(changed).encode()
        reply = send(shared.tenancy.url, "POST", f"/r/{CHICAGO}/openai/v1/{path}", content, headers)
        assert reply.status in ((200,) if changed is body else (200, 400, 404)), (changed, reply.body)


@pytest.mark.parametrize(
    ("action", "body"), [("chat", GENERIC), ("chat", COHERE), ("embedText", EMBED), ("rerankText", RANK)]
)
def test_native_bodies(shared: Clients, action: str, body: Any) -> None:
    body = {**body, "compartmentId": shared.root}
    for changed in (body, *spoilt(body)):
        reply = call(shared, "POST", f"/r/{CHICAGO}/20231130/actions/{action}", changed)
        assert reply.status in ((200,) if changed is body else (200, 400, 404)), (changed, reply.body)


def test_scripts(shared: Clients) -> None:
    for changed in (SCRIPT, *spoilt(SCRIPT)):
        content = json.dumps(changed).encode()
        reply = send(shared.tenancy.url, "POST", "/_local/inference", content, {"content-type": "application/json"})
        assert reply.status in ((200,) if changed is SCRIPT else (200, 400)), (changed, reply.body)
        send(shared.tenancy.url, "DELETE", "/_local/inference")
