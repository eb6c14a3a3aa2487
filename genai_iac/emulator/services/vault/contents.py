"""The versions of a secret as they are kept: sealed content, and stages that move from one version to the next.

CURRENT, PREVIOUS and PENDING are stored; LATEST is the highest number, DEPRECATED is whatever has no stage at all."""

import base64
import binascii
import hashlib
import hmac
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from genai_iac.emulator.http.errors import conflict, invalid, limit_exceeded, not_found
from genai_iac.emulator.http.request_fields import choice, optional_text, text
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.secret_storage import decrypt, encrypt

MAX_CONTENT = 25 * 1024  # bytes of a secret's content (Oracle: Vault, limits)
STAGES = ("CURRENT", "PENDING", "LATEST", "PREVIOUS", "DEPRECATED")  # values of the stage parameter


@dataclass(frozen=True)
class Content:
    """What a request wants to put into a secret."""

    value: bytes  # decoded
    name: str | None  # of the version
    stage: str  # CURRENT or PENDING


@dataclass(frozen=True)
class Version:
    """One version of a secret, without what is in it."""

    secret: str
    number: int  # from 1
    name: str | None
    stages: tuple[str, ...]
    created: int
    deletion: int | None  # when it will be deleted; None: it will not


def read_content(body: dict[str, Any]) -> Content:
    """`{"contentType": "BASE64", "content": …, "name": …, "stage": …}`."""
    choice(body, "contentType", ("BASE64",))
    encoded = text(body, "content", most=2 * MAX_CONTENT, least=0)
    try:
        value = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("content must be base64.") from None
    if len(value) > MAX_CONTENT:
        raise invalid(f"content must be at most {MAX_CONTENT} bytes.")
    stage = "CURRENT" if body.get("stage") is None else choice(body, "stage", ("CURRENT", "PENDING"))
    return Content(value, optional_text(body, "name", most=255, pattern=r"[A-Za-z0-9._-]*") or None, stage)


def add_version(call: OperationContext, secret: str, content: Content) -> int:
    """Store a new version and move the stages; its number."""
    versions = list_versions(call, secret)
    if sum(version.deletion is None for version in versions) >= call.world.settings.limit("versionsPerSecret"):
        raise limit_exceeded("secret-version-count")
    if content.name is not None and any(version.name == content.name for version in versions):
        raise conflict("Conflict", f"The secret has a version named {content.name} already.")
    row = call.connection.execute(
        "SELECT ifnull(json_extract(body, '$.lastVersion'), 0) AS last FROM resources WHERE id = ?", (secret,)
    ).fetchone()
    number = int(row["last"]) + 1
    call.connection.execute(
        "INSERT INTO secret_versions VALUES (?,?,?,'[]',?,?,?,NULL)",
        (
            secret,
            number,
            content.name,
            encrypt(content.value, call.master_key()),
            fingerprint(call, content.value),
            call.now,
        ),
    )
    if content.stage == "PENDING":
        _move_stage(call.connection, secret, "PENDING", number)
    else:
        make_current(call, secret, number)
    return number


def make_current(call: OperationContext, secret: str, number: int) -> None:
    """Serve this version by default; the one served so far becomes PREVIOUS."""
    current = next((version.number for version in list_versions(call, secret) if "CURRENT" in version.stages), None)
    if current == number:
        return
    _move_stage(call.connection, secret, "PREVIOUS", current)
    _move_stage(call.connection, secret, "CURRENT", number)
    row = call.connection.execute(
        "SELECT stages FROM secret_versions WHERE secret = ? AND number = ?", (secret, number)
    ).fetchone()
    kept = [stage for stage in json.loads(row["stages"]) if stage == "CURRENT"]
    _write_stages(call.connection, secret, number, kept)


def list_versions(call: OperationContext, secret: str) -> list[Version]:
    """All versions, oldest first, with every stage each has."""
    call.connection.execute("DELETE FROM secret_versions WHERE secret = ? AND deletion <= ?", (secret, call.now))
    rows = call.connection.execute(
        "SELECT * FROM secret_versions WHERE secret = ? ORDER BY number", (secret,)
    ).fetchall()
    return [_read(row, row is rows[-1]) for row in rows]


def find_version(
    call: OperationContext, secret: str, *, number: int | None = None, name: str | None = None, stage: str
) -> Version:
    """The version by number, by name, or else by stage (the newest that has it); 404 when there is none."""
    for version in reversed(list_versions(call, secret)):
        if number is not None:
            fits = version.number == number
        elif name is not None:
            fits = version.name == name
        else:
            fits = stage in version.stages
        if fits:
            return version
    raise not_found()


def open_content(call: OperationContext, version: Version) -> bytes:
    """What is in a version."""
    row = call.connection.execute(
        "SELECT sealed FROM secret_versions WHERE secret = ? AND number = ?", (version.secret, version.number)
    ).fetchone()
    try:
        return decrypt(row["sealed"], call.master_key())
    except ValueError:
        raise conflict(
            "Conflict", "The key file beside the database is not the one this secret was sealed with."
        ) from None


def fingerprint(call: OperationContext, value: bytes) -> bytes:
    """What tells equal contents, and nothing to those who have not the key."""
    return hmac.digest(call.master_key().encode("ascii"), value, hashlib.sha256)


def _move_stage(connection: sqlite3.Connection, secret: str, stage: str, number: int | None) -> None:
    """Take the stage from whichever version has it, and give it to this one."""
    rows = connection.execute("SELECT number, stages FROM secret_versions WHERE secret = ?", (secret,)).fetchall()
    for row in rows:
        stages = [item for item in json.loads(row["stages"]) if item != stage]
        if row["number"] == number:
            stages.append(stage)
        _write_stages(connection, secret, row["number"], stages)


def _write_stages(connection: sqlite3.Connection, secret: str, number: int, stages: list[str]) -> None:
    connection.execute(
        "UPDATE secret_versions SET stages = ? WHERE secret = ? AND number = ?", (json.dumps(stages), secret, number)
    )


def _read(row: sqlite3.Row, latest: bool) -> Version:
    stages = [*json.loads(row["stages"]), *(["LATEST"] if latest else [])]
    return Version(
        row["secret"], row["number"], row["name"], tuple(stages) or ("DEPRECATED",), row["created"], row["deletion"]
    )
