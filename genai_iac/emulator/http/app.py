"""The ASGI application: reads a request, finds whose it is, and sends what comes back."""

from dataclasses import replace

from genai_iac.emulator.control.routes import Control
from genai_iac.emulator.http.errors import ServiceError
from genai_iac.emulator.http.requests import MAX_BODY, Incoming, read_request
from genai_iac.emulator.http.response_writer import Receive, ResponseWriter, Scope, Send, wait
from genai_iac.emulator.http.responses import answer_error
from genai_iac.emulator.http.transaction import TransactionRunner
from genai_iac.emulator.http.uvicorn_protocol import EXTENSION
from genai_iac.emulator.page.routes import Page

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
        self._side_doors = (control, page)  # neither logged nor struck by faults

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
        for door in self._side_doors:
            if door.owns(request):
                await line.send(door.answer(request), request, self._engine.now())
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
