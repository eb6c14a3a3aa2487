"""A service between the tool and the local emulator: its refusals quote every value that passed, in every form."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

VALUE = re.compile(rb"sk-[A-Za-z0-9_-]{20,}")
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class QuotingService:
    """What it listens on, the values that passed, and how it answers the requests that it spoils."""

    upstream: str
    spoil: Callable[[str, str], bool] = lambda method, path: False
    answer: Callable[[str], Answer] = lambda text: (400, {}, b"{}")
    values: set[str] = field(default_factory=set)
    spoiled: list[str] = field(default_factory=list)
    url: str = ""


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


@contextmanager
def quoting(upstream: str) -> Iterator[QuotingService]:
    """Serve while the block runs."""
    service = QuotingService(upstream)
    opener = build_opener(ProxyHandler({}), _Stay())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            self._learn(body)
            if service.values and service.spoil(self.command, self.path):
                service.spoiled.append(f"{self.command} {self.path}")
                self._send(*service.answer(" ".join(form for value in service.values for form in forms(value))))
                return
            request = Request(f"{service.upstream}{self.path}", body or None, dict(self.headers), method=self.command)
            try:
                with opener.open(request, timeout=30) as got:
                    status, headers, content = got.status, dict(got.headers), got.read()
            except HTTPError as error:
                status, headers, content = error.code, dict(error.headers), error.read()
            self._learn(content)
            self._send(status, headers, content)

        def _learn(self, data: bytes) -> None:
            service.values.update(found.decode() for found in VALUE.findall(data))

        def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

        do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


def forms(value: str) -> list[str]:
    """The value as it is and as programs may write it, alone and inside something else."""
    content = json.dumps({"OPENAI_API_KEY": value})
    texts = [value, content, json.dumps(content), f"Bearer {value}", value[::-1], value[:20], value[-20:], value[9:25]]
    data = [f"{before}{value}".encode() for before in ("", "x", "xy")] + [content.encode()]
    return [
        *texts,
        *(quote(text, safe="") for text in (value, content)),
        *(base64.b64encode(one).decode() for one in data),
        *(base64.urlsafe_b64encode(one).decode() for one in data),
        *(one.hex() for one in data),
        value.encode().hex(" "),
        value.encode().hex(":").upper(),
        "".join(f"%{byte:02X}" for byte in value.encode()),
        "".join(f"\\u{ord(letter):04x}" for letter in value),
    ]
