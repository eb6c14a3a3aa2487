"""The ASGI application: reads a request, gives it to the engine, and sends, delays, cuts or mangles what comes back."""

import asyncio
import os
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from genai_iac.emulator.answers import Answer, answer_error
from genai_iac.emulator.control.doors import Control
from genai_iac.emulator.engine import Engine
from genai_iac.emulator.errors import ServiceError
from genai_iac.emulator.faults import Effect, Strike
from genai_iac.emulator.moments import format_http_date
from genai_iac.emulator.page.doors import Page
from genai_iac.emulator.protocol import EXTENSION
from genai_iac.emulator.requests import MAX_BODY, Incoming, read_request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NO_STRIKE = Strike()
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Application:
    """One tenancy as an ASGI application."""

    def __init__(self, engine: Engine, control: Control, page: Page) -> None:
        self._engine = engine
        self._side_doors = (control, page)  # neither logged nor struck by faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or the life of the server)."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, _Line(scope, receive, send))

    async def _serve(self, scope: Scope, receive: Receive, line: "_Line") -> None:
        try:
            head = _read_head(scope)
            _check_host(head)
            request = await _read_body(head, receive)
        except ServiceError as error:
            await line.send(answer_error(error), None, self._engine.now())
            return
        if request is None:
            return
        for door in self._side_doors:
            if door.owns(request):
                await line.send(door.answer(request), request, self._engine.now())
                return
        await self._serve_call(request, line)

    async def _serve_call(self, request: Incoming, line: "_Line") -> None:
        route = self._engine.route(request)
        world, struck = self._engine.prepare(route)
        await _wait(world.settings.latency + sum(effect.delay for effect in struck.before))
        answer = self._engine.answer(request, route, struck)
        for effect in struck.before:
            if effect.cuts:
                await line.cut(effect)
                return
        await _wait(sum(effect.delay for effect in struck.after))
        for effect in struck.after:
            if effect.cuts:
                await line.cut(effect)
                return
        await line.send(answer, request, self._engine.now(), struck)


class _Line:
    """The way back to the caller."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport = scope.get("extensions", {}).get(EXTENSION, {}).get("transport")
        self._receive = receive
        self._send = send

    async def send(self, answer: Answer, request: Incoming | None, now: int, struck: Strike = _NO_STRIKE) -> None:
        """Send an answer, as the faults that struck would have it."""
        effects = (*struck.before, *struck.after)
        body = b"" if request is not None and request.method == "HEAD" else answer.encode()
        if any(effect.truncate for effect in effects):
            await self._start(answer, request, now, len(body) if answer.stream is None else None)
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
        """End the connection without an answer."""
        await _wait(effect.silence)
        if effect.kill is not None:
            _signal(effect.kill, effect.signal)
        await self._close(reset=effect.reset)

    async def _start(self, answer: Answer, request: Incoming | None, now: int, length: int | None) -> None:
        headers = {
            "date": format_http_date(now),
            "content-type": answer.content_type,
            "opc-request-id": _request_id(request),
            **answer.headers,
        }
        if answer.status == 204 or (length == 0 and answer.content is None):
            headers.pop("content-type")
        if length is not None and answer.status != 204:
            headers.setdefault("content-length", str(length))
        client_id = request.headers.get("opc-client-request-id") if request else None
        if client_id:
            headers["opc-client-request-id"] = client_id
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": raw})

    async def _body(self, chunk: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})

    async def _stream(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            await self._body(chunk, more=True)
        await self._body(b"", more=False)

    async def _close(self, *, reset: bool) -> None:
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
    target = extension.get("target") or raw_path + (b"?" + query if query else b"")
    return read_request(scope["method"], target, raw_path, query, scope["headers"])


def _check_host(request: Incoming) -> None:
    """Refuse requests that a web page made a browser send: under another host name, or from another origin."""
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    origin = request.headers.get("origin")
    if name.lower() not in _LOCAL_HOSTS or (origin is not None and origin.partition("://")[2] != host):
        raise ServiceError(
            403, "Forbidden", "The local tenancy answers on loopback names only: 127.0.0.1 or localhost."
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


async def _wait(milliseconds: int) -> None:
    if milliseconds:
        await asyncio.sleep(milliseconds / 1000)


async def _bytewise(body: bytes) -> AsyncIterator[bytes]:
    for position in range(len(body)):
        yield body[position : position + 1]


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


def _request_id(request: Incoming | None) -> str:
    own = [secrets.token_hex(16).upper() for _ in range(2)]
    given = request.headers.get("opc-request-id", "")[:96] if request else ""
    return "/".join([given, *own]) if given else "/".join(own)
