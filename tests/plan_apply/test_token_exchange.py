"""Sign in with a CI system's OIDC token: the SDK's own exchange with the emulator's token endpoint, and each way it can fail."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from conftest import Project, Tenancy
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec: {region: us-ashburn-1}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: chat}
spec: {name: chat, description: Chat}
"""
ISSUER, SUBJECT, CLIENT_SECRET = "https://ci.example.com", "repo:acme/access:ref:refs/heads/main", "idcscs-of-the-tests"
FAR = 4_000_000_000


@pytest.fixture(scope="module")
def issuer() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def make_jwt(key: RSAPrivateKey, **claims: Any) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    payload = {"iss": ISSUER, "sub": SUBJECT, "aud": "genai-iac", "exp": FAR, **claims}
    signed = ".".join(part(json.dumps(one).encode()) for one in ({"alg": "RS256"}, payload))
    return f"{signed}.{part(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


@pytest.fixture
def ci(tmp_path: Path, tenancy: Tenancy, issuer: RSAPrivateKey) -> Project:
    """A CI job with an OIDC token, no OCI config file and no key; the tenancy trusts its issuer."""
    tenancy.control("POST", "principals", {"name": "ci", "groups": ["Administrators"]})
    pem = issuer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    rules = [{"rule": "sub eq repo:acme/access:*", "principal": "ci"}]
    trust = {"clientId": "app", "clientSecret": CLIENT_SECRET, "issuer": ISSUER, "publicKey": pem, "rules": rules}
    tenancy.control("POST", "trusts", trust)
    project = Project(
        tmp_path / "work",
        {
            "HOME": str(tmp_path),
            "GENAI_IAC_ENDPOINT": tenancy.url,
            "GENAI_IAC_AUTH": "token_exchange",
            "GENAI_IAC_DOMAIN_URL": tenancy.url,
            "GENAI_IAC_CLIENT_ID": "app",
            "GENAI_IAC_CLIENT_SECRET": CLIENT_SECRET,
            "GENAI_IAC_OIDC_TOKEN": make_jwt(issuer),
        },
    )
    project.write(STACK)
    return project


def test_a_job_applies_with_its_own_token_and_no_key(ci: Project, tenancy: Tenancy) -> None:
    tenancy.forget_calls()
    ci.run("apply", "--auto-approve")
    assert tenancy.writes() == ["ExchangeToken", "CreateCompartment"]
    assert {call["principal"] for call in tenancy.calls() if call["operation"] != "ExchangeToken"} == {"ci"}
    assert "identity domain" in ci.run("doctor").out


def test_the_token_may_be_in_a_file(ci: Project) -> None:
    file = ci.path / "token"
    file.write_text(ci.environ.pop("GENAI_IAC_OIDC_TOKEN") + "\n")
    ci.environ["GENAI_IAC_OIDC_TOKEN_FILE"] = str(file)
    ci.run("plan")
    ci.environ["GENAI_IAC_OIDC_TOKEN_FILE"] = "not/there"
    assert "GENAI_IAC_OIDC_TOKEN_FILE names not/there, which cannot be read" in ci.run("plan", code=1).err


class _GitHub(BaseHTTPRequestHandler):
    token, status, asked = "", 200, list[Mapping[str, str]]()

    def do_GET(self) -> None:
        self.asked.append({"path": self.path, "authorization": self.headers["authorization"]})
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(json.dumps({"value": self.token}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def github(token: str, status: int = 200) -> Iterator[str]:
    _GitHub.token, _GitHub.status, _GitHub.asked = token, status, []
    with HTTPServer(("127.0.0.1", 0), _GitHub) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token?api-version=2.0"
        server.shutdown()
        thread.join()


def test_github_is_asked_for_the_token(ci: Project) -> None:
    token = ci.environ.pop("GENAI_IAC_OIDC_TOKEN")
    ci.environ |= {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token", "GENAI_IAC_OIDC_AUDIENCE": "oci prod"}
    with github(token) as url:
        ci.run("plan", code=None)
        ci.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] = url
        ci.run("plan")
        assert _GitHub.asked == [
            {"path": "/token?api-version=2.0&audience=oci%20prod", "authorization": "bearer request-token"}
        ]
    with github(token, 403) as url:
        ci.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] = url
        assert "GitHub gave no OIDC token: 403" in ci.run("plan", code=1).err


REFUSED = {
    "no domain": ({"GENAI_IAC_DOMAIN_URL": ""}, "GENAI_IAC_DOMAIN_URL not set"),
    "no application": ({"GENAI_IAC_CLIENT_ID": "", "GENAI_IAC_CLIENT_SECRET": ""}, "GENAI_IAC_CLIENT_SECRET not set"),
    "no token": ({"GENAI_IAC_OIDC_TOKEN": ""}, "there is no OIDC token"),
    "plain http": ({"GENAI_IAC_DOMAIN_URL": "http://idcs.example.com"}, "neither https nor on this machine"),
    "nobody there": ({"GENAI_IAC_DOMAIN_URL": "http://127.0.0.1:9"}, "cannot sign in with --auth token_exchange"),
    "wrong secret": ({"GENAI_IAC_CLIENT_SECRET": "wrong-secret-here"}, "answered 401: invalid_client"),
    "no token at all": ({"GENAI_IAC_OIDC_TOKEN": "neither.a.token"}, "answered 400: invalid_grant"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_work_is_said(ci: Project, name: str) -> None:
    changed, said = REFUSED[name]
    ci.environ |= changed
    ran = ci.run("plan", code=1)
    assert said in ran.err and "docs/ci-sign-in.md" in ran.err
    assert "Traceback" not in ran.err and "defect" not in ran.err
    assert ci.environ["GENAI_IAC_CLIENT_SECRET"] not in ran.err or not changed.get("GENAI_IAC_CLIENT_SECRET")
    doctor = ci.run("doctor", code=1)
    assert said in doctor.out


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another repository": ({"sub": "repo:mallory/access:ref:refs/heads/main"}, "No impersonation rule"),
    "another issuer": ({"iss": "https://ci.example.org"}, "issuer of the token is not that of the trust"),
    "expired": ({"exp": 1_000_000_000}, "has expired"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_claims_decide(ci: Project, issuer: RSAPrivateKey, name: str) -> None:
    claims, said = CLAIMS[name]
    ci.environ["GENAI_IAC_OIDC_TOKEN"] = make_jwt(issuer, **claims)
    assert said in ci.run("plan", code=1).err


def test_a_token_of_another_key_is_refused(ci: Project) -> None:
    ci.environ["GENAI_IAC_OIDC_TOKEN"] = make_jwt(generate_private_key(public_exponent=65537, key_size=2048))
    assert "not one that the issuer of this trust signed" in ci.run("plan", code=1).err


def test_a_domain_that_never_answers_ends_the_run(ci: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genai_iac.oci_client.auth._LIMIT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ci.environ["GENAI_IAC_DOMAIN_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert "no answer within" in ci.run("plan", code=1).err
