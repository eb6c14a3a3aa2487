"""The emulator's HTTP server on a loopback port: for as long as a block of code runs, or until a signal comes.

uvicorn's protocol does the HTTP; its own runner is left out, because it installs signal handlers, configures logging and takes its
time to stop, none of which code inside another process may do.
"""

import asyncio
import contextlib
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from uvicorn.config import Config
from uvicorn.server import ServerState

from genai_iac.emulator.control.request import choose_token
from genai_iac.emulator.http.app import Application, TenancyProtocol
from genai_iac.emulator.tenancy import Emulator

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_GRACE = 2.0  # seconds for answers that are under way when the server stops


class Running(Struct, frozen=True):
    """A tenancy that is being served."""

    url: str  # with the port
    config_file: Path  # OCI configuration with the profile DEFAULT
    tenancy: str  # OCID
    home_region: str
    control_token: str | None = None  # None: no control API


@contextmanager
def running(
    db: Path | None = None,
    port: int = 0,
    *,
    home_region: str | None = None,
    oci_dir: Path | None = None,
    control_token: str | None = None,
    control: bool = True,
    allow_kill: bool = False,
) -> Iterator[Running]:
    """Serve a tenancy from a thread of this process while the block runs. Port 0 takes a free one.

    Client profiles go to `oci_dir`; without it, beside the database, or for a tenancy in memory to a directory that
    vanishes with it. The control API (none with `control=False`) asks for `control_token`; without one for that of
    GENAI_IAC_CONTROL_TOKEN, else a random one. OSError when the port is taken.

    Yields:
        What clients need to connect. The server is stopped and all files are closed at the
            end of the block.
    """
    with contextlib.ExitStack() as stack:
        if oci_dir is None:
            oci_dir = _profiles_beside(db) if db else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        listener = stack.enter_context(_listen("127.0.0.1", port))
        token = choose_token(control_token, db) if control else None
        emulator = stack.enter_context(
            Emulator(db, home_region=home_region, oci_dir=oci_dir, control_token=token, allow_kill=allow_kill)
        )
        if emulator.config_file is None:
            raise RuntimeError("a tenancy with a directory has profiles in it")
        served = Running(_url(listener), emulator.config_file, emulator.tenancy, emulator.home_region, token)
        stack.enter_context(_in_thread(emulator.app, listener))
        yield served


def serve(
    db: Path,
    port: int,
    host: str = "127.0.0.1",
    oci_dir: Path | None = None,
    *,
    home_region: str | None = None,
    on_ready: Callable[[str], None] | None = None,
    control_token: str | None = None,
    allow_kill: bool = False,
) -> None:
    """Serve a tenancy until SIGINT or SIGTERM; `on_ready` is given the URL. Loopback only: ValueError for other hosts.

    Raises:
        ValueError: another host than loopback: requests carry secrets without TLS.
    """
    if host not in _LOOPBACK:
        raise ValueError(f"the local emulator listens on loopback only, not on {host}; use 127.0.0.1")
    with (
        _listen(host, port) as listener,
        Emulator(
            db,
            home_region=home_region,
            oci_dir=oci_dir or _profiles_beside(db),
            control_token=choose_token(control_token, db),
            allow_kill=allow_kill,
        ) as emulator,
    ):
        asyncio.run(_serve_until_signal(emulator.app, listener, on_ready))


def _profiles_beside(db: Path) -> Path:
    return db.parent / "oci"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only for sockets that say they are TCP; with it every answer takes 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Clients with many threads connect at the same moment.
        listener.listen(512)
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _in_thread(app: Application, listener: socket.socket) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()

    async def main() -> None:
        async with _accepting(app, listener):
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(main())
        finally:
            ready.set()
            loop.close()

    # A daemon, so that a test that is interrupted does not hang at exit.
    thread = threading.Thread(target=run, name="genai-iac local emulator", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _serve_until_signal(
    app: Application, listener: socket.socket, on_ready: Callable[[str], None] | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # In place of uvicorn's own handlers, which would replace those of the process.
        loop.add_signal_handler(number, stop.set)
    async with _accepting(app, listener):
        if on_ready is not None:
            on_ready(_url(listener))
        await stop.wait()


@contextlib.asynccontextmanager
async def _accepting(app: Application, listener: socket.socket) -> AsyncIterator[None]:
    """Accept connections; on the way out let answers under way finish, then close what is left."""
    config = Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", date_header=False, server_header=False
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: TenancyProtocol(config, state), sock=listener)
    try:
        yield
    finally:
        # take no more connections, and make those already taken: closing the server in between would leak a socket
        loop.remove_reader(listener)
        await _run_pending()
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            _, unfinished = await asyncio.wait(list(state.tasks), timeout=_GRACE)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        for connection in list(state.connections):
            connection.transport.abort()
        await _run_pending()


async def _run_pending() -> None:
    """Let the loop finish what it has begun: a connection just accepted takes a few turns to be made, or to be closed."""
    for _ in range(8):
        await asyncio.sleep(0)
