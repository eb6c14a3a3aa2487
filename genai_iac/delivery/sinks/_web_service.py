"""An HTTP API as a sink asks it: allowed hosts only, bodies as `Secret`s, no redirect, and errors that name the place.

A request that was refused for now (429, 503) or could not be sent is made again, as one is whose answer was lost when making it twice
does no harm: reads, and writes under a condition. The others raise `LostAnswer`, and the sink looks what became of them.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from time import sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.core.redactor import redact, register_quoted
from genai_iac.delivery.sinks._program import redact_text

if TYPE_CHECKING:
    import ssl

    from genai_iac.delivery.sinks._contents import Contents
    from genai_iac.network import HttpClient, Reason

_LONGEST = 300  # characters of what a service says
_PAUSES = (0.25, 1.0, 4.0)  # seconds before each further attempt, where the service names none
_MOST = 20.0  # seconds of `retry-after` that a run waits; a longer one is an error
_FOR_NOW = (429, 503)  # the request was not carried out
_HINTS = {
    401: "check the credentials in the environment",
    403: "give these credentials the permissions that docs/network-sinks.md lists",
    409: "somebody else writes there: plan again",
    429: "the service asks for a pause: apply again in a minute",
}


class WebAnswer(Struct, frozen=True):
    """A status and a body, which may have values in it."""

    status: int
    body: Secret
    retry_after: float | None = None  # seconds
    location: str = ""  # of a redirect, which is never followed

    @property
    def data(self) -> Any:
        """The body as JSON; None when it is none. For answers without values."""
        return parse_json(self.body)


class LostAnswer(SinkError):
    """No answer came to a request that may have been carried out."""


class WebService(Struct, frozen=True):
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
        once: bool = False,
        for_now: Callable[[WebAnswer], bool] | None = None,
    ) -> WebAnswer:
        """One request, repeated while it is refused for now.

        Args:
            step: what the request does, for errors.
            method: HTTP method, in capitals.
            path: behind `base`.
            body: None sends none.
            expect: statuses that are returned.
            headers: beside the service's.
            once: repeating it after a lost answer could undo somebody else's work.
            for_now: what else of this service's answers is a refusal for now.

        Raises:
            LostAnswer: with `once`, when it may have been carried out.
            SinkError: no answer comes, or one with another status than the expected.
        """
        sent = {**self.headers, **(headers or {})}
        for pause in (*_PAUSES, None):
            answer = self._send(method, path, body, sent)
            wait = self._wait(answer, pause, once, for_now)
            if wait is None:
                break
            sleep(wait)
        if not isinstance(answer, WebAnswer):
            hint = answer.hint if answer.final else "check its address and the network, then apply again"
            kind = SinkError if answer.unsent or not once else LostAnswer
            raise kind(f"{self.place}: could not {step}: {answer.text}", hint=hint)
        if answer.status in expect:
            return answer
        failure = self.failure(step, answer)
        if once and answer.status == 503:  # what stands before a service says that of an answer that it lost
            raise LostAnswer(failure.message, hint=failure.hint)
        raise failure

    @staticmethod
    def _wait(
        answer: WebAnswer | Reason, pause: float | None, once: bool, for_now: Callable[[WebAnswer], bool] | None
    ) -> float | None:
        """Seconds until the same request is made again; None: it is not."""
        if pause is None:
            return None
        if not isinstance(answer, WebAnswer):
            return None if answer.final or (once and not answer.unsent) else pause
        if (once and answer.status == 503) or not (answer.status in _FOR_NOW or (for_now and for_now(answer))):
            return None
        wanted = answer.retry_after
        return (pause if wanted is None else wanted) if (wanted or 0) <= _MOST else None

    def failure(self, step: str, answer: WebAnswer, hint: str = "") -> SinkError:
        """The error for an answer, with a hint."""
        known = _HINTS.get(answer.status) or ("apply again later" if answer.status >= 500 else "correct that")
        said = _said(answer.data)
        if 300 <= answer.status < 400:
            said = f"it redirects to {_host_in(answer.location)}"
            known = hint = "no redirect is followed, because the credentials would go along: write where it is now"
        answered = f"{answer.status}: {said}" if said else f"status {answer.status}"
        if answer.retry_after and answer.retry_after > _MOST:
            known = f"the service asks for a pause: apply again in {answer.retry_after:g} seconds"
        return SinkError(f"{self.place}: could not {step}: {answered}", hint=hint or known)

    def _send(
        self, method: str, path: str, body: Secret | None, headers: Mapping[str, Secret | str]
    ) -> WebAnswer | Reason:
        """The answer, or why there is none. Raises nothing that this frame's locals would go with."""
        opened = {name: one.reveal() if isinstance(one, Secret) else one for name, one in headers.items()}
        from genai_iac.network.client import read_headers

        content = body.reveal().encode() if body is not None else None
        answer = _client(self.tls, _environment()).send(method, self.base + path, opened, content)
        if answer.reason is not None:
            return answer.reason
        text = Secret.document(answer.body.decode("utf-8", "replace"))
        return WebAnswer(answer.status, text, read_headers(answer.headers).retry_after, answer.location)


def wait_until(done: Callable[[], bool], pauses: Iterable[float] = _PAUSES) -> bool:
    """Whether it is so, at the latest after all pauses: many services show for a moment what was there before a write.

    Args:
        done: asked before the first pause and after each.
        pauses: seconds.
    """
    for pause in pauses:
        if done():
            return True
        sleep(pause)
    return done()


def check_written(read: Callable[[], Contents | None], wanted: Contents, place: str) -> None:
    """Raises SinkError unless the place reads back as it was written, at the latest a few seconds later.

    Args:
        read: the contents now. A service that is consistent only after a moment answers what was there before.
    """
    if not wait_until(lambda: read() == wanted):
        raise SinkError(
            f"{place} does not read back as it was written", hint="see who else writes to it, then apply again"
        )


def send_or_find(send: Callable[[], object], done: Callable[[], bool]) -> None:
    """Make a write that must not be made twice. After a lost answer it is looked whether it was carried out, before it is made again.

    Raises what `send` raises; LostAnswer, when the third answer was lost, too.
    """
    for last in (False, False, True):
        try:
            send()
            return
        except LostAnswer:
            if done():
                return
            if last:
                raise


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


def _host_in(location: str) -> str:
    """The address of a redirect without its path and its user: either may be a credential that the service sent back."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "another address"
    host = redact_text(parts.netloc.rpartition("@")[2], None)
    return f"{parts.scheme}://{host}" if host and parts.scheme in ("http", "https") else "another path"


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
    register_quoted(text)
    return " ".join(redact_text(redact(text), None).split())[:_LONGEST]  # cut afterwards: a piece would not be known


def _environment() -> tuple[tuple[str, str], ...]:
    """What the client's connections depend on."""
    from genai_iac.network.settings import CA_VARIABLES

    return tuple((name, os.environ.get(name, "")) for name in CA_VARIABLES)


@cache
def _client(tls: ssl.SSLContext | None, environment: tuple[tuple[str, str], ...]) -> HttpClient:
    """One client for all sinks with the same certificates, so that they share connections."""
    from genai_iac.network import HttpClient

    del environment  # only a part of the key
    return HttpClient(tls=tls)
