"""Chat Completions, whole and streamed."""

from collections.abc import Iterator
from typing import Any

from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.inference.callers import identify
from genai_iac.emulator.services.inference.chat_request import ChatRequest, read_chat_request
from genai_iac.emulator.services.inference.errors import inference_error
from genai_iac.emulator.services.inference.event_stream import DONE, event_stream, format_event
from genai_iac.emulator.services.inference.fake_completion import complete, split_words
from genai_iac.emulator.services.inference.models import read_model
from genai_iac.emulator.services.inference.project import check_project
from genai_iac.emulator.services.inference.prompt import Completion, ToolCall
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import make_etag
from genai_iac.emulator.storage.time_format import SECOND


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
