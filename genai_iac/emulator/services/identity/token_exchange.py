"""The token endpoint of an identity domain: a trusted issuer's token for a session token (workload identity federation).

Source: RFC 8693 and Oracle's "Token Exchange Grant Type: Exchanging a JSON Web Token for a UPST". Errors have OAuth's form
(RFC 6749, section 5.2), not that of OCI's services."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from genai_iac.emulator.auth.signatures import make_token
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import ResourceQuery
from genai_iac.emulator.storage.secret_storage import digest_secret
from genai_iac.emulator.storage.time_format import SECOND

TRUST = "identitypropagationtrust"
_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_REQUESTED = "urn:oci:token-type:oci-upst"


class _Refusal(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.answer = Answer({"error": error, "error_description": description}, status)


@operation("identity", "ExchangeToken", "POST /oauth2/v1/token", auth="bearer", permissions=())
def exchange_token(call: OperationContext) -> Answer:
    """`{"token": …}`: a session token for the key in the form, of the user that a rule of the trust names."""
    try:
        trust = _find_trust(call)
        form = _read_form(call.request.body)
        claims = _check_token(form["subject_token"], trust, call.now)
        user = _find_user(trust["rules"], claims)
        key = _read_key(form["public_key"])
    except _Refusal as refusal:
        return refusal.answer
    token = make_token(call.master_key(), user, call.world.tenancy, key, call.now)
    return Answer({"token": token})


def _find_trust(call: OperationContext) -> Mapping[str, Any]:
    """The trust whose client sent this request with HTTP basic authentication."""
    scheme, _, login = call.request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(login, validate=True).decode("utf-8") if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        given = ""
    client, _, secret = given.partition(":")
    for trust in call.resources.select(ResourceQuery(TRUST, None)):
        known = trust.body["clientSecret"]
        if trust.name == client and hmac.compare_digest(known, digest_secret(secret).hex()):
            return trust.body
    raise _Refusal(401, "invalid_client", "Client authentication failed.")


def _read_form(body: bytes) -> dict[str, str]:
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if form.get("grant_type") != _GRANT:
        raise _Refusal(400, "unsupported_grant_type", f"grant_type must be {_GRANT}.")
    if form.get("requested_token_type") != _REQUESTED or form.get("subject_token_type") != "jwt":
        raise _Refusal(400, "invalid_request", f"A jwt is exchanged for a token of type {_REQUESTED}.")
    for name in ("subject_token", "public_key"):
        if name not in form:
            raise _Refusal(400, "invalid_request", f"{name} is required.")
    return form


def _check_token(token: str, trust: Mapping[str, Any], now: int) -> Mapping[str, Any]:
    """The claims of a token that the trusted issuer signed (RS256) and that has not expired."""
    signed, _, signature = token.rpartition(".")
    try:
        header, claims = (json.loads(_decode(part)) for part in signed.split("."))
        key = load_pem_public_key(trust["publicKey"].encode("ascii"))
        if not isinstance(key, RSAPublicKey) or header["alg"] != "RS256":
            raise _Refusal(400, "invalid_grant", "The token is not signed with RS256.")
        key.verify(_decode(signature), signed.encode("utf-8"), PKCS1v15(), SHA256())
        expires = float(claims["exp"]) * SECOND
    except (ValueError, KeyError, TypeError, InvalidSignature):
        raise _Refusal(400, "invalid_grant", "The token is not one that the issuer of this trust signed.") from None
    if claims.get("iss") != trust["issuer"]:
        raise _Refusal(400, "invalid_grant", "The issuer of the token is not that of the trust.")
    if expires <= now:
        raise _Refusal(400, "invalid_grant", "The token has expired.")
    return dict(claims)


def _find_user(rules: list[Mapping[str, str]], claims: Mapping[str, Any]) -> str:
    """The user of the first rule that fits: `CLAIM eq VALUE`, where a `*` at the end stands for any text."""
    for rule in rules:
        claim, _, value = rule["rule"].split(" ", 2)
        text = claims.get(claim)
        if isinstance(text, str) and (text.startswith(value[:-1]) if value.endswith("*") else text == value):
            return rule["user"]
    raise _Refusal(400, "invalid_grant", "No impersonation rule of the trust fits the claims of the token.")


def _read_key(text: str) -> RSAPublicKey:
    """The public key, as base64 of its DER form."""
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise _Refusal(400, "invalid_request", "public_key is no RSA public key.")
    return key


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


OPERATIONS = (exchange_token,)
