"""The Responses API, whole and streamed; responses can be fetched, deleted and continued. A stream's events are made from the response."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.http.responses import Answer, ServiceError
from genai_iac.emulator.http.router import Function, operation
from genai_iac.emulator.services.inference.callers import check_project, identify
from genai_iac.emulator.services.inference.fake_completion import complete, split_words
from genai_iac.emulator.services.inference.models import PREFIXES, read_model, require_responses
from genai_iac.emulator.services.inference.prompt import Completion, event_stream, format_event, inference_error
from genai_iac.emulator.services.inference.responses_request import (
    Said,
    delete_response,
    find_response,
    read_responses_request,
    store_response,
)
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import make_etag
from genai_iac.emulator.storage.time_format import SECOND

Event = dict[str, Any]


def response_events(begun: Event, ended: Event) -> Iterator[Event]:
    """All events in order, numbered."""
    numbers = count()
    for event in _events(begun, ended):
        yield {**event, "sequence_number": next(numbers)}


def _events(begun: Event, ended: Event) -> Iterator[Event]:
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(ended["output"]):
        empty: Event = {"content": []} if item["type"] == "message" else {"arguments": ""}
        added = {**item, **empty, "status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": index, "item": added}
        yield from _message_events(index, item) if item["type"] == "message" else _call_events(index, item)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": f"response.{ended['status']}", "response": ended}


def _message_events(index: int, item: Event) -> Iterator[Event]:
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    part = item["content"][0]
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
    for piece in split_words(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}


def _call_events(index: int, item: Event) -> Iterator[Event]:
    place = {"item_id": item["id"], "output_index": index}
    for piece in split_words(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    yield {
        "type": "response.function_call_arguments.done",
        **place,
        "name": item["name"],
        "arguments": item["arguments"],
    }


# what a response repeats of its request, with the value that holds when the request does not say
_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def _create(call: OperationContext) -> Answer:
    caller = identify(call)
    asked = read_model(call)
    model = asked.name
    require_responses(model)
    before = _read_previous(call)
    request = read_responses_request(call.body, model, before)
    check_project(call, required=call.world.settings.projectRequired)
    caller.use(model, asked.profile)
    completion = complete(call, request.prompt)
    if completion.error is not None:
        return inference_error(completion.error, principal=caller.principal, delay=completion.delay)
    begun = _begin(call, model)
    ended = _end(begun, completion)
    if request.store:
        store_response(call.connection, ended, _said_after(request.said, completion))
    answer = Answer(headers=asked.headers, principal=caller.principal, delay=completion.delay)
    if request.stream:
        events = (format_event(event, event["type"]) for event in response_events(begun, ended))
        return replace(answer, stream=event_stream(events), content_type="text/event-stream")
    return replace(answer, body=ended)


def _get(call: OperationContext) -> Answer:
    caller = identify(call)
    response = _find(call)
    caller.use(response["model"])
    return Answer(response, principal=caller.principal)


def _delete(call: OperationContext) -> Answer:
    caller = identify(call)
    response = _find(call)
    caller.use(response["model"])
    delete_response(call.connection, response["id"])
    return Answer({"id": response["id"], "object": "response", "deleted": True}, principal=caller.principal)


_ROUTES: tuple[tuple[str, str, str, Function], ...] = (
    ("CreateResponse", "POST", "", _create),
    ("GetResponse", "GET", "/{responseId}", _get),
    ("DeleteResponse", "DELETE", "/{responseId}", _delete),
)
OPERATIONS = tuple(
    operation("generative-ai-inference", name, f"{method} {prefix}/responses{rest}", auth="either")(function)
    for prefix in PREFIXES
    for name, method, rest, function in _ROUTES
)


def _find(call: OperationContext) -> dict[str, Any]:
    identity = call.ocid("responseId")
    found = find_response(call.connection, identity)
    if found is None:
        raise ServiceError(404, "NotAuthorizedOrNotFound", f"Response with id '{identity}' not found.")
    return found[0]


def _read_previous(call: OperationContext) -> Said:
    identity = call.body.get("previous_response_id")
    if identity is None:
        return Said()
    found = find_response(call.connection, identity) if isinstance(identity, str) else None
    if found is None:
        message = f"Previous response with id '{identity}' not found."
        raise ServiceError(400, "previous_response_not_found", message)
    return found[1]


def _begin(call: OperationContext, model: str) -> dict[str, Any]:
    given = {name: value for name, value in call.body.items() if name in _ECHOED and value is not None}
    if "text" in given:
        given["text"] = {**_ECHOED["text"], **given["text"]}
    return {
        "id": f"resp_{make_etag()[:32]}",
        "object": "response",
        "created_at": call.now // SECOND,
        "status": "in_progress",
        "model": model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        **_ECHOED,
        **given,
        "usage": None,
    }


def _end(begun: dict[str, Any], completion: Completion) -> dict[str, Any]:
    state = "incomplete" if completion.cut else "completed"
    details = {"reason": "max_output_tokens"} if completion.cut else None
    output = _output(begun["id"].removeprefix("resp_"), completion, state)
    return {**begun, "status": state, "incomplete_details": details, "output": output, "usage": _usage(completion)}


def _output(identity: str, completion: Completion, state: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if completion.text or not completion.tool_calls:
        part = {"type": "output_text", "text": completion.text, "annotations": [], "logprobs": []}
        message = {"id": f"msg_{identity}", "type": "message", "role": "assistant", "status": state, "content": [part]}
        items.append(message)
    for number, item in enumerate(completion.tool_calls):
        call = {"call_id": item.id, "name": item.name, "arguments": item.arguments}
        items.append({"id": f"fc_{identity}{number}", "type": "function_call", "status": state, **call})
    return items


def _said_after(said: Said, completion: Completion) -> Said:
    answered = (completion.text, *(call.arguments for call in completion.tool_calls))
    calls = {call.id: call.name for call in completion.tool_calls}
    return Said((*said.texts, *(text for text in answered if text)), {**said.calls, **calls})


def _usage(completion: Completion) -> dict[str, Any]:
    asked, said = completion.prompt_tokens, completion.completion_tokens
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + said,
    }
