"""What a model is asked (`Prompt`) and what it answers (`Completion`), whichever API the request came by.

Chat Completions, Responses and the native chat action each read their own body into a `Prompt`; all of them show a `Completion` in
their own form. What they share is here too:

- parameters of the OpenAI-compatible APIs: each is honoured, checked and without effect, or refused with 400;
- server-sent events, as OpenAI's clients and the OCI SDK read them;
- errors in one body that both kinds of client read: OCI's fields on top, OpenAI's `error`.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from genai_iac.emulator.http.responses import Answer, ServiceError, invalid
from genai_iac.emulator.services.inference.smallest_value import UnfittingSchema, check_schema


class Tool(Struct, frozen=True):
    """A function the caller offers: its name and the JSON schema of its arguments."""

    name: str
    parameters: dict[str, Any]  # JSON Schema


class ToolCall(Struct, frozen=True):
    """A call of a tool that the answer asks for. `arguments` is JSON text."""

    id: str  # the tool's answer repeats it
    name: str
    arguments: str


class ToolChoice(Struct, frozen=True):
    """Which tool must be called. `mode` is none, auto or required; `name` is the tool that is demanded, if one is."""

    mode: str = "auto"
    name: str | None = None  # None: any tool


class Conversation(Struct, frozen=True):
    """What was said so far. `texts` has every message's text, in order; `called` the names of the tools called."""

    texts: tuple[str, ...] = ()
    last_role: str = "user"  # of the last message; scripts may ask for it
    called: tuple[str, ...] = ()


class Prompt(Struct, frozen=True):
    """One question to a model. `schema` is the JSON schema that the answer's text must fit, when JSON is asked for."""

    model: str
    conversation: Conversation
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = field(default_factory=ToolChoice)
    schema: dict[str, Any] | None = None
    stop: tuple[str, ...] = ()  # texts at which the answer is cut
    max_tokens: int | None = None


class Completion(Struct, frozen=True):
    """One answer. `cut`: the token limit ended it. `error`: a script wants this error in the answer's place.

    `delay` is in real milliseconds."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    cut: bool = False
    prompt_tokens: int = 1
    completion_tokens: int = 1
    error: ServiceError | None = None
    delay: int = 0


Body = Mapping[str, Any]

MAX_TOOLS = 128  # of one request
# checked to be strings
_TEXTS = ("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier")
# Numbers that are checked: lowest and highest value.
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
# no model is run, so these change nothing; a wrong value is refused all the same
WITHOUT_EFFECT = (*_RANGES, *_TEXTS, "metadata")


def refuse_unknown(body: Body, known: Iterable[str], refused: Mapping[str, str]) -> None:
    """400 for a parameter that has no effect here and would be missed, or that is no parameter at all."""
    for name, value in body.items():
        if name in refused and value not in (None, False):
            raise invalid(f"{name} is not supported by the emulator: {refused[name]}.")
        if name not in known and name not in refused:
            raise invalid(f"Unrecognized request argument supplied: {name}.")


def check_without_effect(body: Body) -> None:
    """400 for sampling parameters, names and metadata that no model would take."""
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        if value is not None and (_is_no_number(value) or not low <= value <= high):
            raise invalid(f"{name} must be a number from {low} to {high}.")
    for name in _TEXTS:
        if body.get(name) is not None and not isinstance(body[name], str):
            raise invalid(f"{name} must be a string.")
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict) or len(metadata) > 16 or not all(isinstance(v, str) for v in metadata.values()):
        raise invalid("metadata must be an object of at most 16 strings.")


def read_count(body: Body, name: str, *, most: int = 10_000_000) -> int | None:
    """A whole number from 1 that may be absent or null."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise invalid(f"{name} must be a whole number from 1 to {most}.")
    return value


def read_stop(body: Body, name: str = "stop") -> tuple[str, ...]:
    """Up to four texts at which an answer ends."""
    value = body.get(name)
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > 4 or not all(isinstance(stop, str) and stop for stop in stops):
        raise invalid(f"{name} must be a string or a list of up to 4 strings, none of them empty.")
    return tuple(stops)


def read_tool(function: Any, where: str) -> Tool:
    """A function tool from its name and `parameters`."""
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not 1 <= len(name) <= 64 or not name.replace("-", "").replace("_", "").isalnum():
        raise invalid(f"{where}: name must be 1 to 64 letters, digits, - and _.")
    parameters = function.get("parameters") or {}
    if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
        raise invalid(f"{where}: parameters must be a JSON schema of an object.")
    _check(parameters, f"{where}: parameters")
    return Tool(name, parameters)


def read_json_format(kind: Any, details: Any, where: str) -> dict[str, Any] | None:
    """The schema that an answer's text must fit; None for plain text. `details` has name and schema."""
    if kind in (None, "text"):
        return None
    if kind == "json_object":
        return {"type": "object"}
    if kind != "json_schema":
        raise invalid(f"{where}.type must be text, json_object or json_schema.")
    if not isinstance(details, dict) or not isinstance(details.get("name"), str):
        raise invalid(f"{where} needs a name and a schema.")
    schema = details.get("schema")
    if not isinstance(schema, dict):
        raise invalid(f"{where}.schema must be a JSON schema.")
    _check(schema, f"{where}.schema")
    return schema


def check_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> ToolChoice:
    """The choice itself, if there are tools for it."""
    if choice.mode == "required" and not tools:
        raise invalid("tool_choice is only allowed when tools are specified.")
    if choice.name is not None and choice.name not in {tool.name for tool in tools}:
        raise invalid(f"tool_choice: there is no tool named {choice.name}.")
    return choice


def _check(schema: dict[str, Any], where: str) -> None:
    try:
        check_schema(schema)
    except UnfittingSchema as error:
        raise invalid(f"{where}: {error}.") from None


def _is_no_number(value: Any) -> bool:
    return isinstance(value, bool) or not isinstance(value, (int, float))


DONE = b"data: [DONE]\n\n"


def format_event(data: dict[str, Any], name: str | None = None) -> bytes:
    """One event, with its name when it has one."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


async def event_stream(events: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The events one after the other, as an Answer's stream."""
    for event in events:
        yield event


# OpenAI's `error.type` by status; its clients choose their exception class by status.
_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


def inference_error(error: ServiceError, *, principal: str = "", delay: int = 0) -> Answer:
    """The answer for an error."""
    kind = _TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    inner = {"message": error.message, "type": kind, "param": None, "code": error.code}
    body = {"code": error.code, "message": error.message, "error": inner}
    return Answer(body, error.status, error.headers, principal=principal, delay=delay)
