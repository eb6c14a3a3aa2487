"""uvicorn's httptools protocol with three things added: the raw request target, the transport, and silence.

The target is what request signatures are over. The transport is how a fault cuts a connection. Loggers of the process
that hosts the server are left alone."""

import logging

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

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
