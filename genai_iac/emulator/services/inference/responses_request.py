"""The body of a Responses call, read into a prompt, and the store of responses.

Stored responses can be fetched, deleted and continued with `previous_response_id`. What cannot be honoured is refused, never passed over.
Stored responses belong to the tenancy, as the key or user that made them does; only the newest are kept.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from genai_iac.emulator.http.requests import as_object, optional_object, optional_text, read_flag
from genai_iac.emulator.http.responses import invalid, missing
from genai_iac.emulator.services.inference.prompt import (
    MAX_TOOLS,
    WITHOUT_EFFECT,
    Body,
    Conversation,
    Prompt,
    Tool,
    ToolChoice,
    check_choice,
    check_without_effect,
    read_count,
    read_json_format,
    read_tool,
    refuse_unknown,
)
from genai_iac.emulator.storage.database import encode_json

KEPT = 1_000  # responses of one tenancy


class Said(Struct, frozen=True):
    """A conversation up to here: the texts in order, and the calls of tools by id (to the tool's name)."""

    texts: tuple[str, ...] = ()  # of all messages, oldest first
    calls: Mapping[str, str] = field(default_factory=dict)


def store_response(connection: sqlite3.Connection, response: dict[str, Any], said: Said) -> None:
    """Keep a response; the oldest go when there are too many."""
    text = encode_json({"texts": said.texts, "calls": said.calls})
    cursor = connection.execute(
        "INSERT INTO model_responses (id, body, said) VALUES (?,?,?)", (response["id"], encode_json(response), text)
    )
    connection.execute("DELETE FROM model_responses WHERE seq <= ?", ((cursor.lastrowid or 0) - KEPT,))


def find_response(connection: sqlite3.Connection, identity: str) -> tuple[dict[str, Any], Said] | None:
    """A response and the conversation it ended."""
    row = connection.execute("SELECT body, said FROM model_responses WHERE id = ?", (identity,)).fetchone()
    if row is None:
        return None
    said = json.loads(row["said"])
    return json.loads(row["body"]), Said(tuple(said["texts"]), said["calls"])


def delete_response(connection: sqlite3.Connection, identity: str) -> None:
    """Forget a response."""
    connection.execute("DELETE FROM model_responses WHERE id = ?", (identity,))


_HONOURED = (
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "text", "max_output_tokens",
    "previous_response_id", "store", "stream", "stream_options", "max_tool_calls", "include",
)  # fmt: skip
_ACCEPTED = ("reasoning", "truncation")
# Parameters whose effect a caller would miss, with the reason that the 400 gives.
_REFUSED = {
    "background": "every response is made at once",
    "conversation": "there are no conversations; use previous_response_id",
    "prompt": "there are no prompt templates",
    "top_logprobs": "no model is run, so there are no probabilities",
}
_ROLES = ("system", "developer", "user", "assistant")  # of messages
_PARTS = {"input_text": "text", "output_text": "text", "refusal": "refusal", "input_image": None}
_INCLUDABLE = ("reasoning.encrypted_content", "message.input_image.image_url")  # values of `include`


class ResponsesRequest(Struct, frozen=True):
    """A Responses call: its prompt, what was said with it added, and how it is answered."""

    prompt: Prompt
    said: Said  # what the next response continues from
    stream: bool
    store: bool  # False: it cannot be fetched or continued


def read_responses_request(body: Body, model: str, before: Said) -> ResponsesRequest:
    """The request in a body, after what was `said` before it; ServiceError 400 for what is wrong or not honoured."""
    refuse_unknown(body, (*_HONOURED, *_ACCEPTED, *WITHOUT_EFFECT), _REFUSED)
    check_without_effect(body)
    _check_lesser(body)
    tools = _read_tools(body)
    said, last_role = _read_input(body, before)
    instructions = optional_text(body, "instructions", most=1_000_000)
    texts = (*((instructions,) if instructions else ()), *said.texts)
    prompt = Prompt(
        model,
        Conversation(texts, last_role, tuple(said.calls.values())),
        tools,
        check_choice(_read_choice(body.get("tool_choice")), tools),
        _read_format(body),
        max_tokens=read_count(body, "max_output_tokens"),
    )
    return ResponsesRequest(prompt, said, read_flag(body, "stream"), read_flag(body, "store", True))


def _check_lesser(body: Body) -> None:
    if body.get("truncation") not in (None, "auto", "disabled"):
        raise invalid("truncation must be auto or disabled.")
    optional_object(body, "reasoning")
    if body.get("stream_options") and body.get("stream") is not True:
        raise invalid("stream_options is only allowed when stream is true.")
    include = body.get("include") or []
    if not isinstance(include, list) or any(item not in _INCLUDABLE for item in include):
        raise invalid(f"include may hold {', '.join(_INCLUDABLE)}; the emulator has nothing else to include.")
    read_flag(body, "parallel_tool_calls", True)
    read_count(body, "max_tool_calls")


def _read_tools(body: Body) -> tuple[Tool, ...]:
    tools = body.get("tools") or []
    if not isinstance(tools, list) or len(tools) > MAX_TOOLS:
        raise invalid(f"tools must be a list of at most {MAX_TOOLS}.")
    for number, tool in enumerate(tools):
        if as_object(tool, f"tools[{number}]").get("type") != "function":
            raise invalid(f"tools[{number}].type must be function: the emulator has no other tools.")
    return tuple(read_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools))


