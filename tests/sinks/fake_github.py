"""GitHub's REST API as far as secrets go: it keeps what only its private key can open, and tells when each was set.

Written from https://docs.github.com/en/rest/actions/secrets and https://docs.github.com/en/rest/dependabot/secrets.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from .fake_http import FakeApi, Reply, Sent

TOKEN = "ghp_TokenOfTheseTests0123456789abcdef"
_KEY = PrivateKey.generate()
_STORES = re.compile(
    r"(?P<store>/repos/[^/]+/[^/]+/(actions|dependabot)|/repos/[^/]+/[^/]+/environments/[^/]+|/orgs/[^/]+/(actions|dependabot))"
    r"/secrets(/(?P<name>[^/]+))?"
)
_MISSING: Reply = (404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"})
_FORBIDDEN: Reply = (403, {"message": "Resource not accessible by personal access token", "status": "403"})


@dataclass
class FakeGitHub(FakeApi):
    """Stores by path; secrets by their names in upper case."""

    stores: set[str] = field(
        default_factory=lambda: {
            "/repos/acme/chat/actions",
            "/repos/acme/chat/dependabot",
            "/repos/acme/chat/environments/prod%20eu",
            "/orgs/acme/actions",
            "/orgs/acme/dependabot",
        }
    )
    secrets: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    permission: str = "write"
    key_id: str = "568250167242549743"
    now: datetime = datetime(2026, 11, 28, 12, tzinfo=UTC)

    def value(self, name: str, store: str = "/repos/acme/chat/actions") -> str | None:
        """What a workflow gets."""
        found = self.secrets.get(store, {}).get(name)
        return found["value"] if found else None

    def set(self, name: str, value: str, store: str = "/repos/acme/chat/actions") -> None:
        """Somebody sets a secret by hand, a second later."""
        self.now += timedelta(seconds=1)
        before = self.secrets.setdefault(store, {}).get(name, {})
        stamp = self.now.isoformat().replace("+00:00", "Z")
        self.secrets[store][name] = {"value": value, "updated_at": stamp, "created_at": before.get("created_at", stamp)}

    def answer(self, sent: Sent) -> Reply:
        if sent.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials", "status": "401"}
        if not sent.headers.get("user-agent"):
            return 403, {"message": "Request forbidden by administrative rules."}
        match = _STORES.fullmatch(sent.path)
        if match is None or match["store"] not in self.stores or self.permission == "none":
            return _MISSING
        if self.permission == "read":
            return _FORBIDDEN
        store, name = match["store"], (match["name"] or "").upper()
        if name == "PUBLIC-KEY":
            return 200, {"key_id": self.key_id, "key": base64.b64encode(bytes(_KEY.public_key)).decode()}
        found = self.secrets.get(store, {}).get(name)
        if sent.method == "PUT":
            return self._put(sent, store, name)
        if found is None:
            return _MISSING
        if sent.method == "DELETE":
            self.changes.append(f"DELETE {store} {name}")
            del self.secrets[store][name]
            return 204, None
        return 200, {"name": name, **{key: value for key, value in found.items() if key != "value"}}

    def _put(self, sent: Sent, store: str, name: str) -> Reply:
        body = sent.json
        if body.get("key_id") != self.key_id or name.startswith("GITHUB_"):
            return 422, {"message": "Validation Failed", "errors": [{"code": "invalid", "field": "key_id"}]}
        if store.startswith("/orgs/") and body.get("visibility") not in ("all", "private", "selected"):
            return 422, {"message": 'Invalid request.\n\n"visibility" wasn\'t supplied.'}
        try:
            value = SealedBox(_KEY).decrypt(base64.b64decode(body["encrypted_value"])).decode()
        except CryptoError:
            return 422, {"message": "Bad request - the value could not be decrypted"}
        known = name in self.secrets.get(store, {})
        self.set(name, value, store)
        self.secrets[store][name] |= {"visibility": str(body["visibility"])} if "visibility" in body else {}
        self.changes.append(f"PUT {store} {name}")
        return (204 if known else 201), None
