"""An HTTP API as a sink asks it: allowed hosts only, bodies as `Secret`s, no redirect, and errors that name the place."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.core.secret import redact
from genai_iac.delivery.sinks._program import redact_text

if TYPE_CHECKING:
    import ssl

    from genai_iac.network import HttpClient, Reason

_LONGEST = 300  # characters of what a service says
_HINTS = {
    401: "check the credentials in the environment",
    403: "give these credentials the permissions that docs/network-sinks.md lists",
    409: "somebody else writes there: plan again",
    429: "the service asks for a pause: apply again in a minute",
}


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """A status and a body, which may have values in it."""

    status: int
    body: Secret

    @property
    def data(self) -> Any:
        """The body as JSON; None when it is none. For answers without values."""
        return parse_json(self.body)


@dataclass(frozen=True, slots=True)
class WebService:
    """One API for one place. `headers` go with every request; `tls` where public authorities do not know the service."""

    place: str
    base: str  # https://host[:port][/path], without a slash at the end
    headers: Mapping[str, Secret | str]
    tls: ssl.SSLContext | None = None

    def ask(
        self,
        step: str,
        method: str,
        path: str,
        body: Secret | None = None,
        *,
        expect: Iterable[int] = (200,),
        headers: Mapping[str, Secret | str] | None = None,
    ) -> WebAnswer:
        """One request. Raises SinkError when no answer comes, or one with another status than the expected."""
        answer = self._send(method, path, body, {**self.headers, **(headers or {})})
        if not isinstance(answer, WebAnswer):
            hint = answer.hint if answer.final else "check its address and the network, then apply again"
            raise SinkError(f"{self.place}: could not {step}: {answer.text}", hint=hint)
        if answer.status not in expect:
            raise self.failure(step, answer)
        return answer

    def failure(self, step: str, answer: WebAnswer, hint: str = "") -> SinkError:
        """The error that tells of an answer, with the way out."""
        known = _HINTS.get(answer.status) or ("apply again later" if answer.status >= 500 else "correct that")
        said = _said(answer.data)
        told = f"{answer.status}: {said}" if said else f"status {answer.status}"
        return SinkError(f"{self.place}: could not {step}: {told}", hint=hint or known)

    def _send(
        self, method: str, path: str, body: Secret | None, headers: Mapping[str, Secret | str]
    ) -> WebAnswer | Reason:
        """The answer, or why there is none. Raises nothing that this frame's locals would go with."""
        opened = {name: one.reveal() if isinstance(one, Secret) else one for name, one in headers.items()}
        content = body.reveal().encode() if body is not None else None
        answer = _client(self.tls, _environment()).send(method, self.base + path, opened, content)
        if answer.reason is not None:
            return answer.reason
        return WebAnswer(answer.status, Secret.document(answer.body.decode("utf-8", "replace")))


def as_document(data: Any) -> Secret:
    """JSON data with values in it as a body."""
    return Secret.document(json.dumps(data))


def parse_json(text: Secret) -> Any:
    """The JSON data of a text; None when it is none. The error of a parser would quote the text, so it ends here."""
    try:
        return json.loads(text.reveal())
    except (ValueError, RecursionError):
        return None


def check_address(place: str, address: str, allowed: Iterable[str], variable: str) -> str:
    """The address of an API without a slash at its end.

    A manifest may name one, and the credentials of whoever applies go there: so its host has to be allowed outside the manifests.
    `allowed`: hosts, or hosts with ports, or addresses. Raises SinkError.
    """
    from genai_iac.network import is_loopback

    parts = urlsplit(address)
    host, where = parts.hostname or "", _host_of(address)
    if parts.scheme not in ("https", "http") or not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise SinkError(f"{place}: {address!r} is not the address of an API", hint="write https://HOST[:PORT]")
    if parts.scheme == "http" and not is_loopback(host):
        raise SinkError(f"{place}: {where} is not asked without TLS", hint="write https:// in its address")
    if _is_link_local(host):
        raise SinkError(f"{place}: {where} is a link-local address", hint="name the host of the service")
    if not {host, where} & {known for one in allowed for known in (one, _host_of(one)) if known}:
        raise SinkError(
            f"{place}: nobody but the manifest names {where}, and your credentials would go there",
            hint=f"if it is yours, allow it outside the manifests: --allow-sink-host {where}, or {variable}",
        )
    return address.rstrip("/")


def _host_of(address: str) -> str:
    return urlsplit(address).netloc if "://" in address else address


def _is_link_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_link_local
    except ValueError:
        return False


def _said(data: Any) -> str:
    """What a service says of an error: each of them has another field for it."""
    found: Any = ""
    if isinstance(data, dict):
        found = data.get("message") or data.get("Message") or data.get("errors") or data.get("__type") or ""
    text = "; ".join(map(str, found)) if isinstance(found, list) else str(found)
    return " ".join(redact_text(redact(text), None).split())[:_LONGEST]  # cut afterwards: a piece would not be known


def _environment() -> tuple[tuple[str, str], ...]:
    """What the client's connections depend on."""
    from genai_iac.network.settings import CA_VARIABLES

    return tuple((name, os.environ.get(name, "")) for name in CA_VARIABLES)


@cache
def _client(tls: ssl.SSLContext | None, environment: tuple[tuple[str, str], ...]) -> HttpClient:
    """One client for all sinks with the same certificates, so that they share connections."""
    from genai_iac.network import HttpClient

    del environment  # only told apart by it
    return HttpClient(tls=tls)
