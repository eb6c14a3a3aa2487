"""Chat Completions, whole and streamed. Of the request's body, what cannot be honoured is refused, never passed over."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from genai_iac.emulator.http.requests import as_object, items, optional_items, read_flag
from genai_iac.emulator.http.responses import Answer, invalid
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.inference.callers import check_project, identify
from genai_iac.emulator.services.inference.fake_completion import complete, split_words
from genai_iac.emulator.services.inference.models import read_model
from genai_iac.emulator.services.inference.prompt import (
    DONE,
    MAX_TOOLS,
    WITHOUT_EFFECT,
    Body,
    Completion,
    Conversation,
    Prompt,
    Tool,
    ToolCall,
    ToolChoice,
    check_choice,
    check_without_effect,
    event_stream,
    format_event,
    inference_error,
    read_count,
    read_json_format,
    read_stop,
    read_tool,
    refuse_unknown,
)
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import make_etag
from genai_iac.emulator.storage.time_format import SECOND

_HONOURED = (
    "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format", "n", "stop", "max_tokens",
    "max_completion_tokens", "stream", "stream_options",
)  # fmt: skip
_ACCEPTED = ("seed", "reasoning_effort", "verbosity", "logit_bias", "prediction", "modalities")
# Parameters whose effect a caller would miss, with the reason that the 400 gives.
_REFUSED = {
    "logprobs": "no model is run, so there are no probabilities",
    "top_logprobs": "no model is run, so there are no probabilities",
    "audio": "answers are text",
    "functions": "use tools",
    "function_call": "use tool_choice",
    "web_search_options": "there is no web search",
    "store": "chat completions are not stored",
}
_ROLES = ("system", "developer", "user", "assistant", "tool")  # of messages
# types of content parts by role; other roles have texts only
_PARTS = {"user": ("text", "image_url"), "assistant": ("text", "refusal")}


class ChatRequest(Struct, frozen=True):
    """A chat call: its prompt, how many answers, and whether they are streamed (with usage at the end)."""

    prompt: Prompt
    count: int  # `n`
    stream: bool
    usage_streamed: bool


def read_chat_request(body: Body, model: str) -> ChatRequest:
    """The request in a body; ServiceError 400 for what is wrong or cannot be honoured."""
    refuse_unknown(body, (*_HONOURED, *_ACCEPTED, *WITHOUT_EFFECT), _REFUSED)
    check_without_effect(body)
    if body.get("modalities") not in (None, ["text"]):
        raise invalid('modalities must be ["text"]: the emulator has no other answers.')
    tools = _read_tools(body)
    prompt = Prompt(
        model,
        _read_messages(body),
        tools,
        check_choice(_read_choice(body.get("tool_choice")), tools),
        _read_format(body.get("response_format")),
        read_stop(body),
        read_count(body, "max_completion_tokens") or read_count(body, "max_tokens"),
    )
    stream = read_flag(body, "stream")
    options = body.get("stream_options") or {}
    if options and not stream:
        raise invalid("stream_options is only allowed when stream is true.")
    usage = read_flag(as_object(options, "stream_options"), "include_usage")
    read_flag(body, "parallel_tool_calls", True)
    return ChatRequest(prompt, read_count(body, "n", most=128) or 1, stream, usage)


def _read_tools(body: Body) -> tuple[Tool, ...]:
    tools = body.get("tools") or []
    if not isinstance(tools, list) or len(tools) > MAX_TOOLS:
        raise invalid(f"tools must be a list of at most {MAX_TOOLS}.")
    read = []
    for number, tool in enumerate(tools):
        where = f"tools[{number}]"
        if as_object(tool, where).get("type") != "function":
            raise invalid(f"{where}.type must be function: the emulator has no other tools.")
        read.append(read_tool(tool.get("function"), f"{where}.function"))
    return tuple(read)


def _read_choice(value: Any) -> ToolChoice:
    if value is None or value in ("none", "auto", "required"):
        return ToolChoice(value or "auto")
    function = value.get("function") if isinstance(value, dict) and value.get("type") == "function" else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise invalid('tool_choice must be none, auto, required or {"type": "function", "function": {"name": …}}.')
    return ToolChoice("required", function["name"])


def _read_format(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    given = as_object(value, "response_format")
    return read_json_format(given.get("type"), given.get("json_schema"), "response_format.json_schema")


def _read_messages(body: Body) -> Conversation:
    messages = [as_object(message, "messages") for message in items(body, "messages")]
    if not messages:
        raise invalid("messages must not be empty.")
    texts: list[str] = []
    called: dict[str, str] = {}
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        role = message.get("role")
        if role not in _ROLES:
            raise invalid(f"{where}.role must be one of {', '.join(_ROLES)}.")
        if role == "tool" and message.get("tool_call_id") not in tuple(called):
            raise invalid(f"{where}.tool_call_id names no tool call of an assistant message before it.")
        calls = _read_calls(message, where) if role == "assistant" else []
        called |= {identity: name for identity, name, _ in calls}
        texts.append(" ".join([_read_content(message, role, where, bool(calls)), *(call[2] for call in calls)]).strip())
    return Conversation(tuple(texts), messages[-1]["role"], tuple(called.values()))


def _read_calls(message: dict[str, Any], where: str) -> list[tuple[str, str, str]]:
    found = []
    for number, item in enumerate(optional_items(message, "tool_calls")):
        place = f"{where}.tool_calls[{number}]"
        call = as_object(item, place)
        function = as_object(call.get("function"), f"{place}.function")
        values = (call.get("id"), function.get("name"), function.get("arguments"))
        if not all(isinstance(value, str) for value in values):
            raise invalid(f"{place} needs id, function.name and function.arguments.")
        found.append((str(values[0]), str(values[1]), str(values[2])))
    return found


def _read_content(message: dict[str, Any], role: str, where: str, may_lack: bool) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if content is None and (may_lack or (role == "assistant" and message.get("refusal") is not None)):
        return ""
    if not isinstance(content, list) or not content:
        raise invalid(f"{where}.content must be a string or a list of parts.")
    return " ".join(
        _read_part(part, _PARTS.get(role, ("text",)), f"{where}.content[{number}]")
        for number, part in enumerate(content)
    ).strip()


def _read_part(part: Any, kinds: tuple[str, ...], where: str) -> str:
    kind = as_object(part, where).get("type")
    if kind not in kinds:
        raise invalid(f"{where}.type must be one of {', '.join(kinds)}.")
    if kind == "image_url":
        if not isinstance(as_object(part.get("image_url"), f"{where}.image_url").get("url"), str):
            raise invalid(f"{where}.image_url.url must be a string.")
        return ""
    value = part.get(kind)
    if not isinstance(value, str):
        raise invalid(f"{where}.{kind} must be a string.")
    return value


def _complete(call: OperationContext) -> Answer:
    caller = identify(call)
    asked = read_model(call)
    model = asked.name
    request = read_chat_request(call.body, model)
    required = call.world.settings.projectRequired and call.operation.path.startswith("/openai/")
    check_project(call, required=required)
    caller.use(model, asked.profile)
    completion = complete(call, request.prompt)
    if completion.error is not None:
        return inference_error(completion.error, principal=caller.principal, delay=completion.delay)
    base = {"id": f"chatcmpl-{make_etag()[:24]}", "created": call.now // SECOND, "model": model}
    headers = asked.headers
    if request.stream:
        return Answer(
            headers=headers,
            stream=event_stream(_chunks(base, request, completion)),
            content_type="text/event-stream",
            principal=caller.principal,
            delay=completion.delay,
        )
    choices = [_choice(index, completion) for index in range(request.count)]
    body = {**base, "object": "chat.completion", "choices": choices, "usage": _usage(completion, request.count)}
    return Answer(body, headers=headers, principal=caller.principal, delay=completion.delay)


OPERATIONS = tuple(
    operation("generative-ai-inference", "ChatCompletions", f"POST {prefix}/chat/completions", auth="either")(_complete)
    for prefix in ("/20231130/actions/v1", "/openai/v1")
)


def _choice(index: int, completion: Completion) -> dict[str, Any]:
    calls = completion.tool_calls
    message: dict[str, Any] = {"role": "assistant", "content": completion.text, "refusal": None}
    if calls:
        message |= {"content": completion.text or None, "tool_calls": [_show_call(call) for call in calls]}
    return {"index": index, "message": message, "finish_reason": _finish_reason(completion), "logprobs": None}


def _show_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish_reason(completion: Completion) -> str:
    if completion.cut:
        return "length"
    return "tool_calls" if completion.tool_calls else "stop"


def _usage(completion: Completion, count: int) -> dict[str, int]:
    asked, said = completion.prompt_tokens, completion.completion_tokens * count
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _chunks(base: dict[str, Any], request: ChatRequest, completion: Completion) -> Iterator[bytes]:
    head = {**base, "object": "chat.completion.chunk"}
    for index in range(request.count):
        for delta in _deltas(completion):
            yield format_event({**head, "choices": [_delta(index, delta)]})
        yield format_event({**head, "choices": [_delta(index, {}, _finish_reason(completion))]})
    if request.usage_streamed:
        yield format_event({**head, "choices": [], "usage": _usage(completion, request.count)})
    yield DONE


def _deltas(completion: Completion) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": "" if completion.text or not completion.tool_calls else None}
    if completion.text:
        for piece in split_words(completion.text):
            yield {"content": piece}
    for position, call in enumerate(completion.tool_calls):
        shown = _show_call(call)
        yield {"tool_calls": [{"index": position, **shown, "function": {"name": call.name, "arguments": ""}}]}
        for piece in split_words(call.arguments):
            yield {"tool_calls": [{"index": position, "function": {"arguments": piece}}]}


def _delta(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}
