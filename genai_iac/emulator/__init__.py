"""The local tenancy: a real HTTP server that speaks OCI's wire protocol, with SQLite behind it.

with running() as tenancy:
    client = IdentityClient(oci.config.from_file(str(tenancy.config_file)), service_endpoint=tenancy.url)
"""

from genai_iac.emulator.client_env import shell_exports
from genai_iac.emulator.control.token import choose_token
from genai_iac.emulator.http.server import Running, running, serve
from genai_iac.emulator.storage.database import DatabaseError
from genai_iac.emulator.tenancy import Emulator, write_client_config

__all__ = [
    "DatabaseError",
    "Emulator",
    "Running",
    "choose_token",
    "running",
    "serve",
    "shell_exports",
    "write_client_config",
]
