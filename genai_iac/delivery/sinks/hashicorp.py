"""The hashicorp sink: one secret of a KV version 2 engine a key, written with check-and-set so that no other writer is overwritten.

The API: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from msgspec import Struct

from genai_iac.core import Delivery, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import _json_format
from genai_iac.delivery.sinks._base import ENV_SCHEMA, Claim, Context, Sink, read_names
from genai_iac.delivery.sinks._contents import Contents, check_contents, fill_delivery, is_written
from genai_iac.delivery.sinks._json_format import read_json
from genai_iac.delivery.sinks._web_service import (
    WebAnswer,
    WebService,
    as_document,
    check_address,
    check_written,
    parse_json,
    send_or_find,
)

_PATH = r"^(?!.*(^|/)\.{1,2}(/|$))[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"
_NEEDED = frozenset({"create", "read", "update", "delete"})
_SIGN_IN = "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"
_EARLY = 30.0  # seconds before its end in which a token is not used any more
_LOCK = threading.Lock()
_TOKENS: dict[tuple[str, str, str], tuple[Secret, float]] = {}  # by server, namespace and role, with their ends


class _Kept(Struct, frozen=True):
    """The newest version: its number, which check-and-set asks for, and what is in it (None when it was deleted)."""

    version: int
    content: Secret | None


class HashicorpSink(Sink):
    """`hashicorp: {address, mount, path, namespace, env}`. The data are the fields of the file sink's `format: json`.

    The address is allowed by VAULT_ADDR or `--allow-sink-host`; the token comes from VAULT_TOKEN, or from VAULT_ROLE_ID and
    VAULT_SECRET_ID. Emptying deletes the newest version; older ones stay until the engine drops them, and their values no longer work.
    """

    word = "hashicorp"
    readable = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "A secret in a KV version 2 engine of HashiCorp Vault or OpenBao.",
        "additionalProperties": False,
        "required": ["address", "path"],
        "properties": {
            "address": {
                "type": "string",
                "pattern": "^https?://[^/?#@\\s]+$",
                "description": "Of the server. Its host has to be allowed outside the manifests: VAULT_ADDR or --allow-sink-host.",
                "examples": ["https://vault.example.com:8200"],
            },
            "mount": {
                "type": "string",
                "pattern": _PATH,
                "default": "secret",
                "description": "Where the engine is mounted.",
            },
            "path": {
                "type": "string",
                "pattern": _PATH,
                "description": "The secret's path in the engine.",
                "examples": ["chat/app"],
            },
            "namespace": {"type": "string", "pattern": _PATH, "description": "A namespace of Vault Enterprise or HCP."},
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._settings = settings
        self._context = context
        self._names = read_names("hashicorp", settings)
        self._mount = str(settings.get("mount", "secret"))
        self._path = str(settings["path"])
        for name in ("mount", "path", "namespace"):
            if name in settings and not re.fullmatch(_PATH, settings[name]):
                raise SinkError(f"deliverTo.hashicorp.{name} {settings[name]!r} is no path", hint="write it as a/b/c")

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterator[Claim]:
        read_names("hashicorp", settings)
        where = (settings.get("namespace", ""), settings.get("mount", "secret"), settings["path"])
        yield Claim(f"hashicorp {'/'.join(filter(None, where))} at {settings['address']}")

    @property
    def place(self) -> str:
        where = (self._settings.get("namespace"), self._mount, self._path)
        return f"hashicorp {'/'.join(filter(None, where))} at {urlsplit(self._settings['address']).netloc}"

    def prove(self) -> None:
        self.read()
        self._prove_engine()
        paths = [f"{self._mount}/data/{self._path}"]
        body = as_document({"paths": paths})
        answer = self._ask("look at its permissions", "POST", "sys/capabilities-self", body, expect=(200, 403))
        if answer.status == 403:
            return  # a token without the policy `default` may not ask; whether it may write is known when it does
        found = _field(answer.data, "data", paths[0]) or _field(answer.data, paths[0])
        granted = set(map(str, found)) if isinstance(found, list) else set()
        if "root" not in granted and not granted >= _NEEDED:
            raise SinkError(
                f"{self.place}: its token may not {', '.join(sorted(_NEEDED - granted))} {paths[0]}",
                hint="give its policy these capabilities (docs/network-sinks.md)",
            )

    def read(self) -> SinkContents | None:
        held = self._held()
        return held.holding_as(self._names) if held else None

    def take(self, secret: str, mask: str) -> Secret | None:
        held = self._held()
        return held.value(secret, mask) if held else None

    def write(self, delivery: Delivery) -> None:
        kept = self._find()
        held = self._contents(kept)
        if not delivery.items:
            if held and kept:
                self._delete(kept)
            return
        wanted = fill_delivery(delivery, held, self._context, self.place, self._names)
        if held == wanted and held is not None and not held.damage:
            return
        self._put(kept, wanted)
        check_written(self._held, wanted, self.place)

    def _put(self, kept: _Kept | None, wanted: Contents) -> None:
        options = {"cas": kept.version if kept else 0}
        body = _wrap(_json_format.render(wanted), options)
        answer = self._ask("write it", "POST", self._data, body, expect=(200, 204, 400))
        if answer.status == 400:
            text = str(_field(answer.data, "errors"))
            if "check-and-set" in text and is_written(self._held, wanted):
                return  # by an attempt whose answer was lost: the version is another one now
            hint = "somebody else wrote there meanwhile: plan again" if "check-and-set" in text else ""
            raise self._service.failure("write it", answer, hint)

    def _delete(self, kept: _Kept) -> None:
        """The API deletes whatever version is the newest: after a lost answer it is looked whether that is still the same."""
        step = "delete its newest version"

        def gone() -> bool:
            now = self._find()
            if now is not None and now.version != kept.version:
                raise SinkError(
                    f"{self.place}: could not {step}: somebody else wrote there meanwhile", hint="plan again"
                )
            return now is None or now.content is None

        send_or_find(lambda: self._ask(step, "DELETE", self._data, expect=(200, 204), once=True), gone)

    def _find(self) -> _Kept | None:
        answer = self._ask("read it", "GET", self._data, expect=(200, 404))
        found = _read_version(answer)
        if found is None and answer.status == 200:
            raise SinkError(
                f"{self.place} did not answer as KV version 2 does", hint=f"check that {self._mount} is such an engine"
            )
        return found

    def _held(self) -> Contents | None:
        return self._contents(self._find())

    def _contents(self, kept: _Kept | None) -> Contents | None:
        return check_contents(read_json(kept.content) if kept and kept.content else None, self._context, self.place)

    def _prove_engine(self) -> None:
        step, path = "look at its engine", f"sys/internal/ui/mounts/{quote(self._mount)}"
        answer = self._ask(step, "GET", path)
        kind, version = _field(answer.data, "data", "type"), _field(answer.data, "data", "options", "version")
        if kind != "kv" or version != "2":
            raise SinkError(
                f"{self.place}: {self._mount} is an engine of type {kind}, version {version or 1}, not kv version 2",
                hint=f"name another mount, or: vault kv enable-versioning {self._mount}",
            )

    def _ask(
        self,
        step: str,
        method: str,
        path: str,
        body: Secret | None = None,
        *,
        expect: tuple[int, ...] = (200,),
        once: bool = False,
    ) -> WebAnswer:
        headers = {"x-vault-token": _login(self._service)}
        return self._service.ask(step, method, f"/v1/{path}", body, expect=expect, headers=headers, once=once)

    @property
    def _data(self) -> str:
        return f"{quote(self._mount)}/data/{quote(self._path)}"

    @property
    def _service(self) -> WebService:
        allowed = {*self._context.sink_hosts, os.environ.get("VAULT_ADDR", "")}
        base = check_address(self.place, self._settings["address"], allowed, "VAULT_ADDR")
        namespace = self._settings.get("namespace")
        headers = {"content-type": "application/json", "x-vault-request": "true"}
        return WebService(self.place, base, {**headers, **({"x-vault-namespace": namespace} if namespace else {})})


def _read_version(answer: WebAnswer) -> _Kept | None:
    """The newest version of an answer; None where there is none."""
    found = parse_json(answer.body)
    version, data = _field(found, "data", "metadata", "version"), _field(found, "data", "data")
    if not isinstance(version, int):
        return None
    return _Kept(version, as_document(data) if isinstance(data, dict) else None)


def _wrap(document: Secret, options: Mapping[str, Any]) -> Secret:
    return as_document({"options": options, "data": json.loads(document.reveal())})


def _field(data: Any, *names: str) -> Any:
    """A field inside of JSON data, or None."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _login(service: WebService) -> Secret:
    """The token that requests to that server carry. A token of an AppRole serves a whole run. Raises SinkError."""
    token, role = os.environ.get("VAULT_TOKEN", "").strip(), os.environ.get("VAULT_ROLE_ID", "").strip()
    if token:
        return Secret(token)
    if not role or not os.environ.get("VAULT_SECRET_ID"):
        raise SinkError(f"{service.place}: there is no token for it", hint=_SIGN_IN)
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
        raise SinkError(f"{service.place}: the answer to the login has no token", hint=_SIGN_IN)
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
