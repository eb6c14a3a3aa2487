"""Fakes of documented HTTP APIs: one server of this process for each, which every test gives a state of its own."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Sent:
    """One request as the fake sees it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text) if self.text else None


Reply = tuple[int, Any]  # a status and JSON data


@dataclass
class Fault:
    """What happens to requests whose method and path (of AWS: operation) fit, instead of the answer or after it was carried out."""

    fits: str  # a regular expression
    status: int = 0  # 0: the connection is reset
    after: bool = False  # the request is carried out, and its answer lost
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    between: Callable[[], None] = lambda: None  # somebody else does something before the next request


@dataclass
class FakeApi:
    """What a fake does with a request, which requests it refuses, and what it was asked."""

    failing: Callable[[Sent], Reply | None] = lambda sent: None
    asked: list[str] = field(default_factory=list)  # method and path
    changes: list[str] = field(default_factory=list)  # of those, the ones that changed something
    faults: list[Fault] = field(default_factory=list)
    url: str = ""

    def answer(self, sent: Sent) -> Reply:
        raise NotImplementedError

    def serve(self, sent: Sent) -> Reply:
        self.asked.append(f"{sent.method} {sent.path}")
        return self.failing(sent) or self.answer(sent)

    def take_fault(self, sent: Sent) -> Fault | None:
        """The fault that this request gets, which then has happened once."""
        called = f"{sent.method} {sent.path}{sent.headers.get('x-amz-target', '').removeprefix('secretsmanager.')}"
        found = next((one for one in self.faults if one.times > 0 and re.search(one.fits, called)), None)
        if found:
            found.times -= 1
        return found

    def start(self) -> None:
        """Answer at the address of this kind of fake from now on, instead of the one before."""
        server = _SERVERS.setdefault(type(self), _Server())
        server.api = self
        self.url = f"http://127.0.0.1:{server.server_port}"


class _Server(ThreadingHTTPServer):
    api: FakeApi
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        text = self.rfile.read(length).decode()
        assert isinstance(self.server, _Server)
        api, sent = self.server.api, Sent(self.command, parts.path, dict(parse_qsl(parts.query)), headers, text)
        fault = api.take_fault(sent)
        if fault is None:
            self._reply(*api.serve(sent))
            return
        if fault.after:
            assert api.serve(sent)[0] < 300, "a fault behind a request that fails anyway"
        else:
            api.asked.append(f"{sent.method} {sent.path}")
        fault.between()
        if fault.status:
            self._reply(fault.status, {"message": "come back later"}, fault.headers)
        else:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _reply(self, status: int, data: Any, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        body = b"" if data is None else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # the names that the server looks for

    def log_message(self, *args: Any) -> None:
        """Quiet."""


_SERVERS: dict[type[FakeApi], _Server] = {}
