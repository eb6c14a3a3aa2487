"""The ASGI application: reads a request, finds whose it is, and sends the answer: whole, streamed, changed as a fault asks, or not at all.

uvicorn's httptools protocol has three additions here: the raw request target (request signatures are over it), the transport (by which
a fault cuts a connection), and no logging (loggers of the process that hosts the server are left alone).
"""

import asyncio
import logging
import os
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from msgspec.structs import replace
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HEADER_VALUE_RE, STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from genai_iac.emulator.control.faults import ActiveFaults, Effect
from genai_iac.emulator.control.routes import Control
from genai_iac.emulator.http.call_handler import TransactionRunner
from genai_iac.emulator.http.requests import MAX_BODY, Incoming, read_request
from genai_iac.emulator.http.responses import Answer, ServiceError, answer_error
from genai_iac.emulator.page.html import Page
from genai_iac.emulator.storage.time_format import format_http_date

EXTENSION = "genai_iac.connection"  # key of the ASGI scope's extensions


class TenancyProtocol(HttpToolsProtocol):
    """Serves one connection."""

    def __init__(self, config: Config, server_state: ServerState) -> None:
        super().__init__(config, server_state, {})
        # a logger that hangs in no tree: a malformed request is its sender's affair
        self.logger = logging.Logger("genai_iac.emulator.http", level=logging.CRITICAL)
        self.access_log = False

    def on_headers_complete(self) -> None:
        """Hand the application what ASGI has no place for."""
        self.scope["extensions"] = {EXTENSION: {"target": self.url, "transport": self.transport}}
        super().on_headers_complete()


Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NO_STRIKE = ActiveFaults()  # no fault


