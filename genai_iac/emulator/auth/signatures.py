"""From a signed request to the user who signed it. Every failure is the same 401; it never says which part was wrong.

Source: OCI's documentation of request signatures (draft-cavage-http-signatures-08, version 1, rsa-sha256).

Session tokens (what `oci session authenticate` leaves in a profile, and what resource principals carry) are JSON web tokens that name a
user, a public key and an expiry; whoever has the private key signs as that user. They are signed under a secret of this tenancy, so
none has to be stored.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from msgspec import Struct

from genai_iac.emulator.auth.authorizer import Caller
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import not_authenticated
from genai_iac.emulator.http.router import Operation
from genai_iac.emulator.storage.tenancy_state import TenancyState
from genai_iac.emulator.storage.time_format import HOUR, SECOND

PREFIX = "ST$"  # begins the keyId of a request that is signed with a session
LIFE = HOUR  # of a token
_HEADER = {"alg": "HS256", "typ": "JWT"}


class TokenSession(Struct, frozen=True):
    """Whose token it is, and the key (PEM) that its holder signs with."""

    user: str  # OCID
    public_key: str


def make_token(secret: str, user: str, tenancy: str, key: RSAPublicKey, now: int) -> str:
    """A token that is valid for an hour of the tenancy's time.

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


_PARAMETER = re.compile(r'\s*([A-Za-z]+)\s*=\s*"([^"]*)"\s*(?:,|$)')
_BODY_HEADERS = frozenset({"x-content-sha256", "content-type", "content-length"})
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


class Signature(Struct, frozen=True):
    """The parameters of an Authorization header."""

    key_id: str  # TENANCY/USER/FINGERPRINT, or ST$TOKEN
    headers: tuple[str, ...]  # names in lower case, in the order in which they were signed
    value: bytes


def read_signature(authorization: str) -> Signature | None:
    """The signature in an Authorization header; None when it is none that OCI takes.

    Args:
        authorization: the header's value.
    """
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "signature":
        return None
    parameters = _read_parameters(rest)
    if (
        parameters is None
        or parameters.get("version") != "1"
        or parameters.get("algorithm", "").lower() != "rsa-sha256"
    ):
        return None
    try:
        value = base64.b64decode(parameters.get("signature", ""), validate=True)
    except binascii.Error:
        return None
    return Signature(parameters.get("keyId", ""), tuple(parameters.get("headers", "").lower().split()), value)


def covers_enough(signature: Signature, request: Incoming, *, streamed: bool) -> bool:
    """Whether everything that must be signed is; an upload (`streamed`) need not sign its body.

    A signature that left the body out would let anybody replace it on its way.
    """
    needed = {"(request-target)", "host"}
    if request.method in _BODY_METHODS and not streamed:
        needed |= _BODY_HEADERS
    signed = set(signature.headers)
    return needed <= signed and bool(signed & {"date", "x-date"})


def body_matches(signature: Signature, request: Incoming) -> bool:
    """Whether the body is the one whose hash and length were signed.

    Both hash and length are compared: a proxy that changes the body is noticed.
    """
    if "x-content-sha256" not in signature.headers:
        return True
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode("ascii")
    length = request.headers.get("content-length", "0")
    return hmac.compare_digest(digest, request.headers.get("x-content-sha256", "").strip()) and length == str(
        len(request.body)
    )


def verify(signature: Signature, request: Incoming, public_key: str) -> bool:
    """Whether the holder of the key (PEM) signed exactly this request.

    Args:
        public_key: PEM.
    """
    signed = _signing_string(signature.headers, request)
    if signed is None:
        return False
    try:
        _load_key(public_key).verify(signature.value, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _read_parameters(text: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        # A parameter that comes twice is refused: readers could differ in which one they take.
        if match is None or match[1] in found:
            return None
        found[match[1]] = match[2]
        position = match.end()
    return found


def _signing_string(names: tuple[str, ...], request: Incoming) -> bytes | None:
    lines = []
    for name in names:
        value = _header_value(name, request.method, request.target, request.headers)
        if value is None:
            return None
        lines.append(f"{name}: {value}")
    return "\n".join(lines).encode("latin-1")


def _header_value(name: str, method: str, target: str, headers: Mapping[str, str]) -> str | None:
    if name == "(request-target)":
        return f"{method.lower()} {target}"
    return headers.get(name)


@lru_cache(maxsize=512)
def _load_key(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode("ascii"))
    if not isinstance(key, RSAPublicKey):
        raise TypeError("only RSA keys are stored")
    return key


def authenticate(
    connection: sqlite3.Connection,
    world: TenancyState,
    request: Incoming,
    wanted: Operation,
    master_key: Callable[[], str],
) -> Caller:
    """The user whose key, or whose session's key, signed this request; ServiceError 401 for anything less.

    Args:
        wanted: the operation; says whether the body need not be signed.
    """
    signature = read_signature(request.headers.get("authorization", ""))
    if signature is None or not covers_enough(signature, request, streamed=wanted.streamed):
        raise not_authenticated()
    if signature.key_id.startswith(PREFIX):
        session = read_token(master_key(), signature.key_id.removeprefix(PREFIX), world.tenancy, world.now)
        if session is None:
            raise not_authenticated()
        user, public_key = session.user, session.public_key
    else:
        user, public_key = _find_key(connection, world, signature)
    if not verify(signature, request, public_key) or not body_matches(signature, request):
        raise not_authenticated()
    return read_caller(connection, world, user)


def read_caller(connection: sqlite3.Connection, world: TenancyState, user: str) -> Caller:
    """A user with the groups it is in now; 401 when it is gone.

    Groups are read now and not taken from a token, so a membership that is removed ends at
    once.
    """
    row = connection.execute(
        "SELECT name, json_extract(body, '$.principalType') AS type, json_extract(body, '$.principalCompartment') AS place"
        " FROM resources WHERE id = ? AND kind = 'user' AND state = 'ACTIVE'",
        (user,),
    ).fetchone()
    if row is None:
        raise not_authenticated()
    teams = connection.execute("SELECT team FROM memberships WHERE user = ?", (user,))
    groups = frozenset(str(team["team"]) for team in teams)
    administrator = world.administrators in groups
    return Caller(user, row["name"], groups, administrator, row["type"] or "user", row["place"] or "")


def _find_key(connection: sqlite3.Connection, world: TenancyState, signature: Signature) -> tuple[str, str]:
    parts = signature.key_id.split("/")
    if len(parts) != 3 or parts[0] != world.tenancy:
        raise not_authenticated()
    _, user, fingerprint = parts
    row = connection.execute(
        "SELECT pem FROM user_keys WHERE user = ? AND fingerprint = ?", (user, fingerprint)
    ).fetchone()
    if row is None:
        raise not_authenticated()
    return user, row["pem"]
