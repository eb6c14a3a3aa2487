"""Secret values: created, masked, hashed for comparison, sealed where they must come back; and private files (mode 0600 from the start,
written whole or not at all).
"""

import hashlib
import os
import secrets
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from genai_iac.filesystem import check_file


def create_private(path: Path, content: bytes) -> bool:
    """Make the file unless there is one; False when there was. Of several racing processes exactly one makes it.

    A hard link from a complete temporary file: no reader ever sees a file that is half
    written.
    """
    temporary = _write_beside(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Put new content in the place of the old; a reader sees one or the other.

    The mode of the new file is 0600, whatever the old one had.
    """
    _write_beside(path, content).replace(path)


def _write_beside(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return temporary


_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NONCE = 12  # bytes, for AES-GCM


def make_secret() -> str:
    """A new API key secret: `sk-` and 48 letters and digits.

    48 characters of 62 are 285 bits.
    """
    return "sk-" + "".join(secrets.choice(_BASE62) for _ in range(48))


def mask_secret(value: str) -> str:
    """The first five characters, four stars, the last four.

    The form of keyMask in the API's answers.
    """
    return f"{value[:5]}****{value[-4:]}"


def digest_secret(value: str) -> bytes:
    """What is stored of a secret. A plain hash is enough: 48 random characters cannot be guessed."""
    return hashlib.sha256(value.encode("utf-8")).digest()


def encrypt(content: bytes, passphrase: str) -> bytes:
    """Encrypted and authenticated under a key derived from the passphrase, which has to be random itself."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(_derive(passphrase)).encrypt(nonce, content, None)


def decrypt(sealed: bytes, passphrase: str) -> bytes:
    """What was sealed; ValueError under any other passphrase.

    Raises:
        ValueError: another passphrase, or changed content.
    """
    try:
        return AESGCM(_derive(passphrase)).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except InvalidTag:
        raise ValueError("sealed under another passphrase") from None


def master_key(database: Path | None) -> Callable[[], str]:
    """The passphrase for vault contents: kept beside the database, for its owner's eyes, and made when first needed.

    Args:
        database: None makes a passphrase for this process.
    """

    @lru_cache(maxsize=1)
    def read() -> str:
        if database is None:
            return secrets.token_hex(32)
        path = database.with_name(database.name + ".key")
        check_file(path)
        if not path.exists():
            create_private(path, secrets.token_hex(32).encode("ascii"))
        return path.read_text("ascii")

    return read


def _derive(passphrase: str) -> bytes:
    # A plain hash is enough for a passphrase of 256 random bits.
    return hashlib.sha256(b"genai-iac local emulator\n" + passphrase.encode("utf-8")).digest()
