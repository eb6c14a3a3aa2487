"""API keys as the service shows them, and the secrets in them.

A key has the same twelve fields in lists as in single answers; each secret has a name, a mask, dates and a state of its own. A value is
returned once, by the call that makes it. What is stored is its hash, and a record of what the inference endpoints are to accept of it
from when on.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.secret_storage import digest_secret, make_secret, mask_secret
from genai_iac.emulator.storage.time_format import format_instant


class KeySecret(Struct, frozen=True):
    """One secret of one API key as it is stored. `state` may lag behind the clock: see `state_at`."""

    api_key: str  # OCID
    position: int  # 0 or 1
    name: str  # `keyName`
    mask: str  # `keyMask`
    state: str  # as last written
    created: int  # of the value; milliseconds since 1970, like all times here
    expiry: int
    activated: int | None = None
    deactivated: int | None = None
    revoked: int | None = None
    last_used: int | None = None  # by a call of an inference endpoint

    def state_at(self, now: int) -> str:
        """The state, with EXPIRED where the time has run out."""
        return "EXPIRED" if self.state in ("ACTIVE", "INACTIVE") and self.expiry <= now else self.state

    def show(self, now: int, plaintext: str | None = None) -> dict[str, Any]:
        """The wire form."""
        shown = {
            "key": plaintext,
            "keyName": self.name,
            "keyMask": self.mask,
            "timeCreated": format_instant(self.created),
            "timeExpiry": format_instant(self.expiry),
            "timeActivated": _optional(self.activated),
            "timeDeactivated": _optional(self.deactivated),
            "timeRevoked": _optional(self.revoked),
            "timeLastUsed": _optional(self.last_used),
            "state": self.state_at(now),
        }
        return {name: value for name, value in shown.items() if value is not None}


def create_value(connection: sqlite3.Connection, api_key: str, position: int, name: str, expiry: int, now: int) -> str:
    """A new value for the secret at this position, made or made anew; the plaintext, which is kept nowhere.

    Args:
        api_key: OCID.
        position: 0 or 1; a secret that is there already gets the new value.
        name: `keyName`.
        expiry: milliseconds since 1970.
        now: milliseconds since 1970.
    """
    value = make_secret()
    secret = KeySecret(api_key, position, name, mask_secret(value), "ACTIVE", now, expiry, activated=now)
    _store(connection, secret)
    _believe(connection, secret, digest_secret(value), now)
    return value


def change_state(connection: sqlite3.Connection, secret: KeySecret, state: str, now: int) -> KeySecret:
    """Move a secret to another state; the endpoints follow after the propagation delay."""
    changed = replace(
        secret,
        state=state,
        activated=now if state == "ACTIVE" else secret.activated,
        deactivated=now if state == "INACTIVE" else secret.deactivated,
        revoked=now if state == "REVOKED" else secret.revoked,
    )
    _store(connection, changed)
    row = connection.execute(
        "SELECT digest FROM credentials WHERE api_key = ? AND position = ? AND until IS NULL",
        (secret.api_key, secret.position),
    ).fetchone()
    if row is not None:
        _believe(connection, changed, row["digest"], now)
    return changed


def secrets_of(connection: sqlite3.Connection, api_keys: list[str]) -> dict[str, list[KeySecret]]:
    """The secrets of some API keys, in order."""
    found: dict[str, list[KeySecret]] = {ocid: [] for ocid in api_keys}
    marks = ",".join("?" * len(api_keys))
    query = f"SELECT * FROM key_secrets WHERE api_key IN ({marks}) ORDER BY api_key, position"  # noqa: S608
    for row in connection.execute(query, api_keys):
        found[row["api_key"]].append(KeySecret(*row))
    return found


def _store(connection: sqlite3.Connection, secret: KeySecret) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO key_secrets VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            secret.api_key,
            secret.position,
            secret.name,
            secret.mask,
            secret.state,
            secret.created,
            secret.expiry,
            secret.activated,
            secret.deactivated,
            secret.revoked,
            secret.last_used,
        ),
    )


def _believe(connection: sqlite3.Connection, secret: KeySecret, digest: bytes, now: int) -> None:
    connection.execute(
        "UPDATE credentials SET until = ? WHERE api_key = ? AND position = ? AND until IS NULL",
        (now, secret.api_key, secret.position),
    )
    connection.execute(
        "INSERT INTO credentials VALUES (?,?,?,?,?,NULL)",
        (digest, secret.api_key, secret.position, secret.state, now),
    )


def _optional(moment: int | None) -> str | None:
    return None if moment is None else format_instant(moment)


# OCID types
PROJECT_KIND, ROUTING_PROFILE_KIND = "generativeaiproject", "generativeairoutingprofile"
KIND = "generativeaiapikey"


def show_key(
    key: StoredResource, secrets: list[KeySecret], now: int, plaintexts: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """One API key; `plaintexts` by secret name, in the one answer that may carry them."""
    values = plaintexts or {}
    shown = {
        "id": key.id,
        "displayName": key.name,
        "compartmentId": key.compartment,
        "timeCreated": format_instant(key.created),
        "timeUpdated": format_instant(key.updated or key.created),
        "keys": [secret.show(now, values.get(secret.name)) for secret in secrets],
        "lifecycleState": key.state,
        "systemTags": {},
        **key.body,
    }
    return {name: value for name, value in shown.items() if value is not None}


def answer_key(call: OperationContext, key: StoredResource, plaintexts: Mapping[str, str] | None = None) -> Answer:
    """One API key with its etag; with plaintexts, what a replay may show is kept apart."""
    secrets = secrets_of(call.connection, [key.id])[key.id]
    body = show_key(key, secrets, call.now, plaintexts)
    masked = show_key(key, secrets, call.now) if plaintexts else None
    return Answer(body, headers={"etag": key.etag}, resource=key.id, masked=masked)
