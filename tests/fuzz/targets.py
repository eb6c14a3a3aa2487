"""What is fuzzed: every reader of what another hand may have written. Each gives a result or its own error, and nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from render.rendered_plans import EVERYTHING
from sinks.samples import delivery, item

from genai_iac.cli.approval import read_approval
from genai_iac.core import Address, CompartmentTree, LiveResource, LiveSecret, Owner, Secret
from genai_iac.core.errors import IacError
from genai_iac.delivery.sinks import Context, open_sink
from genai_iac.delivery.sinks._dotenv import read_dotenv
from genai_iac.delivery.sinks._file_forms import SIDECAR
from genai_iac.delivery.sinks._journal_entries import parse_journal
from genai_iac.delivery.sinks._json_format import read_json, read_records
from genai_iac.iam_policy import PolicySyntaxError, parse, unparse
from genai_iac.import_export.snapshot import Snapshot, read_snapshot, write_snapshot
from genai_iac.manifest import load
from genai_iac.network import read_headers
from genai_iac.oci_client.responses import RawResponse, expect, read_response, read_rows
from genai_iac.oci_client.settings import parse_config
from genai_iac.render.plan.json import _AFTER_SEAL, _BEFORE_SEAL, _seal, read_saved_plan, render_json, saved_plan
from genai_iac.resource_types import RESOURCE_TYPES

from .mutations import edit_bytes, edit_json

HERE = Path(__file__).parent
_GOOD = [file.read_bytes() for file in sorted((HERE.parent / "manifest" / "good").glob("*.yaml"))]
_MARK = "chat/ApiKey/app#2.l9k3m2x1abc0123456789ab"


@dataclass(frozen=True)
class Target:
    """Makes the input of a seed, and reads it. `errors` are the reader's own."""

    name: str
    make: Callable[[random.Random], Any]
    read: Callable[[Any], object]
    errors: tuple[type[Exception], ...] = (IacError,)

    def check(self, seed: int) -> bool:
        """Whether the input of that seed was read; False when it was refused. Raises what nobody expects."""
        made = self.make(random.Random(f"{self.name} {seed}"))
        try:
            self.read(made)
        except self.errors as error:
            assert str(error)
            return False
        return True


def _either(seeds: Sequence[bytes]) -> Callable[[random.Random], bytes]:
    """Edits of the bytes or of the JSON in them."""

    def make(chance: random.Random) -> bytes:
        if chance.random() < 0.4:
            return edit_bytes(chance, seeds)
        return json.dumps(edit_json(chance, seeds)).encode("utf-8", "surrogatepass")

    return make


def _plans(chance: random.Random) -> bytes:
    """Saved plans, mostly with a checksum that fits: the checksum is no secret."""
    made = _either([_SAVED])(chance)
    if chance.random() < 0.2:
        return edit_bytes(chance, [_SAVED])
    document = json.loads(made) if made[:1] == b"{" and _is_json(made) else {}
    if not isinstance(document, dict):
        return made
    document.pop("seal", None)
    head = json.dumps(document, indent=2).removesuffix("\n}").encode() + _BEFORE_SEAL
    return head + _seal(head).encode() + _AFTER_SEAL


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _text(seeds: Sequence[bytes]) -> Callable[[random.Random], str]:
    return lambda chance: edit_bytes(chance, seeds).decode("utf-8", "replace")


def _read_policy(text: str) -> None:
    for statement in (parse(text),):
        assert parse(unparse(statement)) is not None


def _make_answer(chance: random.Random) -> tuple[str, Any, dict[str, str]]:
    kind = chance.choice(sorted(_ROWS))
    rows = edit_json(chance, [json.dumps(_ROWS[kind]).encode()])
    headers = {name: edit_bytes(chance, [value]).decode("latin-1") for name, value in _HEADERS.items()}
    return kind, rows, headers


def _read_answer(made: tuple[str, Any, dict[str, str]]) -> None:
    name, data, headers = made
    kind = RESOURCE_TYPES[name]
    reply = read_response(RawResponse(data, read_headers(headers)))
    for row in read_rows(reply.data, kind.listing.operation):
        kind.read(expect(row, kind.listing.operation, "id"), "us-chicago-1")


def _deliver(form: str) -> bytes:
    """What the file sink writes, with two values that are none of anybody."""
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        root = Path(home)
        sink = open_sink(
            {"file": {"path": "app.env", "format": form}},
            Context(root, root / ".genai-iac", Address("ApiKey", "chat-app"), "chat"),
        )
        sink.write(delivery(item("key-one", "a", "current"), item("key-two", "b", "standby")))
        return (root / (f"app.env{SIDECAR}" if form == "raw" else "app.env")).read_bytes()


def _live(number: int) -> LiveResource:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    secret = LiveSecret("key-one", "ACTIVE", "sk-ab****wxyz", moment, moment, moment)
    return LiveResource(
        kind="ApiKey",
        id=f"ocid1.generativeaiapikey.oc1.us-chicago-1.a{number}",
        attributes={"description": "d", "tags": {"a": "1"}},
        compartment="ocid1.compartment.oc1..a",
        name="app",
        region="us-chicago-1",
        lifecycle="ACTIVE",
        tags={"genai-iac": _MARK},
        created=moment,
        secrets=(secret,),
    )


