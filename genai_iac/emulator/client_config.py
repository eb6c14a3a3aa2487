"""What other OCI clients need to reach a local tenancy: a configuration file with profiles, and an environment."""

import configparser
import io
import sqlite3
from pathlib import Path

from genai_iac.emulator.bootstrap import ADMINISTRATOR
from genai_iac.emulator.database import Database
from genai_iac.emulator.identity.user_keys import fingerprint_of, store_key
from genai_iac.emulator.private_files import replace_private
from genai_iac.emulator.signing_keys import ensure_key
from genai_iac.emulator.world import read_world

DEFAULT_PROFILE = "DEFAULT"

# the names terraform-provider-oci has for its clients
_TERRAFORM_CLIENTS = (
    "oci_identity.IdentityClient",
    "oci_generative_ai.GenerativeAiClient",
    "oci_vault.VaultsClient",
    "oci_secrets.SecretsClient",
    "oci_kms.KmsVaultClient",
    "oci_kms.KmsManagementClient",
    "oci_object_storage.ObjectStorageClient",
    "oci_resource_search.ResourceSearchClient",
)


def write_profiles(database: Database, directory: Path, *, throwaway: bool = False) -> Path:
    """Write `config` in the directory: one profile a user that has one, each with a key file beside it.

    Keys that are there already are kept, and made known to the tenancy if it does not know them."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with database.snapshot() as connection:
        users = _users_with_profiles(connection)
    keys = {name: ensure_key(directory / f"{name}.pem", throwaway=throwaway) for name in users}
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    with database.write() as connection:
        world = read_world(connection)
        for name, user in users.items():
            fingerprint = fingerprint_of(keys[name].public_key())
            known = "SELECT 1 FROM user_keys WHERE user = ? AND fingerprint = ?"
            if not connection.execute(known, (user, fingerprint)).fetchone():
                store_key(connection, user, keys[name].public_key(), world.now)
            parser[DEFAULT_PROFILE if name == ADMINISTRATOR else name] = {
                "user": user,
                "fingerprint": fingerprint,
                "key_file": str((directory / f"{name}.pem").resolve()),
                "tenancy": world.tenancy,
                "region": world.home,
            }
    text = io.StringIO()
    parser.write(text)
    path = (directory / "config").resolve()
    replace_private(path, text.getvalue().encode("utf-8"))
    return path


def shell_exports(url: str, config_file: Path | str) -> dict[str, str]:
    """The environment that points genai-iac, oci-cli, the OCI SDKs, terraform-provider-oci and OpenAI clients at `url`."""
    region = _region_of(Path(config_file))
    return {
        "GENAI_IAC_ENDPOINT": url,
        "GENAI_IAC_CONFIG_FILE": str(config_file),
        "GENAI_IAC_PROFILE": DEFAULT_PROFILE,
        "OCI_CLI_ENDPOINT": url,
        "OCI_CLI_CONFIG_FILE": str(config_file),
        "OCI_CLI_PROFILE": DEFAULT_PROFILE,
        "OCI_CLI_REGION": region,
        "OCI_CONFIG_FILE": str(config_file),
        "OCI_REGION": region,
        "TF_VAR_region": region,
        "TF_VAR_config_file_profile": DEFAULT_PROFILE,
        "CLIENT_HOST_OVERRIDES": ";".join(f"{client}={url}" for client in _TERRAFORM_CLIENTS),
        "OPENAI_BASE_URL": f"{url}/r/{region}/20231130/actions/v1",
    }


def _users_with_profiles(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute(
        "SELECT name, id FROM resources WHERE kind = 'user' AND state = 'ACTIVE'"
        " AND (name = ? OR json_extract(body, '$.description') = ?) ORDER BY seq",
        (ADMINISTRATOR, PRINCIPAL_DESCRIPTION),
    )
    return {row["name"]: row["id"] for row in rows}


PRINCIPAL_DESCRIPTION = "Made through the control API of the local tenancy"


def _region_of(config_file: Path) -> str:
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    parser.read(config_file, "utf-8")
    return parser[DEFAULT_PROFILE]["region"]
