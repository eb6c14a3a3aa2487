"""The way back to a caller: answers sent whole, streamed, mangled as faults would have it, or not at all."""

import asyncio
import os
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from genai_iac.emulator.control.faults import ActiveFaults, Effect
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.uvicorn_protocol import EXTENSION
from genai_iac.emulator.storage.time_format import format_http_date

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
        if any(effect.truncate for effect in effects):
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


def _request_id(request: Incoming | None) -> str:
    own = [secrets.token_hex(16).upper() for _ in range(2)]
    given = request.headers.get("opc-request-id", "")[:96] if request else ""
    return "/".join([given, *own]) if given else "/".join(own)
