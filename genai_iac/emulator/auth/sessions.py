"""TokenSession tokens: what `oci session authenticate` leaves in a profile, and what resource principals carry.

A token names a user and a public key, until it expires; whoever holds the private key signs as that user. Tokens are
JSON web tokens under a secret only this tenancy has, so it needs to remember none of them."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from genai_iac.emulator.storage.time_format import HOUR, SECOND

PREFIX = "ST$"  # begins the keyId of a request that is signed with a session
LIFE = HOUR  # of a token
_HEADER = {"alg": "HS256", "typ": "JWT"}


@dataclass(frozen=True)
class TokenSession:
    """Whose token it is, and the key (PEM) that its holder signs with."""

    user: str  # OCID
    public_key: str


def make_token(secret: str, user: str, tenancy: str, key: RSAPublicKey, now: int) -> str:
    """A token that lives an hour of the tenancy's time.

    Args:
        secret: the tenancy's master key.
        user: OCID.
        key: public key of who signs with the token.
        now: milliseconds of the tenancy's time.
    """
    numbers = key.public_numbers()
    claims = {
        "sub": user,
        "tenant": tenancy,
        "res_tenant": tenancy,
        "iat": now // SECOND,
        "exp": (now + LIFE) // SECOND,
        "jwk": {"kty": "RSA", "n": _encode_number(numbers.n), "e": _encode_number(numbers.e)},
    }
    signed = f"{_encode_json(_HEADER)}.{_encode_json(claims)}"
    return f"{signed}.{_encode(_sign(secret, signed))}"


def read_token(secret: str, token: str, tenancy: str, now: int) -> TokenSession | None:
    """The session a token stands for; None when it is forged, foreign or over.

    Args:
        token: without `ST$`.
    """
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_encode(_sign(secret, signed)).encode(), signature.encode("utf-8")):
        return None
    try:
        claims: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
    except (ValueError, binascii.Error):
        return None
    if claims["tenant"] != tenancy or claims["exp"] * SECOND <= now:
        return None
    key = RSAPublicNumbers(_decode_number(claims["jwk"]["e"]), _decode_number(claims["jwk"]["n"])).public_key()
    return TokenSession(
        claims["sub"], key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    )


def _sign(secret: str, text: str) -> bytes:
    key = hashlib.sha256(b"session tokens\n" + secret.encode("utf-8")).digest()
    return hmac.digest(key, text.encode("utf-8"), hashlib.sha256)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encode_json(value: Any) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode("utf-8"))


def _encode_number(number: int) -> str:
    return _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _decode_number(text: str) -> int:
    return int.from_bytes(_decode(text), "big")
