"""OCI's own chat action, whole and streamed, in the formats GENERIC, COHERE and COHEREV2."""

import json
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.http.requests import part
from genai_iac.emulator.http.responses import Answer, answer_error
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.inference.fake_completion import complete, split_words
from genai_iac.emulator.services.inference.models import admit_native, retirement_headers
from genai_iac.emulator.services.inference.native_request import read_native_request
from genai_iac.emulator.services.inference.prompt import Completion, ToolCall, event_stream, format_event
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import make_etag
from genai_iac.emulator.storage.time_format import format_instant
from genai_iac.vocabulary import CHAT


@operation("generative-ai-inference", "Chat", "POST /20231130/actions/chat")
def chat(call: OperationContext) -> Answer:
    """Chat."""
    model = admit_native(call, CHAT)
    body = part(call.body, "chatRequest")
    request = read_native_request(body, model)
    completion = complete(call, request.prompt)
    if completion.error is not None:
        return replace(answer_error(completion.error), delay=completion.delay)
    headers = retirement_headers(model)
    kind = str(body["apiFormat"])
    if request.stream:
        events = (format_event(event) for event in _events(kind, completion, request.count))
        return Answer(
            headers=headers, stream=event_stream(events), content_type="text/event-stream", delay=completion.delay
        )
    shown = _show(kind, completion, request.count, format_instant(call.now))
    result = {"modelId": model, "modelVersion": "1.0", "chatResponse": shown}
    return Answer(result, headers=headers, delay=completion.delay)


OPERATIONS = (chat,)


def _show(kind: str, completion: Completion, count: int, now: str) -> dict[str, Any]:
    usage = _usage(completion, count)
    if kind == "GENERIC":
        finish = _generic_finish(completion)
        choices = [
            {"index": index, "message": _generic_message(completion), "finishReason": finish} for index in range(count)
        ]
        return {"apiFormat": kind, "timeCreated": now, "choices": choices, "usage": usage}
    finish = _cohere_finish(kind, completion)
    if kind == "COHERE":
        calls = [_cohere_call(call) for call in completion.tool_calls]
        more = {"toolCalls": calls} if calls else {}
        history = [{"role": "CHATBOT", "message": completion.text}]
        return {
            "apiFormat": kind,
            "text": completion.text,
            "chatHistory": history,
            "finishReason": finish,
            **more,
            "usage": usage,
        }
    message = _cohere_v2_message(completion)
    return {"apiFormat": kind, "id": make_etag()[:32], "message": message, "finishReason": finish, "usage": usage}


def _generic_message(completion: Completion) -> dict[str, Any]:
    calls = [
        {"id": call.id, "type": "FUNCTION", "name": call.name, "arguments": call.arguments}
        for call in completion.tool_calls
    ]
    return {"role": "ASSISTANT", "content": _text_parts(completion), **({"toolCalls": calls} if calls else {})}


def _cohere_v2_message(completion: Completion) -> dict[str, Any]:
    calls = [
        {"id": call.id, "type": "FUNCTION", "function": {"name": call.name, "arguments": call.arguments}}
        for call in completion.tool_calls
    ]
    return {"role": "ASSISTANT", "content": _text_parts(completion), **({"toolCalls": calls} if calls else {})}


def _text_parts(completion: Completion) -> list[dict[str, str]]:
    return [{"type": "TEXT", "text": completion.text}] if completion.text or not completion.tool_calls else []


def _cohere_call(call: ToolCall) -> dict[str, Any]:
    try:
        parameters = json.loads(call.arguments)
    except ValueError:  # cut by a token limit, or scripted to be broken: V1 has no text to show it in
        parameters = {}
    return {"name": call.name, "parameters": parameters}


def _generic_finish(completion: Completion) -> str:
    if completion.cut:
        return "length"
    return "tool_calls" if completion.tool_calls else "stop"


def _cohere_finish(kind: str, completion: Completion) -> str:
    if completion.cut:
        return "MAX_TOKENS"
    return "TOOL_CALL" if completion.tool_calls and kind == "COHEREV2" else "COMPLETE"


def _usage(completion: Completion, count: int) -> dict[str, int]:
    asked, said = completion.prompt_tokens, completion.completion_tokens * count
    return {"promptTokens": asked, "completionTokens": said, "totalTokens": asked + said}


def _events(kind: str, completion: Completion, count: int) -> Iterator[dict[str, Any]]:
    """The pieces of a stream; the last one has `finishReason`, by which the clients know the end."""
    if kind == "GENERIC":
        yield from _generic_events(completion, count)
        return
    for piece in split_words(completion.text) if completion.text else ():
        if kind == "COHERE":
            yield {"apiFormat": kind, "text": piece}
        else:
            yield {"apiFormat": kind, "message": {"role": "ASSISTANT", "content": [{"type": "TEXT", "text": piece}]}}
    yield _show(kind, completion, count, "")


def _generic_events(completion: Completion, count: int) -> Iterator[dict[str, Any]]:
    for index in range(count):
        for piece in split_words(completion.text) if completion.text else ():
            message = {"role": "ASSISTANT", "content": [{"type": "TEXT", "text": piece}]}
            yield {"index": index, "message": message}
        if completion.tool_calls:
            yield {"index": index, "message": _generic_message(Completion(tool_calls=completion.tool_calls))}
        usage = _usage(completion, count) if index == count - 1 else None
        last: dict[str, Any] = {"index": index, "finishReason": _generic_finish(completion)}
        yield {**last, "usage": usage} if usage else last
