"""The versions of a secret as they are stored: sealed content, and stages that move from one version to the next.

CURRENT, PREVIOUS and PENDING are stored; LATEST is the highest number, DEPRECATED is whatever has no stage at all. The rules of a secret
say when its versions expire, and whether an old content may come back.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from genai_iac.emulator.http.requests import as_object, choice, optional_instant, optional_text, text
from genai_iac.emulator.http.responses import conflict, invalid, limit_exceeded, not_found
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.secret_storage import decrypt, encrypt
from genai_iac.emulator.storage.time_format import DAY

MAX_CONTENT = 25 * 1024  # bytes of a secret's content (Oracle: Vault, limits)
STAGES = ("CURRENT", "PENDING", "LATEST", "PREVIOUS", "DEPRECATED")  # values of the stage parameter


class Content(Struct, frozen=True):
    """What a request wants to put into a secret."""

    value: bytes  # decoded
    name: str | None  # of the version
    stage: str  # CURRENT or PENDING


class Version(Struct, frozen=True):
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
    """A keyed digest: equal for equal contents, and of no use without the key."""
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


EXPIRY = "SECRET_EXPIRY_RULE"  # `ruleType` of the rule that lets versions expire
REUSE = "SECRET_REUSE_RULE"  # `ruleType` of the rule against earlier contents
_INTERVAL = re.compile(r"P(\d{1,4})D", re.ASCII)  # ISO 8601 durations in days, the only form that the service takes

Rules = Sequence[dict[str, Any]]


def read_rules(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The secretRules of a request: at most one of each kind."""
    given = body.get("secretRules")
    if given is None:
        return []
    if not isinstance(given, list):
        raise invalid("secretRules must be a list.")
    rules = [_read_rule(as_object(item, "secretRules")) for item in given]
    if len({rule["ruleType"] for rule in rules}) < len(rules):
        raise invalid("secretRules may hold one rule of each type.")
    return rules


def expiry_of(rules: Rules, created: int) -> int | None:
    """When a version made at `created` expires, if a rule says so."""
    rule = _find(rules, EXPIRY)
    if rule is None:
        return None
    ends = []
    if "secretVersionExpiryInterval" in rule:
        match = _INTERVAL.fullmatch(rule["secretVersionExpiryInterval"])
        ends.append(created + int(match[1] if match else 0) * DAY)
    absolute = optional_instant(rule, "timeOfAbsoluteExpiry")
    if absolute is not None:
        ends.append(absolute)
    return min(ends, default=None)


def is_blocked(rules: Rules, created: int, now: int) -> bool:
    """Whether a version is expired and a rule forbids reading it then."""
    rule = _find(rules, EXPIRY)
    end = expiry_of(rules, created)
    return (
        rule is not None
        and end is not None
        and end <= now
        and rule.get("isSecretContentRetrievalBlockedOnExpiry") is True
    )


def refuse_reuse(call: OperationContext, secret: str, rules: Rules, value: bytes) -> None:
    """400 when a rule forbids a content that a version has held already."""
    if _find(rules, REUSE) is None:
        return
    row = call.connection.execute(
        "SELECT 1 FROM secret_versions WHERE secret = ? AND digest = ?", (secret, fingerprint(call, value))
    ).fetchone()
    if row is not None:
        raise invalid("The secret reuse rule forbids a content that the secret has held before.")


def _find(rules: Rules, kind: str) -> dict[str, Any] | None:
    return next((rule for rule in rules if rule["ruleType"] == kind), None)


def _read_rule(rule: dict[str, Any]) -> dict[str, Any]:
    kind = choice(rule, "ruleType", (EXPIRY, REUSE))
    if kind == REUSE:
        return {
            "ruleType": kind,
            "isEnforcedOnDeletedSecretVersions": bool(rule.get("isEnforcedOnDeletedSecretVersions")),
        }
    interval = optional_text(rule, "secretVersionExpiryInterval")
    if interval is not None and not _INTERVAL.fullmatch(interval):
        raise invalid("secretVersionExpiryInterval must be a number of days such as P30D.")
    absolute = rule.get("timeOfAbsoluteExpiry")
    optional_instant(rule, "timeOfAbsoluteExpiry")
    read: dict[str, Any] = {"ruleType": kind}
    if interval is not None:
        read["secretVersionExpiryInterval"] = interval
    if absolute is not None:
        read["timeOfAbsoluteExpiry"] = absolute
    read["isSecretContentRetrievalBlockedOnExpiry"] = bool(rule.get("isSecretContentRetrievalBlockedOnExpiry"))
    return read
