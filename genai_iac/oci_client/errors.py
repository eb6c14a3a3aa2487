"""The SDK's exceptions in our words: what was asked, what the service said, the opc-request-id, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from socket import gaierror
from typing import Any

from genai_iac.core.errors import ServiceFailure
from genai_iac.iam_policy.permissions import rights_of

_HINTS: Mapping[tuple[int, str], str] = {
    (401, "NotAuthenticated"): "check the profile's key and fingerprint, and this machine's clock",
    (
        403,
        "NotAllowed",
    ): "the tenancy's home region takes IAM writes; report this: the tool should have called it",
    (404, "NotAuthorizedOrNotFound"): "it is not there, or not in this region, or this identity may not do that",
    (
        400,
        "RelatedResourceNotAuthorizedOrNotFound",
    ): "something that the request names is not there, or this identity may not see it",
    (412, "NoEtagMatch"): "it was changed since it was read; plan again",
    (429, "TooManyRequests"): "the tenancy is throttled; try again later or lower --parallelism",
    (400, "LimitExceeded"): "ask for a higher service limit in the Console, or remove what is not needed",
}


def translate(error: Exception, operation: str) -> ServiceFailure:
    """The ServiceFailure that an exception of the SDK means; the original is left to be chained."""
    from oci.exceptions import ServiceError

    if isinstance(error, ServiceError):
        return _of_answer(error, operation)
    name = type(error).__name__
    if name == "CircuitBreakerError":
        failure = ServiceFailure(
            f"{operation}: too many failures in a row, calls to this service are paused", operation=operation
        )
        failure.retry_after = 5.0
        return failure
    failure = ServiceFailure(
        f"{operation}: no answer from {_who(error)}: {_why(error)}", operation=operation, hint=_where_to_look(error)
    )
    failure.unreached = any(isinstance(cause, ConnectionRefusedError | gaierror) for cause in _causes(error))
    failure.uncertain = not failure.unreached
    return failure


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from, as far down as the libraries tell."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo and len(seen) < 20:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            todo.extend([one.__cause__, one.__context__, getattr(one, "reason", None), *one.args])
    return iter(seen)


def _who(error: BaseException) -> str:
    match = re.search(r"host=\W*([\w.:-]+)\W*, port=(\d+)", str(error))
    return f"{match[1]}:{match[2]}" if match else "the service"


def _why(error: BaseException) -> str:
    """The innermost reason that the system or a library gives, in its own few words."""
    found = [cause for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror]
    return _plain(str(found[-1].strerror)) if found else type(list(_causes(error))[-1]).__name__


def _where_to_look(error: BaseException) -> str:
    if "127.0.0.1" in _who(error) or "localhost" in _who(error):
        return "is the local emulator running? start it: genai-iac local serve"
    return "check the network, the region and any proxy settings"


def _of_answer(error: Any, operation: str) -> ServiceFailure:
    status, code = int(error.status), str(error.code or "")
    headers = {str(key).lower(): str(value) for key, value in (error.headers or {}).items()}
    request_id = str(error.request_id or headers.get("opc-request-id", "")) or None
    said = _plain(str(error.message or "the service gave no reason"))
    failure = ServiceFailure(
        f"{operation}: {status} {code}: {said}" + (f" (opc-request-id {request_id})" if request_id else ""),
        operation=operation,
        status=status,
        code=code,
        request_id=request_id,
        hint=_next(status, code, operation),
    )
    failure.uncertain = status >= 500
    seconds = headers.get("retry-after", "")
    failure.retry_after = float(seconds) if re.fullmatch(r"\d{1,4}", seconds) else None
    return failure


def _next(status: int, code: str, operation: str) -> str | None:
    """What to do about it; of what may be a lack of rights, which right that is."""
    hint = _HINTS.get((status, code))
    needed = " and ".join(rights_of(operation)) if status in (403, 404) and code.startswith("NotAuthorized") else ""
    return f"{hint or 'this identity may not do that'}: it needs the right to {needed}" if needed else hint


def _plain(text: str) -> str:
    return " ".join(text.split())[:500]
