"""The local OCI emulator: an HTTP server with OCI's wire protocol and SQLite storage, for any OCI client.

For: tests and trials without a cloud account. In: signed HTTP requests. Out: OCI's responses, errors, delays.
Must not know: the rest of this project except `iam_policy`, `filesystem` and the table of `vocabulary`, so that a mistake of the
tool is not repeated here.

with running() as tenancy:
    client = IdentityClient(oci.config.from_file(str(tenancy.config_file)), service_endpoint=tenancy.url)
"""

from genai_iac.emulator.auth.profiles import shell_exports
from genai_iac.emulator.control.request import choose_token
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
