"""Principals that exist only on OCI: asked with a time limit, because off OCI the SDK's signers retry for minutes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from genai_iac.core.errors import UsageError
from genai_iac.oci_client.transport import refuse_redirects

METADATA = "http://169.254.169.254/opc/v2"  # of OCI's compute instances; link-local
_PROBE, _LIMIT = 3.0, 8.0  # seconds
_HINT = "this principal exists only on OCI itself; elsewhere use --auth api_key with a profile"


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **options: Any) -> None:
        """None: the redirect is the answer."""


def check_metadata_service() -> None:
    """Raises UsageError when no OCI instance metadata service answers here, with what was answered instead.

    Redirects and proxies are not used: the address is link-local.
    """
    url = os.environ.get("OCI_METADATA_BASE_URL", METADATA).rstrip("/") + "/instance/region"
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"OCI_METADATA_BASE_URL {url[:200]!r} is no http address", hint="unset it")
    request = Request(url, headers={"Authorization": "Bearer Oracle"})  # noqa: S310  # http is checked above
    try:
        build_opener(ProxyHandler({}), _NoRedirect()).open(request, timeout=_PROBE).close()
    except HTTPError as error:
        error.close()
        raise _refused(f"{url} answered {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise _refused(f"{url}: {getattr(error, 'reason', error)}") from error


def within_limit(make: Callable[[], Any]) -> Any:
    """What the SDK's signer is, or what it raised, or a UsageError when it takes longer than 8 seconds.

    Args:
        make: a constructor of the SDK that may retry for minutes.

    Raises:
        UsageError: with the first line of what it raised.
    """
    try:
        return run_within_limit(make)
    except Exception as error:
        text = (str(error).splitlines() or [""])[0][:300]
        raise _refused(text or type(error).__name__) from error


def run_within_limit(make: Callable[[], Any]) -> Any:
    """What `make` answers or raises; TimeoutError when it takes longer than 8 seconds. No session of the SDK follows a redirect."""
    refuse_redirects()
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(make())
        except BaseException as error:  # handed on below
            failure.append(error)

    # a thread that nobody waits for: the SDK's retries cannot be stopped
    thread = threading.Thread(target=run, name="sign in", daemon=True)
    thread.start()
    thread.join(_LIMIT)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError(f"no answer within {_LIMIT:.0f} s")
    return outcome[0]


def _refused(reason: str) -> UsageError:
    return UsageError(f"cannot sign in with this principal: {reason}", hint=_HINT)
