"""Server-sent events, as OpenAI's clients and the OCI SDK read them."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

DONE = b"data: [DONE]\n\n"


def format_event(data: dict[str, Any], name: str | None = None) -> bytes:
    """One event, with its name when it has one."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


async def event_stream(events: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The events one after the other, as an Answer's stream."""
    for event in events:
        yield event
