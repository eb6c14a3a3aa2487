"""Why a call got no answer, as the system and the libraries say it: the certificate, the name, the proxy, the port, never a guess."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from socket import gaierror
from urllib.parse import urlsplit

from msgspec import Struct

from genai_iac.core.redactor import quote_foreign
from genai_iac.network.connections import AnswerLimit
from genai_iac.network.settings import is_loopback

_HOST = re.compile(r"host=\W*([\w.:-]+)\W*, port=(\d+)")  # as urllib3 writes it in its messages
_LONGEST = 300  # characters of what another library says


class Reason(Struct, frozen=True):
    """Why there was no answer. `unsent`: the request cannot have had an effect; `final`: asking again gives the same."""

    text: str  # for people, without a full stop
    hint: str  # what to do about it
    unsent: bool = False
    final: bool = False


def explain(error: BaseException, url: str = "", proxy: str | None = None) -> Reason:
    """The reason of a failed request to `url`, which went through `proxy` when there is one.

    Args:
        error: as the library raised it.
        url: names the host where the error does not.
        proxy: URL of the proxy; its password is not repeated.
    """
    found = list(causes(error))
    where = _where(error, url)
    for cause in found:
        if isinstance(cause, AnswerLimit):
            return Reason(f"{where}: {cause}", "ask who runs what stands between this machine and OCI", final=True)
    # Before the proxy: a proxy that breaks TLS open shows itself as a certificate that is
    # not trusted.
    certificate = next((cause for cause in found if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return Reason(
            f"the certificate of {where} is not trusted: {certificate.verify_message or certificate.reason}",
            "name the certificate authority of your network in REQUESTS_CA_BUNDLE (docs/network.md)",
            unsent=True,
            final=True,
        )
    if proxy and any(type(cause).__name__ == "ProxyError" for cause in found):
        return Reason(
            f"the proxy {hide_password(proxy)} cannot be used: {_innermost(found)}",
            "see HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (docs/network.md)",
            unsent=True,
            # A proxy that refuses connections may only be starting; one that refuses the password
            # stays that way.
            final=not _refused(found),
        )
    return _plain(where, found)


def hide_password(url: str) -> str:
    """A proxy's address without the name and password in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from, as far down as the libraries give it."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    # urllib3 wraps errors in `reason` and `args`, not only in `__cause__`; the limit guards
    # against cycles.
    while todo and len(seen) < 20:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            todo.extend([one.__cause__, one.__context__, getattr(one, "reason", None), *one.args])
    return iter(seen)


def _plain(where: str, found: list[BaseException]) -> Reason:
    # No name, no connection: the request cannot have been sent.
    name = next((cause for cause in found if isinstance(cause, gaierror)), None)
    if name is not None:
        said = name.strerror or "unknown name"
        return Reason(f"no address of {where}: {said}", "check the region's name, and DNS on this machine", unsent=True)
    if any(isinstance(cause, ssl.SSLError) for cause in found):
        said = _innermost(found)
        return Reason(f"no TLS connection to {where}: {said}", "see what answers at that address and port")
    local = is_loopback(where.rpartition(":")[0])
    hint = (
        "is the local emulator running? start it: genai-iac local serve"
        if local
        else "check the network between this machine and that address (docs/network.md)"
    )
    return Reason(f"no answer from {where}: {_innermost(found)}", hint, unsent=_refused(found))


def _refused(found: list[BaseException]) -> bool:
    return any(isinstance(cause, ConnectionRefusedError) for cause in found)


def _where(error: BaseException, url: str) -> str:
    match = _HOST.search(str(error))
    if match:
        return f"{match[1]}:{match[2]}"
    return urlsplit(url).netloc.rpartition("@")[2] or "the service"


def _innermost(found: list[BaseException]) -> str:
    """The deepest reason that the system or a library gives, in its own few words."""
    for cause in reversed(found):
        if isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__:
            return "it did not answer in time"
    reasons = [str(cause.strerror) for cause in found if isinstance(cause, OSError) and cause.strerror]
    if reasons:
        return _short(reasons[-1])
    said = next((str(cause.args[0]) for cause in reversed(found) if cause.args and isinstance(cause.args[0], str)), "")
    return _short(said or type(found[-1]).__name__)


def _short(text: str) -> str:
    return quote_foreign(text, _LONGEST)
