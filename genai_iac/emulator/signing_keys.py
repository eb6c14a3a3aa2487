"""RSA keys for the users of a local tenancy, made when first needed and kept as files for their owner's eyes."""

from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from genai_iac.emulator.private_files import create_private

_LABEL = b"OCI_API_KEY\n"  # oci-cli warns of key files that do not end with it


def ensure_key(path: Path, *, throwaway: bool = False) -> RSAPrivateKey:
    """The key in that file; made first when there is none. `throwaway`: the same key for every file of this process."""
    if not path.exists():
        made = _shared_key(path.name) if throwaway else _make_key()
        create_private(
            path, made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()) + _LABEL
        )
    key = load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path} holds no RSA key")
    return key


@cache
def _shared_key(_file: str) -> RSAPrivateKey:
    return _make_key()  # one for each file name, so that users stay distinct


def _make_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)
