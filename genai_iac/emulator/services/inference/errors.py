"""Errors of the inference endpoints, in one body that both kinds of client read: OCI's fields on top, OpenAI's `error`."""

from genai_iac.emulator.http.errors import ServiceError
from genai_iac.emulator.http.responses import Answer

# OpenAI's `error.type` by status; its clients choose their exception class by status.
_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


def inference_error(error: ServiceError, *, principal: str = "", delay: int = 0) -> Answer:
    """The answer for an error."""
    kind = _TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    inner = {"message": error.message, "type": kind, "param": None, "code": error.code}
    body = {"code": error.code, "message": error.message, "error": inner}
    return Answer(body, error.status, error.headers, principal=principal, delay=delay)
