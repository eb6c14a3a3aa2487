"""A stack whose one key rotates, and the small looks that the tests of this folder take."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from conftest import Project, Ran, Tenancy
from crash.sink_setups import File, read_key
from crash.stacks import PAIR, ROTATION
from plan_apply import manifests
from plan_apply.manifests import Document, compartment, key, policy

APPLY = ("apply", "--auto-approve")
KEY = "ApiKey/chat"
ROTATE = ("rotate", KEY, "--auto-approve")
FILE = {"file": {"path": "secrets/chat.env"}}


def stack(*sinks: Document, rotation: Document | None = ROTATION) -> str:
    """The manifests, with these entries of deliverTo (without any: the file secrets/chat.env)."""
    turning = {"rotation": rotation} if rotation else {}
    grant = {"apiKey": "chat", "apis": ["chat", "responses"], "models": ["xai.grok-4", "xai.grok-3"]}
    return manifests.stack(
        compartment("home"),
        key("chat", secrets=PAIR, deliverTo=list(sinks or (FILE,)), **turning),
        policy("chat", description="chat may call", grants=[grant]),
        name="turns",
    )


def verified_by(model: str, **how: str) -> Document:
    """The rotation, proved by a call of that model."""
    return {**ROTATION, "verify": {"model": model, **how}}


def begin(project: Project, *sinks: Document, rotation: Document = ROTATION) -> Path:
    """Apply it; answers the file that consumers read."""
    project.write(stack(*sinks, rotation=rotation))
    project.run(*APPLY)
    time.sleep(0.06)  # secrets created within 50 ms count as made by one call; no person is as fast as a test
    return project.path / "secrets/chat.env"


def value(sink: Path) -> str:
    """The value that consumers read there."""
    read = read_key(File(sink))
    assert read, f"{sink.name} shows nothing"
    return read[1]


def secrets(project: Project) -> dict[str, dict[str, Any]]:
    """What `status` says of each secret, by name."""
    found = project.run("status", "--format", "json").json["secrets"]
    return {one["secret"]: one for one in found}


def states(project: Project) -> dict[str, tuple[str, str | None]]:
    """State and part of each secret."""
    return {name: (one["state"], one["role"]) for name, one in secrets(project).items()}


def planned_calls(project: Project) -> list[str]:
    """The writes that the next apply would make."""
    changes = project.run("plan", "--format", "json").json["changes"]
    return [call for change in changes for call in change["calls"]]


def words(ran: Ran) -> str:
    """What was printed, as one line."""
    return re.sub(r"\s+", " ", re.sub(r"\n\s+[│|]? ?", " ", ran.out + ran.err))


def use(tenancy: Tenancy, base_url: str, secret: str) -> int:
    """One call with a value that was read some time ago; answers the status."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    body = json.dumps({"model": "xai.grok-4", "input": "hello"}).encode()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    try:
        with urlopen(Request(f"{base_url}/responses", body, headers), timeout=300) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return int(error.code)
