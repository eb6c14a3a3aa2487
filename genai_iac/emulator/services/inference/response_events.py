"""The events of a streamed response, from the response as it begins and as it ends."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from genai_iac.emulator.services.inference.fake_completion import split_words

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
