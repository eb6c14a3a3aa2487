"""The OCI configuration file of a local emulator, with a profile and a key for everyone who has one, and the environment variables that
point other clients at it.
"""

import configparser
import io
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from msgspec import Struct

from genai_iac.emulator.auth.signatures import make_token
from genai_iac.emulator.services.identity.users import fingerprint_of, store_key
from genai_iac.emulator.storage.database import Database
from genai_iac.emulator.storage.secret_storage import create_private, replace_private
from genai_iac.emulator.storage.seed import ADMINISTRATOR
from genai_iac.emulator.storage.tenancy_state import TenancyState, read_tenancy_state
from genai_iac.filesystem import check_file, check_folder

_LABEL = b"OCI_API_KEY\n"  # oci-cli warns of key files that do not end with it


def ensure_key(path: Path, *, throwaway: bool = False) -> RSAPrivateKey:
    """The key in that file; made first when there is none. `throwaway`: the same key for every file of this process.

    Raises:
        TypeError: the file has another kind of key.
    """
    check_file(path)
    if not path.exists():
        made = _shared_key(path.name) if throwaway else _make_key()
        create_private(
            path, made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()) + _LABEL
        )
    # Validating an RSA key takes longer than the rest of starting an emulator, and the file
    # is our own.
    key = load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path} holds no RSA key")
    return key


@cache
def _shared_key(_file: str) -> RSAPrivateKey:
    return _make_key()  # one for each file name, so that users stay distinct


def _make_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


DEFAULT_PROFILE = "DEFAULT"  # of the administrator
# Marks users that get a profile; users made through the Identity API do not.
PRINCIPAL_DESCRIPTION = "Made through the control API of the local emulator"

_OWNERS = """
SELECT u.name, u.id, s.user IS NOT NULL AS session FROM resources u LEFT JOIN sessions s ON s.user = u.id
WHERE u.kind = 'user' AND u.state = 'ACTIVE' AND (u.name = ? OR json_extract(u.body, '$.description') = ?) ORDER BY u.seq
"""


class Profiles(Struct, frozen=True):
    """Where profiles are written, if anywhere. `throwaway`: the keys need not differ from another tenancy's."""

    database: Database
    directory: Path | None  # None: no files are written
    master_key: Callable[[], str]  # signs session tokens
    throwaway: bool = False

    def write(self) -> Path | None:
        """Write `config`, a key file beside it for every profile, and fresh tokens for those that are sessions.

        Keys that are there already are kept, and made known to the tenancy if it does not know them."""
        if self.directory is None:
            return None
        directory = self.directory.absolute()
        check_folder(directory, make=True, private=True)
        with self.database.snapshot() as connection:
            owners = connection.execute(_OWNERS, (ADMINISTRATOR, PRINCIPAL_DESCRIPTION)).fetchall()
        # [DEFAULT] as an ordinary section: otherwise other profiles would inherit the
        # administrator's user.
        parser = configparser.ConfigParser(default_section="", interpolation=None)
        for owner in owners:
            key_file = directory / f"{owner['name']}.pem"
            key = ensure_key(key_file, throwaway=self.throwaway)
            with self.database.write() as connection:
                world = read_tenancy_state(connection)
                proof = self._prove(connection, world, owner, key)
            profile = DEFAULT_PROFILE if owner["name"] == ADMINISTRATOR else owner["name"]
            shared = {"key_file": str(key_file), "tenancy": world.tenancy, "region": world.home}
            parser[profile] = {**proof, "fingerprint": fingerprint_of(key.public_key()), **shared}
        text = io.StringIO()
        parser.write(text)
        path = directory / "config"
        check_file(path)
        replace_private(path, text.getvalue().encode("utf-8"))
        return path

    def _prove(
        self, connection: sqlite3.Connection, world: TenancyState, owner: sqlite3.Row, key: RSAPrivateKey
    ) -> dict[str, str]:
        """Make the tenancy know the key, or hand out a token for it; what the profile then says of its owner."""
        if owner["session"] and self.directory is not None:
            token = make_token(self.master_key(), owner["id"], world.tenancy, key.public_key(), world.now)
            path = self.directory.absolute() / f"{owner['name']}.token"
            check_file(path)
            replace_private(path, token.encode("ascii"))
            return {"security_token_file": str(path)}
        fingerprint = fingerprint_of(key.public_key())
        known = "SELECT 1 FROM user_keys WHERE user = ? AND fingerprint = ?"
        if not connection.execute(known, (owner["id"], fingerprint)).fetchone():
            store_key(connection, owner["id"], key.public_key(), world.now)
        return {"user": owner["id"]}


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


def shell_exports(url: str, config_file: Path | str, region: str | None = None) -> dict[str, str]:
    """The environment that points genai-iac, oci-cli, the OCI SDKs, terraform-provider-oci and OpenAI clients at `url`.

    `region`: the long name of the one that those clients mean; without it the home region. genai-iac itself is given no
    region, since it chooses one for each call.
    """
    chosen = url if region is None else f"{url}/r/{region}"
    region = region or _region_of(Path(config_file))
    return {
        "GENAI_IAC_ENDPOINT": url,
        "GENAI_IAC_CONFIG_FILE": str(config_file),
        "GENAI_IAC_PROFILE": DEFAULT_PROFILE,
        "OCI_CLI_ENDPOINT": chosen,
        "OCI_CLI_CONFIG_FILE": str(config_file),
        "OCI_CLI_PROFILE": DEFAULT_PROFILE,
        "OCI_CLI_REGION": region,
        "OCI_CONFIG_FILE": str(config_file),
        "OCI_REGION": region,
        "TF_VAR_region": region,
        "TF_VAR_config_file_profile": DEFAULT_PROFILE,
        "CLIENT_HOST_OVERRIDES": ";".join(f"{client}={chosen}" for client in _TERRAFORM_CLIENTS),
        "OPENAI_BASE_URL": f"{url}/r/{region}/20231130/actions/v1",
    }


def _region_of(config_file: Path) -> str:
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    parser.read(config_file, "utf-8")
    return parser[DEFAULT_PROFILE]["region"]
