"""One real inference call with a secret: does it work, or is it dead? Patient, because a change takes time to reach the endpoints."""

from __future__ import annotations

import json
import time
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from genai_iac.core import Secret
from genai_iac.core.cancellation import CancelToken
from genai_iac.core.errors import IacError

_ANY_MODEL = "openai.gpt-oss-120b"  # a dead secret is refused before the model is looked at
_PATIENCE = 240.0  # seconds that a change may take to reach the endpoint; no number is documented
_DEAD_PATIENCE = 30.0
_TIMEOUT = 60.0
_RETIREMENT = "model-retirement-info"  # sent with answers of a deprecated model (Oracle: retire-announcements.htm)
_LONGEST = 1024 * 1024  # bytes of an answer


class _Api(NamedTuple):
    """One way to ask a model: the path, what is asked, and the member in which an answer comes."""

    path: str
    body: dict[str, Any]
    answer: str


_APIS = {
    "chat": _Api(
        "chat/completions",
        {"messages": [{"role": "user", "content": "Answer with one word."}], "max_tokens": 16},
        "choices",
    ),
    "responses": _Api("responses", {"input": "Answer with one word.", "max_output_tokens": 16}, "output"),
}
_ADVICE = dict.fromkeys(
    (400, 401, 403, 404), "that a policy allows the key to use that model, and that its region has it"
)


class InferenceEndpoint(NamedTuple):
    """Where a secret is called with: the base URL, and the OCID of the project that the call names."""

    url: str
    project: str | None = None


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:  # the base class says what comes
        """A redirect would carry the secret to an address that nobody chose."""


_OPENER = build_opener(_NoRedirects())


def verify_secret(
    where: InferenceEndpoint, secret: Secret, model: str, api: str, stop: CancelToken, patience: float = _PATIENCE
) -> str:
    """Call the model until the endpoint accepts the secret; what the endpoint says of the model's retirement, or nothing.

    Raises IacError when it does not within `patience` seconds.
    """
    began, pause, said = time.monotonic(), 0.2, ""
    while True:
        status, said = _call(where, secret, model, api)
        if 200 <= status < 300:
            return said
        if status not in (0, 401, 429) and status < 500:
            break
        if time.monotonic() - began + pause > patience:
            break
        if not stop.rest(pause):
            raise IacError(
                "interrupted before the new secret had passed its call; nothing was switched", hint="apply again"
            )
        pause = min(pause * 2, 15.0)
    raise IacError(
        f"the new secret did not pass its call of {model}: {status or 'no answer'} {said}".rstrip(),
        hint=f"nothing was switched; see {_ADVICE.get(status, 'that the endpoint can be reached')}, then apply again",
    )


def is_dead(where: InferenceEndpoint, secret: Secret, stop: CancelToken, patience: float = _DEAD_PATIENCE) -> bool:
    """Whether the endpoint refuses the secret (401) within `patience` seconds."""
    began, pause = time.monotonic(), 0.1
    while True:
        status, _ = _call(where, secret, _ANY_MODEL, "chat")
        if status == 401:
            return True
        if time.monotonic() - began + pause > patience or not stop.rest(pause):
            return False
        pause = min(pause * 2, 5.0)


def _call(where: InferenceEndpoint, secret: Secret, model: str, api: str) -> tuple[int, str]:
    """The status (0: no answer of a model), and the first words of an error or of a warning."""
    asked = _APIS[api]
    content = json.dumps({"model": model, **asked.body}).encode()
    request = Request(f"{where.url}/{asked.path}", content, method="POST")  # noqa: S310  # from the region or --endpoint
    request.add_header("Content-Type", "application/json")
    if where.project:
        request.add_header("OpenAI-Project", where.project)
    request.add_unredirected_header("Authorization", f"Bearer {secret.reveal()}")
    try:
        with _OPENER.open(request, timeout=_TIMEOUT) as answer:
            if asked.answer in _members(answer.read(_LONGEST)):
                return int(answer.status), _printable(answer.headers.get(_RETIREMENT, ""))
            return 0, f"({answer.status}, with something else than a model's answer)"
    except HTTPError as error:
        with error:
            return int(error.code), _first_words(error.read(2000), secret)
    except (HTTPException, OSError) as error:
        return 0, f"({type(error).__name__})"


def _members(body: bytes) -> dict[str, Any]:
    """The members of a JSON object; none of anything else."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _first_words(body: bytes, secret: Secret) -> str:
    text = body.decode("utf-8", "replace").replace(secret.reveal(), "****")
    try:
        data = json.loads(text)
        text = str(data.get("message") or data.get("error", {}).get("message") or text)
    except (ValueError, AttributeError):
        pass
    return _printable(text)


def _printable(text: str) -> str:
    return " ".join(text.split())[:200].rstrip(".")
