"""Requests signed by hand and sent byte for byte, for what no well-behaved client would send."""

import base64
import hashlib
import http.client
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .clients import Clients

ORDERS = {
    "python": ("algorithm", "headers", "keyId", "signature", "version"),
    "go": ("version", "headers", "keyId", "algorithm", "signature"),
    "java": ("version", "keyId", "algorithm", "headers", "signature"),
}


@lru_cache(maxsize=32)
def _load_key(pem: bytes) -> RSAPrivateKey:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, RSAPrivateKey)
    return key


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])


def send(
    url: str, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """One request exactly as told: the target is not normalised, and no header is added but Host, and the token of the control API."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=300)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        given = {"host": place.netloc, **(headers or {})}
        if target.startswith("/_local/"):
            given.setdefault("authorization", f"Bearer {os.environ['GENAI_IAC_CONTROL_TOKEN']}")
        if body is not None:
            given.setdefault("content-length", str(len(body)))
        for name, value in given.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def sign(
    clients: Clients,
    method: str,
    target: str,
    body: bytes | None = None,
    *,
    extra: Mapping[str, str] | None = None,
    order: Sequence[str] = ORDERS["python"],
    names: Sequence[str] | None = None,
    content_type: str = "application/json",
) -> dict[str, str]:
    """The headers of a request that is signed as it should be."""
    config = clients.config()
    headers = {"date": formatdate(usegmt=True), "host": urlsplit(clients.tenancy.url).netloc, **(extra or {})}
    signed = ["date", "(request-target)", "host"]
    if method in ("POST", "PUT", "PATCH"):
        content = body or b""
        headers["content-length"] = str(len(content))
        headers["content-type"] = content_type
        headers["x-content-sha256"] = base64.b64encode(hashlib.sha256(content).digest()).decode()
        signed += ["content-length", "content-type", "x-content-sha256"]
    signed = list(names) if names is not None else signed
    values = {**headers, "(request-target)": f"{method.lower()} {target}"}
    text = "\n".join(f"{name}: {values[name]}" for name in signed)
    key = _load_key(Path(config["key_file"]).read_bytes())
    signature = base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    parameters = {
        "algorithm": "rsa-sha256",
        "headers": " ".join(signed),
        "keyId": f"{config['tenancy']}/{config['user']}/{config['fingerprint']}",
        "signature": signature,
        "version": "1",
    }
    headers["authorization"] = "Signature " + ",".join(f'{name}="{parameters[name]}"' for name in order)
    return headers


def call(clients: Clients, method: str, target: str, body: Any = None, **options: Any) -> Reply:
    """Sign and send; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    if content is None and method in ("POST", "PUT", "PATCH"):
        content = b""
    return send(clients.tenancy.url, method, target, content, sign(clients, method, target, content, **options))
