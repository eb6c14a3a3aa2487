"""What the model knows of secrets: what is called for, what the files hold of them, when a rotation is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .manifest_edits import ManifestEdits
from .tenancy_snapshot import Kept, Secret, Thing, kept_in
from .yaml_edits import Traces, is_spoiled


def acts(
    secret: Secret, wanted: str, expires: str, held: list[dict[str, str]], now: datetime, theirs: set[str]
) -> Iterator[str]:
    """The calls that bring a live secret of a key without rotation to what is declared. `theirs`: masks of values that
    somebody else made and has: they are renewed when they no longer work, and not because no sink holds them."""
    if secret.state == "REVOKED":
        return
    lacking = bool(held) and not any(secret.name in one for one in held) and secret.mask not in theirs
    renewed = wanted != "revoked" and (
        (expires[-1] == "Z" and datetime.fromisoformat(expires) != secret.expires)
        or (wanted == "active" and secret.state == "EXPIRED")
        or (wanted == "active" and lacking and not secret.is_in_use(now, 24))
    )
    if renewed:
        yield "RenewApiKey"
    state = "ACTIVE" if renewed else secret.state
    if (
        (wanted == "active" and state == "INACTIVE")
        or (wanted == "inactive" and state == "ACTIVE")
        or (wanted == "revoked" and state in ("ACTIVE", "INACTIVE"))
    ):
        yield "SetApiKeyState"


def is_due(spec: dict[str, Any], live: Thing, now: datetime, held: list[dict[str, str]]) -> bool | None:
    """Whether a key that stands still, with one working value in every sink, must turn now; None when it does not stand still."""
    rotation: dict[str, Any] = spec["rotation"]
    working = [secret for secret in live.secrets if secret.state == "ACTIVE"]
    if len(working) != 1 or "genai-iac-leaked" in live.tags:
        return None
    (current,) = working
    (other,) = [secret for secret in live.secrets if secret is not current]
    if not all(one.get(current.name) == "current" for one in held) or other.state == "REVOKED":
        return None
    ahead = length(rotation.get("overlap", "7d")) + length(rotation.get("idle", "24h"))
    due_at = min(current.created + length(rotation["every"]), current.expires - ahead)
    if abs(due_at - now) < timedelta(minutes=5):
        return None
    return due_at < now


def length(text: str) -> timedelta:
    return timedelta(**{{"d": "days", "h": "hours"}[text[-1]]: int(text[:-1])})


def sinks_of(manifests: ManifestEdits, address: str) -> list[str]:
    return [entry["file"]["path"] for entry in manifests.spec(address).get("deliverTo", ())]


def holds_another(path: Path, accepted: set[str], id: str) -> bool:
    """Whether a file says that it holds the values of a key that is none of these addresses and has another OCID."""
    text = path.read_text() if path.exists() and not is_spoiled(path) else ""
    address, found = re.search(r'"address": ?"([^"]+)"', text), re.search(r'"id": ?"([^"]+)"', text)
    return bool(address and found and address[1] not in accepted and found[1] != id)


def former_sinks(manifests: ManifestEdits, address: str) -> list[str]:
    """Files that this key was delivered to once: their values are taken along."""
    name = address.partition("/")[2]
    paths = (f"secrets/{name}.env", f"secrets/{name}.json", f"secrets/deep/{name}.env")
    return [path for path in paths if path in manifests.sinks and path not in sinks_of(manifests, address)]


def readable(project: Path, path: str, traces: Traces) -> list[Kept]:
    """What a file holds whose values are the ones that were written."""
    file = project / path
    if is_spoiled(file):
        return []
    text, masks = traces.garbled.get(path, ("", set()))
    garbled = masks if file.exists() and file.read_text() == text else set()
    return [one for one in kept_in(file) if one.mask not in garbled]


def is_past(expires: str, now: datetime) -> bool:
    return expires[-1] == "Z" and datetime.fromisoformat(expires) <= now
