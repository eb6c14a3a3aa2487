"""One inference call with a secret: does it work, or is it refused? Retried, because a change takes time to reach the endpoints.

The call goes to the same URL that consumers use, with the same header, so it also proves the policy and the region. Source: Generative AI
inference, OpenAI-compatible endpoints (`chat/completions` and `responses`).
"""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from genai_iac.core import Secret
from genai_iac.core.cancellation import CancelToken
from genai_iac.core.errors import IacError
from genai_iac.core.redactor import redact
from genai_iac.network import HttpClient

_ANY_MODEL = "openai.gpt-oss-120b"  # a secret that no longer works is refused before the model is looked at
_TIMEOUT = 240.0  # seconds that a change may take to reach the endpoint; no number is documented
_REFUSAL_TIMEOUT = 30.0  # seconds; a check after the fact, so it may give up early
_RETIREMENT = "model-retirement-info"  # sent with answers of a deprecated model (Oracle: retire-announcements.htm)
_LONGEST = 1024 * 1024  # bytes of an answer


class _Api(NamedTuple):
    """One way to ask a model: the path, what is asked, and the member in which an answer comes."""

    path: str  # below the base URL
    body: dict[str, Any]  # without the model; as short as an answer can be
    answer: str  # member that only a model's answer has


_APIS = {
    "chat": _Api(
        "chat/completions",
        {"messages": [{"role": "user", "content": "Answer with one word."}], "max_tokens": 16},
        "choices",
    ),
    "responses": _Api("responses", {"input": "Answer with one word.", "max_output_tokens": 16}, "output"),
}
# By status. Other statuses mean that the endpoint itself has a problem.
_ADVICE = dict.fromkeys(
    (400, 401, 403, 404), "that a policy allows the key to use that model, and that its region has it"
)


class InferenceEndpoint(NamedTuple):
    """Where a secret is called with: the base URL, and the OCID of the project that the call names."""

    url: str  # without the path of an API
    project: str | None = None


def verify_secret(
    where: InferenceEndpoint,
    secret: Secret,
    model: str,
    api: str,
    stop: CancelToken,
    timeout: float = _TIMEOUT,
    client: HttpClient | None = None,
) -> str:
    """Call the model until the endpoint accepts the secret; returns what the endpoint says of the model's retirement, or nothing.

    Raises IacError when it does not within `timeout` seconds.

    Args:
        where: base URL and project.
        secret: the value to verify; opened for the Authorization header only.
        model: the model's name, from `rotation.verify.model`.
        api: `chat` or `responses`.
        stop: ends the wait early when the run is interrupted.
        timeout: seconds; the default covers the propagation of a new secret.
        client: None makes one from the environment's network settings.
    """
    client = client or HttpClient()
    began, pause = time.monotonic(), 0.2
    while True:
        status, said, final = _call(client, where, secret, model, api)
        if 200 <= status < 300:
            return said
        # 401 is retried, because a new secret is unknown to the endpoint at first; other 4xx do
        # not go away by waiting.
        if final or (status not in (0, 401, 429) and status < 500):
            break
        if time.monotonic() - began + pause > timeout:
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


def is_refused(
    where: InferenceEndpoint,
    secret: Secret,
    stop: CancelToken,
    timeout: float = _REFUSAL_TIMEOUT,
    client: HttpClient | None = None,
) -> bool:
    """Whether the endpoint refuses the secret (401) within `timeout` seconds.

    Args:
        secret: a value that was deactivated, revoked, renewed or deleted.

    Returns:
        False when it still works, and also when nothing answered: only a 401 proves it.
    """
    client = client or HttpClient()
    began, pause = time.monotonic(), 0.1
    while True:
        status, _, _ = _call(client, where, secret, _ANY_MODEL, "chat")
        if status == 401:
            return True
        if time.monotonic() - began + pause > timeout or not stop.rest(pause):
            return False
        pause = min(pause * 2, 5.0)


def _call(client: HttpClient, where: InferenceEndpoint, secret: Secret, model: str, api: str) -> tuple[int, str, bool]:
    """The status (0: no answer of a model), the first words of an error or a warning, and whether another try would end the same way."""
    asked = _APIS[api]
    content = json.dumps({"model": model, **asked.body}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret.reveal()}"}
    if where.project:
        # Consumers of a key with a project send this header, so the verification sends it too.
        headers["OpenAI-Project"] = where.project
    answer = client.post(f"{where.url}/{asked.path}", content, headers, _LONGEST)
    if answer.reason is not None:
        return 0, f"({answer.reason.text})", answer.reason.final
    if 200 <= answer.status < 300:
        # A proxy's login page answers 200 as well (tests/rotation/test_next_step.py,
        # test_only_the_answer_of_a_model_proves_a_value).
        if asked.answer in _members(answer.body):
            return answer.status, _printable(answer.headers.get(_RETIREMENT, "")), False
        return 0, f"({answer.status}, with something else than a model's answer)", False
    # A redirect is not followed: the Authorization header would go to another host.
    if 300 <= answer.status < 400:
        target = f", and points to {answer.location[:200]}" if answer.location else ""
        return answer.status, f"(a redirect{target}: it is not followed)", True
    return answer.status, _first_words(answer.body), False


def _members(body: bytes) -> dict[str, Any]:
    """The members of a JSON object; none of anything else."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _first_words(body: bytes) -> str:
    """The message of an OCI or OpenAI error body, else the beginning of the body."""
    text = body[:2000].decode("utf-8", "replace")
    try:
        data = json.loads(text)
        text = str(data.get("message") or data.get("error", {}).get("message") or text)
    except (ValueError, AttributeError):
        pass
    return _printable(text)


def _printable(text: str) -> str:
    return redact(" ".join(text.split()))[:200].rstrip(".")  # before it is cut: half a value is one too
