"""The token for HashiCorp Vault: the one in the environment, or one of an AppRole whose role and secret are there."""

from __future__ import annotations

import os
import threading
import time

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._web_service import WebService, as_document, parse_json

_HINT = "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"
_EARLY = 30.0  # seconds before its end in which a token is not used any more
_LOCK = threading.Lock()
_TOKENS: dict[tuple[str, str, str], tuple[Secret, float]] = {}  # by server, namespace and role, with their ends


def login(service: WebService) -> Secret:
    """The token that requests to that server carry. A token of an AppRole serves a whole run. Raises SinkError."""
    token, role = os.environ.get("VAULT_TOKEN", "").strip(), os.environ.get("VAULT_ROLE_ID", "").strip()
    if token:
        return Secret(token)
    if not role or not os.environ.get("VAULT_SECRET_ID"):
        raise SinkError(f"{service.place}: there is no token for it", hint=_HINT)
    known = (service.base, str(service.headers.get("x-vault-namespace", "")), role)
    with _LOCK:
        if known not in _TOKENS or _TOKENS[known][1] < time.monotonic():
            _TOKENS[known] = _login_role(service, role)
        return _TOKENS[known][0]


def _login_role(service: WebService, role: str) -> tuple[Secret, float]:
    mount = os.environ.get("VAULT_APPROLE_MOUNT", "approle").strip("/")
    body = as_document({"role_id": role, "secret_id": Secret(os.environ["VAULT_SECRET_ID"].strip()).reveal()})
    answer = service.ask("log in with its AppRole", "POST", f"/v1/auth/{mount}/login", body)
    found = _read_token(answer.body)
    if found is None:
        raise SinkError(f"{service.place}: the answer to the login has no token", hint=_HINT)
    return found


def _read_token(body: Secret) -> tuple[Secret, float] | None:
    data = parse_json(body)
    auth = data.get("auth") if isinstance(data, dict) else None
    if not isinstance(auth, dict) or not isinstance(auth.get("client_token"), str):
        return None
    lasts = auth.get("lease_duration")
    # 0 is a token without an end
    end = time.monotonic() + lasts - _EARLY if isinstance(lasts, int) and lasts else float("inf")
    return Secret(auth["client_token"]), end