class ResponseWriter:
    """The way back to the caller.

    Args:
        scope: ASGI scope; an extension of ours has the transport.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport = scope.get("extensions", {}).get(EXTENSION, {}).get("transport")
        self._receive = receive
        self._send = send

    async def send(self, answer: Answer, request: Incoming | None, now: int, struck: ActiveFaults = _NO_STRIKE) -> None:
        """Send an answer, as the faults that struck would have it.

        Args:
            request: None when it could not be read.
            now: the tenancy's time for the Date header, by which clients judge expiries.
        """
        effects = (*struck.before, *struck.after)
        shaped = {name: value for effect in effects if not effect.answers for name, value in effect.headers.items()}
        answer = replace(answer, headers={**answer.headers, **shaped}) if shaped else answer
        body = b"" if request is not None and request.method == "HEAD" else answer.encode()
        if any(HEADER_VALUE_RE.search(_encode(value)) for value in shaped.values()) and self._transport is not None:
            await self._send_unchecked(answer, request, now, body)
        elif any(effect.truncate for effect in effects):
            await self._start(answer, request, now, len(body) if answer.stream is None else None)
            # Content-Length says more than is sent, so clients notice.
            await self._body(body[: len(body) // 2], more=True)
            await self._close(reset=False)
        elif answer.stream is not None:
            await self._start(answer, request, now, None)
            await self._stream(answer.stream)
        elif any(effect.trickle for effect in effects):
            await self._start(answer, request, now, None)
            await self._stream(_bytewise(body))
        else:
            await self._start(answer, request, now, len(body))
            await self._body(body, more=False)

    async def cut(self, effect: Effect) -> None:
        """End the connection without an answer.

        Args:
            effect: says whether to stay silent first, to kill a process, and how to close.
        """
        await wait(effect.silence)
        if effect.kill is not None:
            _signal(effect.kill, effect.signal)
        await self._close(reset=effect.reset)

    async def _send_unchecked(self, answer: Answer, request: Incoming | None, now: int, body: bytes) -> None:
        """Send headers that no server should send: uvicorn refuses control characters, and the answer would be lost."""
        lines = [b"%s: %s" % header for header in self._headers(answer, request, now, len(body))]
        self._transport.write(STATUS_LINE[answer.status] + b"\r\n".join([*lines, b"connection: close", b"", body]))
        await self._close(reset=False)

    async def _start(self, answer: Answer, request: Incoming | None, now: int, length: int | None) -> None:
        raw = self._headers(answer, request, now, length)
        await self._send({"type": "http.response.start", "status": answer.status, "headers": raw})

    def _headers(
        self, answer: Answer, request: Incoming | None, now: int, length: int | None
    ) -> list[tuple[bytes, bytes]]:
        headers = {
            "date": format_http_date(now),
            "content-type": answer.content_type,
            "opc-request-id": request.request_id if request else secrets.token_hex(16).upper(),
            **answer.headers,
        }
        if answer.status == 204 or (length == 0 and answer.content is None):
            headers.pop("content-type")
        if length is not None and answer.status != 204:
            headers.setdefault("content-length", str(length))
        client_id = request.headers.get("opc-client-request-id") if request else None
        if client_id:
            headers["opc-client-request-id"] = client_id
        return [(name.encode("latin-1"), _encode(value)) for name, value in headers.items()]

    async def _body(self, chunk: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})

    async def _stream(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            await self._body(chunk, more=True)
        await self._body(b"", more=False)

    async def _close(self, *, reset: bool) -> None:
        # Under another ASGI server there is no transport: the exception makes it close the
        # connection.
        if self._transport is None:
            raise ConnectionAbortedError("a fault cut this connection")
        if reset:
            raw: socket.socket = self._transport.get_extra_info("socket")
            # linger for no time: the kernel answers what is unsent with RST
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def wait(milliseconds: int) -> None:
    """Real time passes."""
    if milliseconds:
        await asyncio.sleep(milliseconds / 1000)


async def _bytewise(body: bytes) -> AsyncIterator[bytes]:
    for position in range(len(body)):
        yield body[position : position + 1]


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    # The process has ended by itself; the fault has nothing left to do.
    except ProcessLookupError:
        return


def _encode(value: str) -> bytes:
    return value.encode("latin-1", "replace")


# A page of another site can make a browser send requests to 127.0.0.1 under its own
# name (DNS rebinding).
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Application:
    """One tenancy as an ASGI application.

    Control API and web page are served first and are neither logged nor subject to faults,
    so a test can always look and repair.
    """

    def __init__(self, engine: TransactionRunner, control: Control, page: Page) -> None:
        self._engine = engine
        self._local_apps = (control, page)  # neither logged nor struck by faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or the life of the server).

        Args:
            scope: ASGI scope; types other than lifespan and http are ignored.
        """
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, ResponseWriter(scope, receive, send))

    async def _serve(self, scope: Scope, receive: Receive, line: ResponseWriter) -> None:
        try:
            head = _read_head(scope)
            _check_host(head)
            request = await _read_body(head, receive)
        except ServiceError as error:
            await line.send(answer_error(error), None, self._engine.now())
            return
        # The client left before its body was complete.
        if request is None:
            return
        for app in self._local_apps:
            if app.owns(request):
                await line.send(app.answer(request), request, self._engine.now())
                return
        await self._serve_call(request, line)

    async def _serve_call(self, request: Incoming, line: ResponseWriter) -> None:
        route = self._engine.route(request)
        world, struck = self._engine.prepare(route)
        # Real time, before the operation: a client sees a slow service.
        await wait(world.settings.latency + sum(effect.delay for effect in struck.before))
        # Committed from here on, whatever becomes of the connection: that is how a lost answer
        # is imitated.
        answer = self._engine.answer(request, route, struck)
        for effect in struck.before:
            if effect.cuts:
                await line.cut(effect)
                return
        await wait(answer.delay + sum(effect.delay for effect in struck.after))
        for effect in struck.after:
            if effect.cuts:
                await line.cut(effect)
                return
        await line.send(answer, request, self._engine.now(), struck)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def _read_head(scope: Scope) -> Incoming:
    extension = scope.get("extensions", {}).get(EXTENSION, {})
    raw_path = scope.get("raw_path") or scope["path"].encode("utf-8")
    query = scope["query_string"]
    # The bytes of the request line: a signature is over them, not over the decoded path.
    target = extension.get("target") or raw_path + (b"?" + query if query else b"")
    return read_request(scope["method"], target, raw_path, query, scope["headers"])


def _check_host(request: Incoming) -> None:
    """Refuse requests that a web page made a browser send: under another host name, or from another origin."""
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    origin = request.headers.get("origin")
    # names below localhost are the loopback too (RFC 6761): an identity domain has one
    if not (name.lower() in _LOCAL_HOSTS or name.lower().endswith(".localhost")) or (
        origin is not None and origin.partition("://")[2] != host
    ):
        raise ServiceError(
            403, "Forbidden", "The local emulator answers on loopback names only: 127.0.0.1 or localhost."
        )


async def _read_body(request: Incoming, receive: Receive) -> Incoming | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise ServiceError(413, "RequestEntityTooLarge", f"The body is larger than {MAX_BODY} bytes.")
        if not message.get("more_body"):
            return replace(request, body=bytes(body)) if body else request
