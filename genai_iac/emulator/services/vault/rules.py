"""The rules a secret may carry: when its versions expire, and whether an old content may come back."""

import re
from collections.abc import Sequence
from typing import Any

from genai_iac.emulator.http.errors import invalid
from genai_iac.emulator.http.request_fields import as_object, choice, optional_instant, optional_text
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.vault.contents import fingerprint
from genai_iac.emulator.storage.time_format import DAY

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
