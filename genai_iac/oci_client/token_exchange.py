"""Sign in without a stored OCI key: a CI system's OIDC token is exchanged for a session token (workload identity federation).

The exchange is the SDK's `TokenExchangeSigner`, which renews the session when it expires. What it needs comes from the
environment (docs/ci-sign-in.md):

- GENAI_IAC_DOMAIN_URL, GENAI_IAC_CLIENT_ID, GENAI_IAC_CLIENT_SECRET (or _FILE): the identity domain and its confidential
  application;
- the token: GENAI_IAC_OIDC_TOKEN, GENAI_IAC_OIDC_TOKEN_FILE, or GitHub's ACTIONS_ID_TOKEN_REQUEST_URL and
  ACTIONS_ID_TOKEN_REQUEST_TOKEN with GENAI_IAC_OIDC_AUDIENCE.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from genai_iac.core.errors import UsageError
from genai_iac.core.redactor import register_value
from genai_iac.network import HttpClient
from genai_iac.oci_client.auth import run_within_limit

DOMAIN, CLIENT = "GENAI_IAC_DOMAIN_URL", "GENAI_IAC_CLIENT_ID"
CLIENT_SECRET, CLIENT_SECRET_FILE = "GENAI_IAC_CLIENT_SECRET", "GENAI_IAC_CLIENT_SECRET_FILE"
TOKEN, TOKEN_FILE, AUDIENCE = "GENAI_IAC_OIDC_TOKEN", "GENAI_IAC_OIDC_TOKEN_FILE", "GENAI_IAC_OIDC_AUDIENCE"
GITHUB_URL, GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_DEFAULT_AUDIENCE = "genai-iac"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SILENCE = 8.0  # seconds that a renewal of the session waits for the identity domain
_HINT = "docs/ci-sign-in.md has the variables and the trust that the identity domain needs"


def exchange_token(environ: Mapping[str, str]) -> tuple[Any, str]:
    """The SDK's signer and the tenancy's OCID. Raises UsageError within about 8 seconds, naming the variable or the answer."""
    import oci

    from_file = bool(environ.get(CLIENT_SECRET_FILE))
    needed = (DOMAIN, CLIENT, CLIENT_SECRET_FILE if from_file else CLIENT_SECRET)
    missing = [name for name in needed if not environ.get(name)]
    if missing:
        raise _refused(f"{', '.join(missing)} not set")
    domain = environ[DOMAIN].strip().rstrip("/")
    _check_url(DOMAIN, domain)
    secret = _read_file(CLIENT_SECRET_FILE, environ) if from_file else _known(environ[CLIENT_SECRET].strip())
    read = _token_source(environ)

    def sign_in() -> Any:
        return oci.auth.signers.TokenExchangeSigner(read, domain, environ[CLIENT], secret)

    try:
        signer = run_within_limit(sign_in)
    except UsageError:
        raise
    except Exception as error:  # requests' exceptions, RuntimeError, TimeoutError, what the token's parser raises
        raise _refused(f"{domain}: {_explain(error)}") from error
    # the SDK sets no limit of time, so a renewal in the middle of an apply could wait without end
    signer.requests_session.request = partial(signer.requests_session.request, timeout=_SILENCE)
    return signer, environ.get("OCI_CLI_TENANCY") or _tenancy_of(signer.security_token_container.security_token)


def describe_source(environ: Mapping[str, str]) -> str:
    """The identity domain and which variable the OIDC token comes from, for a person; no value of a secret."""
    given = TOKEN if environ.get(TOKEN) else TOKEN_FILE if environ.get(TOKEN_FILE) else None
    source = given or (f"GitHub ({GITHUB_URL})" if environ.get(GITHUB_URL) else "nowhere")
    return f"identity domain {environ.get(DOMAIN, 'not set')[:200]} ({DOMAIN}), OIDC token from {source}"


def _token_source(environ: Mapping[str, str]) -> Callable[[], str]:
    """Who gives the OIDC token; asked once more when the session is renewed. Raises UsageError when nobody does."""
    if environ.get(TOKEN):
        return partial(_known, environ[TOKEN].strip())
    if environ.get(TOKEN_FILE):
        return partial(_read_file, TOKEN_FILE, environ)
    if environ.get(GITHUB_URL) and environ.get(GITHUB_TOKEN):
        return partial(
            _ask_github, environ[GITHUB_URL], environ[GITHUB_TOKEN], environ.get(AUDIENCE, _DEFAULT_AUDIENCE)
        )
    raise _refused(
        f"there is no OIDC token: neither {TOKEN} nor {TOKEN_FILE} is set, and this is no GitHub job with"
        " `permissions: id-token: write`"
    )


def _known(value: str) -> str:
    register_value(value)
    return value


def _read_file(variable: str, environ: Mapping[str, str]) -> str:
    name = environ[variable]
    try:
        text = Path(name).expanduser().read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise _refused(f"{variable} names {name}, which cannot be read: {error}") from error
    if not text:
        raise _refused(f"{variable} names {name}, which is empty")
    return _known(text)


def _ask_github(url: str, secret: str, audience: str) -> str:
    """A fresh token from GitHub: it is valid for ten minutes, so it is asked for when it is needed."""
    _check_url(GITHUB_URL, url)
    register_value(secret)
    client = HttpClient()
    try:
        address = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
        answer = client.send("GET", address, {"authorization": f"bearer {secret}"}, limit=64 * 1024)
    finally:
        client.close()
    if answer.status != 200:
        raise _refused(f"GitHub gave no OIDC token: {answer.status or answer.reason}")
    try:
        return _known(str(json.loads(answer.body)["value"]))
    except (ValueError, KeyError, TypeError) as error:
        raise _refused("GitHub's answer has no OIDC token in it") from error


def _check_url(variable: str, url: str) -> None:
    """Raises UsageError for an address that secrets must not go to: plain HTTP is for this machine only."""
    parts = urlsplit(url)
    if not (parts.scheme == "https" and parts.hostname) and not (
        parts.scheme == "http" and parts.hostname in _LOOPBACK
    ):
        raise _refused(f"{variable} {url[:200]!r} is neither https nor on this machine")


def _explain(error: Exception) -> str:
    """What the identity domain answered, in OAuth's terms where it did, else the first line of the failure."""
    response = getattr(error, "response", None)
    if response is not None:
        try:
            said = json.loads(response.content[:10_000])
            text = f": {said['error']}: {said.get('error_description', '')}"[:300]
        except (ValueError, KeyError, TypeError, AttributeError):
            text = ""
        return f"answered {response.status_code}{text}"
    return ((str(error).splitlines() or [""])[0] or type(error).__name__)[:300]


def _tenancy_of(token: str) -> str:
    """The tenancy that a session token names; it came from the identity domain, and every request is checked by the service."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        found = claims.get("tenant") or claims.get("res_tenant")
    except (ValueError, IndexError, AttributeError):
        found = None
    if not isinstance(found, str):
        raise _refused("the session token names no tenancy; set OCI_CLI_TENANCY")
    return found


def _refused(reason: str) -> UsageError:
    return UsageError(f"cannot sign in with --auth token_exchange: {reason}", hint=_HINT)
