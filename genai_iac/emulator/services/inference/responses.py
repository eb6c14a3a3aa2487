"""The Responses API, whole and streamed. Nothing is stored: a response cannot be fetched again."""

import json
from collections.abc import AsyncIterator
from typing import Any

from genai_iac.emulator.http.errors import invalid, missing
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.inference.bearer import Bearer
from genai_iac.emulator.services.inference.fake_completion import completion_text, count_tokens, split_words, text_of
from genai_iac.emulator.services.inference.models import find_model, require_responses
from genai_iac.emulator.services.inference.project import check_project
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import make_etag
from genai_iac.emulator.storage.time_format import SECOND


def _create(call: OperationContext) -> Answer:
    bearer = Bearer(call)
    asked = find_model(call)
    model = asked.name
    require_responses(model)
    question = _read_input(call)
    check_project(call, required=call.world.settings.projectRequired)
    bearer.use(model, asked.profile)
    response = _response(call, model)
    reply = completion_text(question)
    usage = _usage(question, reply)
    if call.body.get("stream") is True:
        return Answer(
            stream=_stream(response, reply, usage),
            content_type="text/event-stream",
            headers=asked.headers,
            principal=bearer.principal,
        )
    return Answer(_completed(response, reply, usage), headers=asked.headers, principal=bearer.principal)


OPERATIONS = tuple(
    operation("generative-ai-inference", "CreateResponse", f"POST {prefix}/responses", auth="bearer")(_create)
    for prefix in ("/20231130/actions/v1", "/openai/v1")
)


def _read_input(call: OperationContext) -> str:
    given = call.body.get("input")
    if given is None:
        raise missing("input")
    if isinstance(given, str):
        return given
    if not isinstance(given, list) or not given or not isinstance(given[-1], dict):
        raise invalid("input must be a string or a list of messages.")
    return text_of(given[-1].get("content"))


def _response(call: OperationContext, model: str) -> dict[str, Any]:
    return {
        "id": f"resp_{make_etag()[:32]}",
        "object": "response",
        "created_at": call.now // SECOND,
        "status": "in_progress",
        "model": model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
    }


def _message(response: dict[str, Any], reply: str, status: str = "completed") -> dict[str, Any]:
    parts = [_part(reply)] if status == "completed" else []
    identity = "msg_" + response["id"].removeprefix("resp_")
    return {"id": identity, "type": "message", "role": "assistant", "status": status, "content": parts}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _completed(response: dict[str, Any], reply: str, usage: dict[str, Any]) -> dict[str, Any]:
    return {**response, "status": "completed", "output": [_message(response, reply)], "usage": usage}


def _usage(question: str, reply: str) -> dict[str, Any]:
    asked, said = count_tokens(question), count_tokens(reply)
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + said,
    }


async def _stream(response: dict[str, Any], reply: str, usage: dict[str, Any]) -> AsyncIterator[bytes]:
    for number, event in enumerate(_events(response, reply, usage)):
        data = json.dumps({**event, "sequence_number": number}, separators=(",", ":"))
        yield f"event: {event['type']}\ndata: {data}\n\n".encode()


def _events(response: dict[str, Any], reply: str, usage: dict[str, Any]) -> list[dict[str, Any]]:
    begun = _message(response, reply, "in_progress")
    place = {"item_id": begun["id"], "output_index": 0, "content_index": 0}
    words = [
        {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in split_words(reply)
    ]
    return [
        {"type": "response.created", "response": response},
        {"type": "response.in_progress", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", **place, "part": _part("")},
        *words,
        {"type": "response.output_text.done", **place, "text": reply, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": _part(reply)},
        {"type": "response.output_item.done", "output_index": 0, "item": _message(response, reply)},
        {"type": "response.completed", "response": _completed(response, reply, usage)},
    ]
