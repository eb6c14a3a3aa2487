"""Requests to AWS Secrets Manager, signed by botocore with the credentials that it finds: variables, profiles, roles."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._web_service import WebAnswer, WebService, as_document, check_address, parse_json

MISSING = "ResourceNotFoundException"
_ENDPOINTS = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL")  # as AWS's own clients read them
_THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException")  # 400 in this protocol
_HINTS = {
    "AccessDeniedException": "give this identity the permissions that docs/network-sinks.md lists",
    "UnrecognizedClientException": "check the credentials in the environment",
    "InvalidSignatureException": "check the credentials in the environment",
    "ExpiredTokenException": "sign in again",
    "ThrottlingException": "apply again in a minute",
    "InvalidParameterException": "somebody else moved its stages meanwhile: plan again",
}


class SecretsManager(Struct, frozen=True):
    """The service of one region, for one place."""

    place: str
    region: str
    allowed: Collection[str]

    def ask(
        self,
        step: str,
        operation: str,
        body: Mapping[str, Any],
        content: Secret | None = None,
        accept: Collection[str] = (),
        once: bool = False,
    ) -> WebAnswer:
        """One operation; `content` becomes its SecretString. Raises SinkError unless it succeeds or fails with a code of `accept`.

        `once`: it fails when it was carried out already, so a lost answer is a LostAnswer. With a ClientRequestToken the service itself
        knows a repeated request.
        """
        service = WebService(self.place, self._base, {})
        text = _body(body, content)
        headers = _sign(self._base, self.region, operation, text)
        if isinstance(headers, str):
            raise SinkError(f"{self.place}: {headers}", hint="see docs/sink-aws.md for the credentials")
        answer = service.ask(
            step, "POST", "/", text, expect=(200, 400), headers=headers, once=once, for_now=_is_throttled
        )
        if answer.status == 200:
            return answer
        code = _code(answer)
        if code in accept:
            return answer
        raise service.failure(f"{step} ({code})", answer, _HINTS.get(code, "correct that"))

    @property
    def _base(self) -> str:
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        own = f"https://secretsmanager.{self.region}.{domain}"
        named = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), own)
        return check_address(self.place, named, {named, *self.allowed}, _ENDPOINTS[0])


def strange_answer(place: str) -> SinkError:
    """The error when something else answers: taken for an empty place, it would be written over."""
    return SinkError(
        f"{place} was not answered by AWS Secrets Manager",
        hint=f"check {' and '.join(_ENDPOINTS)}, and what is between here and AWS",
    )


def _is_throttled(answer: WebAnswer) -> bool:
    return answer.status == 400 and _code(answer) in _THROTTLED


def version_in(answer: WebAnswer, place: str) -> tuple[str, Secret]:
    """The version and the content of an answer to GetSecretValue. Raises SinkError for an answer of another form."""
    found = parse_json(answer.body)
    if not isinstance(found, dict) or not isinstance(found.get("VersionId"), str):
        raise strange_answer(place)
    # binary content is none that we wrote: text that is no JSON has the same effect
    return found["VersionId"], Secret.document(str(found.get("SecretString") or "binary"))


def _body(body: Mapping[str, Any], content: Secret | None) -> Secret:
    return as_document({**body, **({"SecretString": content.reveal()} if content else {})})


def _code(answer: WebAnswer) -> str:
    found = answer.data
    return str(found.get("__type", "")).rpartition("#")[2] if isinstance(found, dict) else ""


def _sign(url: str, region: str, operation: str, body: Secret) -> dict[str, Secret | str] | str:
    """The headers of a signed request; or why it cannot be signed. Nothing is raised beside the plain body."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError
    except ImportError:
        return "botocore is not installed, which signs requests: pip install 'genai-iac[aws]'"
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"secretsmanager.{operation}"}
    try:
        credentials = _session().get_credentials()
        if credentials is None:
            return "there are no credentials for AWS: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        request = AWSRequest("POST", f"{url}/", headers=headers, data=body.reveal().encode())
        SigV4Auth(credentials.get_frozen_credentials(), "secretsmanager", region).add_auth(request)
    except BotoCoreError as error:
        return f"the credentials for AWS cannot be used: {type(error).__name__}: {error}"
    session = "x-amz-security-token"  # the signature is of no use for anything else
    return {name: Secret(str(one)) if name.lower() == session else str(one) for name, one in request.headers.items()}


@cache
def _session() -> Any:
    """One for the run: it keeps and renews credentials of roles."""
    from botocore.session import get_session

    return get_session()
