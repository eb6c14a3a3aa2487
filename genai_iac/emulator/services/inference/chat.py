"""Chat Completions, whole and streamed."""

import json
from collections.abc import AsyncIterator
from typing import Any

from genai_iac.emulator.http.errors import invalid
from genai_iac.emulator.http.request_fields import as_object, items
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.inference.bearer import Bearer
from genai_iac.emulator.services.inference.fake_completion import completion_text, count_tokens, split_words, text_of
from genai_iac.emulator.services.inference.models import find_model
from genai_iac.emulator.services.inference.project import check_project
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import make_etag
from genai_iac.emulator.storage.time_format import SECOND


def _complete(call: OperationContext) -> Answer:
    bearer = Bearer(call)
    asked = find_model(call)
    model = asked.name
    question = _read_question(call)
    required = call.world.settings.projectRequired and call.operation.path.startswith("/openai/")
    check_project(call, required=required)
    bearer.use(model, asked.profile)
    base = {"id": f"chatcmpl-{make_etag()[:24]}", "created": call.now // SECOND, "model": model}
    reply = completion_text(question)
    usage = _usage(question, reply)
    if call.body.get("stream") is True:
        options = call.body.get("stream_options")
        counted = isinstance(options, dict) and options.get("include_usage") is True
        return Answer(
            stream=_stream(base, reply, usage if counted else None),
            content_type="text/event-stream",
            headers=asked.headers,
            principal=bearer.principal,
        )
    message = {"role": "assistant", "content": reply, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return Answer(
        {**base, "object": "chat.completion", "choices": [choice], "usage": usage},
        headers=asked.headers,
        principal=bearer.principal,
    )


OPERATIONS = tuple(
    operation("generative-ai-inference", "ChatCompletions", f"POST {prefix}/chat/completions", auth="bearer")(_complete)
    for prefix in ("/20231130/actions/v1", "/openai/v1")
)


def _read_question(call: OperationContext) -> str:
    messages = [as_object(message, "messages") for message in items(call.body, "messages")]
    if not messages:
        raise invalid("messages must not be empty.")
    for message in messages:
        if not isinstance(message.get("role"), str):
            raise invalid("Every message needs a role.")
    return text_of(messages[-1].get("content"))


def _usage(question: str, reply: str) -> dict[str, int]:
    asked, said = count_tokens(question), count_tokens(reply)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


async def _stream(base: dict[str, Any], reply: str, usage: dict[str, int] | None) -> AsyncIterator[bytes]:
    head = {**base, "object": "chat.completion.chunk"}
    yield _event({**head, "choices": [_delta({"role": "assistant", "content": ""})]})
    for piece in split_words(reply):
        yield _event({**head, "choices": [_delta({"content": piece})]})
    yield _event({**head, "choices": [_delta({}, "stop")]})
    if usage is not None:
        yield _event({**head, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _delta(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