def _snapshot() -> bytes:
    made = Snapshot(
        tenancy="ocid1.tenancy.oc1..a",
        home_region="us-ashburn-1",
        now=datetime(2026, 11, 28, tzinfo=UTC),
        regions=("us-ashburn-1", "us-chicago-1"),
        places=("ocid1.compartment.oc1..a",),
        resources=(_live(1), _live(2)),
    )
    return write_snapshot(made).encode()


def _read_snapshot(data: bytes) -> None:
    snapshot = read_snapshot(data)
    snapshot.live(Owner(snapshot.tenancy, "chat"))
    assert isinstance(snapshot.tree, CompartmentTree)


_SAVED = saved_plan(EVERYTHING, {"files": {"stack.yaml": "sha256:00"}, "targets": [], "full_scan": False, "path": "."})
_APPROVAL = render_json(EVERYTHING).encode()
_CONFIG = b"""[DEFAULT]
user = ocid1.user.oc1..a
fingerprint=aa:bb
tenancy=ocid1.tenancy.oc1..a
region=us-ashburn-1
key_file=~/.oci/key.pem
; a comment
[other]
pass_phrase = x
  continued
"""
_STATEMENTS = [
    b"Allow group Admins to manage all-resources in tenancy",
    b"allow any-user to use generative-ai-chat in compartment a:b where all {request.principal.type = 'generativeaiapikey', "
    b"any {target.model.id in ('x', 'y'), request.utc-timestamp before '2027-01-01T00:00:00Z'}}",
    b"define tenancy T as ocid1.tenancy.oc1..a",
    b"endorse dynamic-group d1, d2 to {GENERATIVE_AI_CHAT} in any-tenancy where request.operation = /*Chat/",
]
_JOURNAL = json.dumps(
    {
        "format": 2,
        "deliveries": {
            "0" * 32: {
                "place": "file a",
                "address": "ApiKey/a",
                "owner": "chat",
                "id": "ocid1.x",
                "base_url": "https://x",
                "records": [
                    {
                        "secret": "key-one",
                        "mask": "sk-a****b",
                        "role": "current",
                        "expires": "2027-01-01T00:00:00+00:00",
                    }
                ],
                "announced": ["key-two", {"secret": "key-one", "at": "2026-01-01T00:00:00+00:00"}],
                "brought": [["key-one", "sk-a****b"]],
                "entry": {"file": {"path": "a"}},
                "root": "/x",
            }
        },
    }
).encode()
_JOURNAL_OF_LINES = b"\n".join(
    json.dumps(line).encode()
    for line in (
        {"format": 3},
        *({"key": key, "note": json.loads(_JOURNAL)["deliveries"]["0" * 32], "was": "1"} for key in "12"),
        "cut off",
    )
)
_WHEN = {"timeCreated": "2026-11-01T00:00:00.000Z", "lifecycleState": "ACTIVE", "freeformTags": {"genai-iac": _MARK}}
_PLACE = {"compartmentId": "ocid1.compartment.oc1..a", "definedTags": {"Oracle-Tags": {"CreatedBy": "x"}}}
_ROWS: dict[str, Any] = {
    "ApiKey": {
        "items": [
            {
                "id": "ocid1.generativeaiapikey.oc1.us-chicago-1.a", "displayName": "app", "description": "d", **_WHEN, **_PLACE,
                "keys": [
                    {"keyName": "key-one", "keyMask": "sk-a****b", "state": "ACTIVE", "timeExpiry": "2027-01-01T00:00:00Z"},
                    {"keyName": "key-two", "key": "sk-" + "x" * 48, "state": "INACTIVE", "timeCreated": None},
                ],
            }
        ]
    },
    "Policy": [{"id": "ocid1.policy.oc1..a", "name": "p", "statements": [_STATEMENTS[0].decode()], **_WHEN, **_PLACE}],
    "Compartment": [{"id": "ocid1.compartment.oc1..b", "name": "c", "description": "d", **_WHEN, **_PLACE}],
}  # fmt: skip
_HEADERS = {
    "date": b"Sat, 28 Nov 2026 21:00:00 GMT",
    "etag": b"0123abc",
    "opc-next-page": b"AAA",
    "retry-after": b"3",
    "opc-work-request-id": b"ocid1.workrequest.oc1..a",
}
_JSON, _RAW = _either([_deliver("json")]), _either([_deliver("raw")])

TARGETS = [
    Target("manifests", lambda chance: edit_bytes(chance, _GOOD), lambda data: load("-", stdin=BytesIO(data))),
    Target("statements", _text(_STATEMENTS), _read_policy, (PolicySyntaxError,)),
    Target("saved plans", _plans, read_saved_plan),
    Target("approvals", _either([_APPROVAL]), lambda data: read_approval(Path("plan.json"), data)),
    Target("snapshots", _either([_snapshot()]), _read_snapshot),
    Target("dotenv files", _text([_deliver("dotenv")]), lambda text: read_dotenv(Secret.document(text))),
    Target(
        "JSON files",
        lambda chance: _JSON(chance).decode("utf-8", "replace"),
        lambda text: read_json(Secret.document(text)),
    ),
    Target(
        "raw files' records",
        lambda chance: _RAW(chance).decode("utf-8", "replace"),
        lambda text: read_records(Secret.document(text), Secret("x" * 30)),
    ),
    Target("delivery logs", lambda chance: edit_bytes(chance, [_JOURNAL_OF_LINES]), parse_journal),
    Target("delivery logs of earlier versions", _either([_JOURNAL]), parse_journal),
    Target("configurations", _text([_CONFIG]), lambda text: parse_config(text, "config")),
    Target("answers", _make_answer, _read_answer),
]
