"""HashiCorp Vault's HTTP API as far as KV version 2, AppRole logins and capabilities go.

Written from https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, .../auth/approle and .../system/capabilities-self.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .fake_http import FakeApi, Reply, Sent

TOKEN = "hvs.TokenOfTheseTests0123456789"
ROLE, SECRET_ID = "role-of-these-tests", "secret-id-of-these-tests"
_DENIED: Reply = (403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]})
EVERY = ("create", "delete", "list", "read", "update")


@dataclass
class FakeHashicorp(FakeApi):
    """One server with engines; each secret is a list of versions, each with data or None (deleted)."""

    engines: dict[str, str] = field(default_factory=lambda: {"secret": "2", "old": "1"})
    secrets: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    capabilities: tuple[str, ...] = EVERY
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    sealed: bool = False
    namespace: str = ""

    def newest(self, path: str) -> dict[str, Any] | None:
        """The data of the newest version, as a reader gets them."""
        versions = self.secrets.get(path)
        return versions[-1] if versions else None

    def answer(self, sent: Sent) -> Reply:
        parts = sent.path.removeprefix("/v1/").split("/")
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if sent.headers.get("x-vault-namespace", "") != self.namespace:
            return _DENIED
        if parts[:3] == ["auth", "approle", "login"]:
            return self._login(sent)
        if sent.headers.get("x-vault-token") not in self.tokens:
            return 403, {"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}
        if parts[:2] == ["sys", "capabilities-self"]:
            granted = dict.fromkeys(sent.json["paths"], list(self.capabilities) or ["deny"])
            return 200, {"data": granted, **granted}
        if parts[:4] == ["sys", "internal", "ui", "mounts"]:
            return self._engine(parts[4])
        if len(parts) > 2 and parts[1] == "data" and self.engines.get(parts[0]) == "2":
            return self._data(sent, "/".join(parts))
        return 404, {"errors": []}

    def _login(self, sent: Sent) -> Reply:
        if sent.json != {"role_id": ROLE, "secret_id": SECRET_ID}:
            return 400, {"errors": ["invalid role or secret ID"]}
        token = f"hvs.TokenOfTheRole{len(self.tokens):03}Abcdefgh"
        self.tokens.add(token)
        return 200, {"auth": {"client_token": token, "lease_duration": 1200, "renewable": True}}

    def _engine(self, mount: str) -> Reply:
        if mount not in self.engines:
            why = "preflight capability check returned 403, please ensure client's policies grant access to path"
            return 403, {"errors": [f'{why} "{mount}/"']}
        return 200, {"data": {"type": "kv", "options": {"version": self.engines[mount]}, "path": f"{mount}/"}}

    def _data(self, sent: Sent, path: str) -> Reply:
        needed = {"GET": "read", "DELETE": "delete"}.get(sent.method, "update" if path in self.secrets else "create")
        if needed not in self.capabilities:
            return _DENIED
        versions = self.secrets.get(path, [])
        metadata = {"version": len(versions), "destroyed": False, "deletion_time": "", "custom_metadata": None}
        if sent.method == "GET":
            if not versions:
                return 404, {"errors": []}
            if versions[-1] is None:
                return 404, {"data": {"data": None, "metadata": {**metadata, "deletion_time": "2026-11-28T10:00:00Z"}}}
            return 200, {"data": {"data": versions[-1], "metadata": metadata}}
        cas = None if sent.method == "DELETE" else (sent.json.get("options") or {}).get("cas")
        if cas is not None and cas != len(versions):
            return 400, {"errors": ["check-and-set parameter did not match the current version"]}
        self.changes.append(f"{sent.method} {path}")
        if sent.method == "DELETE":
            if versions:
                versions[-1] = None
            return 204, None
        self.secrets[path] = [*versions, sent.json["data"]]
        return 200, {"data": {**metadata, "version": len(versions) + 1}}
