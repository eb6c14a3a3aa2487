"""Users, who sign requests, and their signing keys: at most three each, known by fingerprint."""

import hashlib
import sqlite3
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from msgspec.structs import replace

from genai_iac.emulator.http.requests import given_texts, optional_text, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, conflict, invalid, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.serializers import (
    answer_one,
    list_kind,
    read_description,
    read_name,
    refuse_taken,
    require_tenancy,
)
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import new_tags, updated_tags
from genai_iac.emulator.storage.time_format import format_instant

CAPABILITIES = {
    "canUseConsolePassword": False,
    "canUseApiKeys": True,
    "canUseAuthTokens": False,
    "canUseSmtpCredentials": False,
    "canUseDbCredentials": False,
    "canUseCustomerSecretKeys": False,
    "canUseOAuth2ClientCredentials": False,
}


@operation("identity", "CreateUser", "POST /20160918/users", home=True, retry_token=True, permissions=("USER_CREATE",))
def create_user(call: OperationContext) -> Answer:
    """CreateUser."""
    tenancy = require_tenancy(call)
    name, description = read_name(call), read_description(call)
    email = optional_text(call.body, "email", most=255)
    refuse_taken(call, "user", name, "User")
    body = {"description": description, "email": email, "isMfaActivated": False, "capabilities": CAPABILITIES}
    body |= new_tags(call, tenancy)
    return answer_one(call.make("user", tenancy, name, body))


@operation("identity", "GetUser", "GET /20160918/users/{userId}")
def get_user(call: OperationContext) -> Answer:
    """GetUser."""
    return answer_one(call.load("user", call.ocid("userId")))


@operation("identity", "ListUsers", "GET /20160918/users")
def list_users(call: OperationContext) -> Answer:
    """ListUsers."""
    return list_kind(call, "user", call.enter(call.request.required("compartmentId")))


@operation("identity", "UpdateUser", "PUT /20160918/users/{userId}", home=True, permissions=("USER_UPDATE",))
def update_user(call: OperationContext) -> Answer:
    """UpdateUser: description, email, tags."""
    old = call.load("user", call.ocid("userId"))
    call.check_etag(old)
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description", "email")}
    return answer_one(call.resources.save(old, replace(old, body=body), call.now))


@operation("identity", "DeleteUser", "DELETE /20160918/users/{userId}", home=True, permissions=("USER_DELETE",))
def delete_user(call: OperationContext) -> Answer:
    """DeleteUser: one that is in no group. Its keys go with it."""
    old = call.load("user", call.ocid("userId"))
    call.check_etag(old)
    if call.connection.execute("SELECT 1 FROM memberships WHERE user = ?", (old.id,)).fetchone():
        raise conflict("Conflict", f"User '{old.name}' is still in a group; remove it from there first.")
    call.connection.execute("DELETE FROM user_keys WHERE user = ?", (old.id,))
    call.resources.remove(old.id)
    return NO_CONTENT


OPERATIONS = (create_user, get_user, list_users, update_user, delete_user)


MAX_KEYS = 3  # API signing keys of one user (Oracle: Managing user credentials)


@operation(
    "identity",
    "UploadApiKey",
    "POST /20160918/users/{userId}/apiKeys",
    home=True,
    retry_token=True,
    permissions=("USER_UPDATE", "USER_APIKEY_ADD"),
)
def upload_api_key(call: OperationContext) -> Answer:
    """UploadApiKey: an RSA public key of at least 2048 bits, in PEM."""
    user = call.load("user", call.ocid("userId"))
    key = _read_key(text(call.body, "key", most=8000))
    if len(_keys(call.connection, user.id)) >= MAX_KEYS:
        raise invalid(f"A user can have at most {MAX_KEYS} API keys.")
    try:
        fingerprint = store_key(call.connection, user.id, key, call.now)
    except sqlite3.IntegrityError:
        raise conflict("ApiKeyAlreadyExists", "The user has this API key already.") from None
    row = next(row for row in _keys(call.connection, user.id) if row["fingerprint"] == fingerprint)
    return Answer(_show(call, row))


@operation("identity", "ListApiKeys", "GET /20160918/users/{userId}/apiKeys", permissions=("USER_READ",))
def list_api_keys(call: OperationContext) -> Answer:
    """ListApiKeys of a user (signing keys: not those of Generative AI)."""
    user = call.load("user", call.ocid("userId"))
    return Answer([_show(call, row) for row in _keys(call.connection, user.id)])


@operation(
    "identity",
    "DeleteApiKey",
    "DELETE /20160918/users/{userId}/apiKeys/{fingerprint}",
    home=True,
    permissions=("USER_UPDATE", "USER_APIKEY_REMOVE"),
)
def delete_api_key(call: OperationContext) -> Answer:
    """DeleteApiKey of a user."""
    user = call.load("user", call.ocid("userId"))
    fingerprint = call.parameters["fingerprint"]
    done = call.connection.execute(
        "DELETE FROM user_keys WHERE user = ? AND fingerprint = ?", (user.id, fingerprint)
    ).rowcount
    if not done:
        raise not_found()
    return NO_CONTENT


KEY_OPERATIONS = (upload_api_key, list_api_keys, delete_api_key)


def store_key(connection: sqlite3.Connection, user: str, key: RSAPublicKey, now: int) -> str:
    """Give a user a signing key; its fingerprint. IntegrityError when it has it already."""
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    fingerprint = fingerprint_of(key)
    connection.execute("INSERT INTO user_keys VALUES (?,?,?,?)", (fingerprint, user, pem, now))
    return fingerprint


def fingerprint_of(key: RSAPublicKey) -> str:
    """The MD5 of the DER form, as OCI shows keys."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.md5(der, usedforsecurity=False).digest().hex(":")


def _read_key(pem: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode("utf-8"))
    except (ValueError, UnsupportedAlgorithm):
        raise invalid("key must be an RSA public key in PEM format.") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise invalid("key must be an RSA public key of at least 2048 bits.")
    return key


def _keys(connection: sqlite3.Connection, user: str) -> list[sqlite3.Row]:
    query = "SELECT * FROM user_keys WHERE user = ? ORDER BY created, fingerprint"
    return connection.execute(query, (user,)).fetchall()


def _show(call: OperationContext, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "keyId": f"{call.world.tenancy}/{row['user']}/{row['fingerprint']}",
        "keyValue": row["pem"],
        "fingerprint": row["fingerprint"],
        "userId": row["user"],
        "timeCreated": format_instant(row["created"]),
        "lifecycleState": "ACTIVE",
    }
