"""What an operation returns, how it becomes bytes and headers, and the errors: HTTP status, code and message as OCI's clients know them.

Codes and texts: Oracle's "API Errors" page and public reports; facts on each are in docs/local-tenancy.md.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

NOT_FOUND_TEXT = "Authorization failed or requested resource not found."
NOT_AUTHENTICATED_TEXT = "The required information to complete authentication was not provided or was incorrect."


class ServiceError(Exception):
    """An answer that is an error: raised anywhere inside an operation, written by the wire.

    Args:
        status: HTTP status.
        code: OCI's error code.
        message: text for people; clients must not parse it.
        headers: such as `allow` or `retry-after`.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def invalid(message: str) -> ServiceError:
    """400 InvalidParameter."""
    return ServiceError(400, "InvalidParameter", message)


def missing(name: str) -> ServiceError:
    """400 MissingParameter for a required field, query parameter or header."""
    return ServiceError(400, "MissingParameter", f"Missing parameter: {name} is required.")


def unparsable(reason: str) -> ServiceError:
    """400 CannotParseRequest: the body is not the JSON it should be."""
    return ServiceError(400, "CannotParseRequest", f"Incorrectly formatted request. {reason}")


def not_found() -> ServiceError:
    """404: absent and forbidden look the same, as in the real services.

    Hiding what is forbidden keeps a caller from learning which OCIDs exist.
    """
    return ServiceError(404, "NotAuthorizedOrNotFound", NOT_FOUND_TEXT)


def related_not_found() -> ServiceError:
    """400: something the body refers to is absent or forbidden."""
    return ServiceError(
        400, "RelatedResourceNotAuthorizedOrNotFound", "Authorization failed or related resource not found."
    )


def not_authenticated() -> ServiceError:
    """401 with the text every OCI service uses; it never says which part was wrong."""
    return ServiceError(401, "NotAuthenticated", NOT_AUTHENTICATED_TEXT)


def conflict(code: str, message: str) -> ServiceError:
    """409. Not `IncorrectState` for lasting conflicts: the SDKs retry that for a minute and a half.

    Args:
        code: names the reason; the tool decides by it whether to retry.
    """
    return ServiceError(409, code, message)


def stale_etag() -> ServiceError:
    """412 for an if-match that names another version."""
    return ServiceError(412, "NoEtagMatch", "The supplied if-match etag does not match the resource's current etag.")


def limit_exceeded(name: str) -> ServiceError:
    """400 with the sentence the console and Terraform users know."""
    return ServiceError(
        400,
        "LimitExceeded",
        f"The following service limits were exceeded: {name}. "
        "Request a service limit increase from the service limits page in the console.",
    )


class Answer(Struct, frozen=True):
    """A status with a JSON body, raw content, or a stream of chunks.

    `masked` is the body to keep for a replayed retry token when the body itself holds a plaintext secret."""

    body: Any = None  # JSON; None sends no body
    status: int = 200  # HTTP status; 0: the connection is cut before an answer
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None  # in place of JSON
    content_type: str = "application/json"
    stream: AsyncIterator[bytes] | None = None  # in place of a body, sent in chunks
    resource: str = ""  # OCID of what was made or changed: a retry token is kept as long as it exists
    masked: Any = None  # None: the body has no secret
    principal: str = ""  # who called, where no signature says
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
