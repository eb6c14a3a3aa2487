"""What an operation hands back, and how it becomes bytes and headers."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genai_iac.emulator.http.errors import ServiceError


@dataclass(frozen=True)
class Answer:
    """A status with a JSON body, raw content, or a stream of chunks.

    `masked` is the body to keep for a replayed retry token when the body itself holds a plaintext secret."""

    body: Any = None  # JSON; None sends no body
    status: int = 200  # HTTP status; 0: the connection is cut before an answer
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None  # in place of JSON
    content_type: str = "application/json"
    stream: AsyncIterator[bytes] | None = None  # in place of a body, sent in chunks
    resource: str = ""  # OCID of what was made or changed: a retry token lives as long as it does
    masked: Any = None  # None: the body has no secret
    principal: str = ""  # who called, where no signature told
    delay: int = 0  # real milliseconds to wait before it is sent

    def encode(self) -> bytes:
        """The bytes of the body; empty for a stream."""
        if self.content is not None:
            return self.content
        return b"" if self.body is None else encode_body(self.body)


NO_CONTENT = Answer(status=204)


def answer_page(items: Sequence[Any], next_page: str | None, *, collection: bool = False) -> Answer:
    """A list: a bare array, or `{"items": […]}` as Generative AI has it.

    Args:
        next_page: becomes opc-next-page.
        collection: with `items` around the list.
    """
    headers = {"opc-next-page": next_page} if next_page else {}
    return Answer({"items": list(items)} if collection else list(items), headers=headers)


def answer_error(error: ServiceError) -> Answer:
    """The error body of every OCI service."""
    return Answer({"code": error.code, "message": error.message}, error.status, error.headers)


def encode_body(body: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
