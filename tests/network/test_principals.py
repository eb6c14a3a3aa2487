"""The clients that sign in: whatever the metadata service answers, no redirect is followed, and the reason is named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from conftest import Project

from genai_iac.oci_client import auth

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: app}\nspec: {region: us-chicago-1}\n"
Serve = Callable[[Callable[[str], bytes]], tuple[str, list[str]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that answers each path with these bytes; its address, and the paths that it was asked for."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[str], bytes]) -> tuple[str, list[str]]:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.wfile.write(answer(self.path))
                self.close_connection = True

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def sdk_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal of redirects ends with the test; so does the wait for a signer, which is shorter here."""
    from oci._vendor import requests

    monkeypatch.setattr(requests.Session, "get_redirect_target", requests.Session.get_redirect_target)
    monkeypatch.setattr(auth, "_LIMIT", 4.0)


def whole(body: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


def to(place: str, status: int = 307) -> bytes:
    return f"HTTP/1.1 {status} Elsewhere\r\nlocation: {place}/stolen\r\ncontent-length: 0\r\n\r\n".encode()


def plan(offline: Project, url: str) -> str:
    offline.write(STACK)
    offline.environ |= {"OCI_METADATA_BASE_URL": url}
    ran = offline.run("--auth", "instance_principal", "plan", code=1)
    assert "Traceback" not in ran.err and "defect" not in ran.err
    return ran.err


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_metadata_service_that_redirects_is_none(offline: Project, serve: Serve, status: int) -> None:
    thief, stolen = serve(lambda path: whole("iad"))
    url, asked = serve(lambda path: to(thief, status))
    assert f"/instance/region answered {status}" in plan(offline, url)
    assert asked == ["/instance/region"] and stolen == []


@pytest.mark.parametrize("kind", ["instance/region", "identity/cert.pem"])
def test_no_request_of_a_signer_is_redirected(offline: Project, serve: Serve, kind: str) -> None:
    """The region and the certificate are asked for by the SDK's own sessions, after our own look."""
    thief, stolen = serve(lambda path: whole("iad"))
    calls: list[str] = []

    def answer(path: str) -> bytes:
        calls.append(path)
        ours = kind in path and (kind != "instance/region" or len(calls) > 1)
        return to(thief) if ours else whole("iad")

    url, _ = serve(answer)
    said = plan(offline, url)
    assert stolen == [] and any(kind in path for path in calls)
    assert "cannot sign in with this principal" in said


GARBAGE = {
    "nothing": b"",
    "no status line": b"\r\n\r\n",
    "no headers": b"HTTP/1.1 200 OK\r\n\r\n",
    "bytes": b"\xff\xfe\0\x01" * 400,
    "a line that is too long": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
    "headers that are none": b"HTTP/1.1 200 OK\r\n\x01\xff no colon\r\n: \r\n\r\niad",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\niad",
    "a length that is none": b"HTTP/1.1 200 OK\r\ncontent-length: -1, soon\r\n\r\niad",
    "an escape in the reason": b"HTTP/1.1 500 \x1b[2J\x1b]0;owned\x07\r\ncontent-length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_metadata_service_that_answers_garbage_ends_in_a_reason(offline: Project, serve: Serve, name: str) -> None:
    url, _ = serve(lambda path: GARBAGE[name])
    said = plan(offline, url)
    assert "cannot sign in with" in said and "next: " in said
    assert "\x1b" not in said and "\x07" not in said
