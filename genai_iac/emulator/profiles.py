"""The OCI configuration file of a local tenancy: a profile with a key for everyone who has one."""

import configparser
import io
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from genai_iac.emulator.bootstrap import ADMINISTRATOR
from genai_iac.emulator.database import Database
from genai_iac.emulator.identity.user_keys import fingerprint_of, store_key
from genai_iac.emulator.private_files import replace_private
from genai_iac.emulator.sessions import make_token
from genai_iac.emulator.signing_keys import ensure_key
from genai_iac.emulator.world import World, read_world

DEFAULT_PROFILE = "DEFAULT"
PRINCIPAL_DESCRIPTION = "Made through the control API of the local tenancy"

_OWNERS = """
SELECT u.name, u.id, s.user IS NOT NULL AS session FROM resources u LEFT JOIN sessions s ON s.user = u.id
WHERE u.kind = 'user' AND u.state = 'ACTIVE' AND (u.name = ? OR json_extract(u.body, '$.description') = ?) ORDER BY u.seq
"""


@dataclass(frozen=True)
class Profiles:
    """Where profiles are written, if anywhere. `throwaway`: the keys need not differ from another tenancy's."""

    database: Database
    directory: Path | None
    master_key: Callable[[], str]
    throwaway: bool = False

    def write(self) -> Path | None:
        """Write `config`, a key file beside it for every profile, and fresh tokens for those that are sessions.

        Keys that are there already are kept, and made known to the tenancy if it does not know them."""
        if self.directory is None:
            return None
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.database.snapshot() as connection:
            owners = connection.execute(_OWNERS, (ADMINISTRATOR, PRINCIPAL_DESCRIPTION)).fetchall()
        parser = configparser.ConfigParser(default_section="", interpolation=None)
        for owner in owners:
            key_file = (self.directory / f"{owner['name']}.pem").resolve()
            key = ensure_key(key_file, throwaway=self.throwaway)
            with self.database.write() as connection:
                world = read_world(connection)
                proof = self._prove(connection, world, owner, key)
            profile = DEFAULT_PROFILE if owner["name"] == ADMINISTRATOR else owner["name"]
            shared = {"key_file": str(key_file), "tenancy": world.tenancy, "region": world.home}
            parser[profile] = {**proof, "fingerprint": fingerprint_of(key.public_key()), **shared}
        text = io.StringIO()
        parser.write(text)
        path = (self.directory / "config").resolve()
        replace_private(path, text.getvalue().encode("utf-8"))
        return path

    def _prove(
        self, connection: sqlite3.Connection, world: World, owner: sqlite3.Row, key: RSAPrivateKey
    ) -> dict[str, str]:
        """Make the tenancy know the key, or hand out a token for it; what the profile then says of its owner."""
        if owner["session"] and self.directory is not None:
            token = make_token(self.master_key(), owner["id"], world.tenancy, key.public_key(), world.now)
            path = (self.directory / f"{owner['name']}.token").resolve()
            replace_private(path, token.encode("ascii"))
            return {"security_token_file": str(path)}
        fingerprint = fingerprint_of(key.public_key())
        known = "SELECT 1 FROM user_keys WHERE user = ? AND fingerprint = ?"
        if not connection.execute(known, (owner["id"], fingerprint)).fetchone():
            store_key(connection, owner["id"], key.public_key(), world.now)
        return {"user": owner["id"]}