def _read_choice(value: Any) -> ToolChoice:
    if value is None or value in ("none", "auto", "required"):
        return ToolChoice(value or "auto")
    if not isinstance(value, dict) or value.get("type") != "function" or not isinstance(value.get("name"), str):
        raise invalid('tool_choice must be none, auto, required or {"type": "function", "name": …}.')
    return ToolChoice("required", value["name"])


def _read_format(body: Body) -> dict[str, Any] | None:
    form = optional_object(optional_object(body, "text"), "format")
    return read_json_format(form.get("type"), form, "text.format")


def _read_input(body: Body, before: Said) -> tuple[Said, str]:
    given = body.get("input")
    if given is None:
        raise missing("input")
    if isinstance(given, str):
        return Said((*before.texts, given), before.calls), "user"
    if not isinstance(given, list) or not given:
        raise invalid("input must be a string or a list of items.")
    texts, calls, role = list(before.texts), dict(before.calls), "user"
    for number, item in enumerate(given):
        text, role = _read_item(as_object(item, f"input[{number}]"), calls, f"input[{number}]")
        texts.append(text)
    return Said(tuple(texts), calls), role


def _read_item(item: dict[str, Any], calls: dict[str, str], where: str) -> tuple[str, str]:
    """The item's text and role; a call of a tool is added to `calls` (id to name)."""
    kind = item.get("type", "message")
    if kind == "message":
        role = item.get("role")
        if role not in _ROLES:
            raise invalid(f"{where}.role must be one of {', '.join(_ROLES)}.")
        return _read_content(item.get("content"), f"{where}.content"), str(role)
    if kind == "function_call":
        values = [item.get(name) for name in ("call_id", "name", "arguments")]
        if not all(isinstance(value, str) for value in values):
            raise invalid(f"{where} needs call_id, name and arguments.")
        calls[str(values[0])] = str(values[1])
        return str(values[2]), "assistant"
    if kind == "function_call_output":
        if item.get("call_id") not in tuple(calls):
            raise invalid(f"No tool call found for function call output with call_id {item.get('call_id')}.")
        return _read_content(item.get("output"), f"{where}.output"), "tool"
    if kind == "reasoning":
        return "", "assistant"
    raise invalid(f"{where}.type must be message, function_call, function_call_output or reasoning.")


def _read_content(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(f"{where} must be a string or a list of parts.")
    return " ".join(_read_part(part, f"{where}[{number}]") for number, part in enumerate(content)).strip()


def _read_part(part: Any, where: str) -> str:
    kind = as_object(part, where).get("type")
    if not isinstance(kind, str) or kind not in _PARTS:
        raise invalid(f"{where}.type must be one of {', '.join(_PARTS)}.")
    name = _PARTS[kind]
    value = "" if name is None else part.get(name)
    if not isinstance(value, str):
        raise invalid(f"{where}.{name} must be a string.")
    return value
