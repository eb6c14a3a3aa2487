"""The aws sink: one secret of AWS Secrets Manager a key, staged as AWSPENDING, read back, and only then made AWSCURRENT.

The API: https://docs.aws.amazon.com/secretsmanager/latest/apireference/
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from genai_iac.core import Delivery, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import _json_format
from genai_iac.delivery.sinks._aws_request import MISSING, SecretsManager, strange_answer, version_in
from genai_iac.delivery.sinks._base import ENV_SCHEMA, Claim, Context, Sink, read_names
from genai_iac.delivery.sinks._contents import Contents, check_contents, fill_delivery
from genai_iac.delivery.sinks._json_format import read_json
from genai_iac.delivery.sinks._vault_stages import VaultStages, is_of, tag_of
from genai_iac.delivery.sinks._web_service import check_written, send_or_find

_REGION = "^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]$"
_NAME = "^[A-Za-z0-9/_+=.@-]{1,512}$"
_WINDOW = 7  # days until a deleted secret is gone: the fewest that can be taken back

_EMPTY = VaultStages(None, None)


class _InStages(Struct, frozen=True):
    """What was found under the name: the versions in both stages (None: none there), or that it waits to be deleted."""

    deleting: bool
    current: str | None = None
    pending: str | None = None
    stages: VaultStages = _EMPTY


class AwsSink(Sink):
    """`aws: {region, name, env}`. The content is the JSON of the file sink's `format: json`.

    Stages are those of AWS's own rotation: new content is AWSPENDING, then AWSCURRENT, and what was current is AWSPREVIOUS.
    """

    word = "aws"
    readable = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "A secret of AWS Secrets Manager.",
        "additionalProperties": False,
        "required": ["region", "name"],
        "properties": {
            "region": {"type": "string", "pattern": _REGION, "description": "The region.", "examples": ["us-east-1"]},
            "name": {"type": "string", "pattern": _NAME, "description": "The secret's name.", "examples": ["chat/app"]},
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._region, self._name = str(settings["region"]), str(settings["name"])
        self._context = context
        self._names = read_names("aws", settings)
        if not re.fullmatch(_REGION, self._region):
            raise SinkError(f"deliverTo.aws.region {self._region!r} is no region", hint="write it as us-east-1")

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterator[Claim]:
        read_names("aws", settings)
        yield Claim(f"aws {settings['name']} in {settings['region']}")

    @property
    def place(self) -> str:
        return f"aws {self._name} in {self._region}"

    def prove(self) -> None:
        self._find()

    def read(self) -> SinkContents | None:
        found = self._find()
        held = found.stages.held if found else None
        return held.holding_as(self._names) if held else None

    def take(self, secret: str, mask: str) -> Secret | None:
        found = self._find()
        values = found.stages.values if found else None
        return values.value(secret, mask) if values else None

    def write(self, delivery: Delivery) -> None:
        found = self._find()
        if not delivery.items:
            if found and not found.deleting:
                self._ask("delete it", "DeleteSecret", {"RecoveryWindowInDays": _WINDOW}, self._is_gone)
            return
        held = found.stages.values if found else None
        wanted = fill_delivery(delivery, held, self._context, self.place, self._names)
        if found is None:
            self._create(wanted)
            return
        if found.deleting:
            self._ask("take it back from deletion", "RestoreSecret", {}, lambda: not self._is_gone())
            found = self._find()
        if found is None or found.deleting:
            raise SinkError(f"{self.place} is still shown as deleted", hint="apply again in a minute")
        self._update(found, wanted)

    def _create(self, wanted: Contents) -> None:
        tags = [{"Key": name, "Value": value} for name, value in tag_of(self._context).items()]
        body = {"Name": self._name, "ClientRequestToken": str(uuid.uuid4()), "Tags": tags}
        text = f"Secrets of {self._context.address} of {self._context.owner}, kept by genai-iac"
        self._api.ask("create it", "CreateSecret", {**body, "Description": text}, _json_format.render(wanted))
        self._read_back("AWSCURRENT", wanted)

    def _update(self, found: _InStages, wanted: Contents) -> None:
        route, staged = found.stages.route(wanted), found.stages.staged(wanted)
        pending = found.pending
        if route in ("stage", "replace"):
            pending = str(uuid.uuid4())
            body = {"SecretId": self._name, "ClientRequestToken": pending, "VersionStages": ["AWSPENDING"]}
            self._api.ask("add a version", "PutSecretValue", body, _json_format.render(staged or wanted))
            self._read_back("AWSPENDING", staged or wanted)
        if route in ("promote", "replace"):
            self._promote(found.current, pending, wanted)

    def _promote(self, current: str | None, pending: str | None, wanted: Contents) -> None:
        # who moved the stage meanwhile is noticed: it is taken from the version that was current when this run looked
        move = {"VersionStage": "AWSCURRENT", "MoveToVersionId": pending, "RemoveFromVersionId": current}
        self._ask(
            "make its new version current",
            "UpdateSecretVersionStage",
            move,
            lambda: self._version("AWSCURRENT")[0] == pending,
        )
        done = {"VersionStage": "AWSPENDING", "RemoveFromVersionId": pending}
        self._ask(
            "take AWSPENDING from it",
            "UpdateSecretVersionStage",
            done,
            lambda: self._version("AWSPENDING")[0] != pending,
        )
        self._read_back("AWSCURRENT", wanted)

    def _read_back(self, stage: str, wanted: Contents) -> None:
        check_written(lambda: self._version(stage)[1], wanted, self.place)

    def _find(self) -> _InStages | None:
        answer = self._api.ask("look for it", "DescribeSecret", {"SecretId": self._name}, accept=(MISSING,))
        if answer.status != 200:
            return None
        found = answer.data
        if not isinstance(found, dict) or not isinstance(found.get("Name"), str):
            raise strange_answer(self.place)
        if found.get("DeletedDate"):
            self._check_dying(found)
            return _InStages(deleting=True)
        current, contents = self._version("AWSCURRENT")
        pending, waiting = self._version("AWSPENDING")
        if current is None:
            raise SinkError(
                f"{self.place} has no AWSCURRENT version", hint="give it one, or deliver under another name"
            )
        if pending == current:  # a rotation of ours ended between its last two calls
            pending, waiting = None, None
        return _InStages(False, current, pending, VaultStages(contents, waiting))

    def _check_dying(self, found: Mapping[str, Any]) -> None:
        rows = [tag for tag in found.get("Tags") or () if isinstance(tag, dict)]
        tags = {str(tag.get("Key")): str(tag.get("Value")) for tag in rows}
        if not is_of({"freeformTags": tags, "description": found.get("Description")}, self._context):
            raise SinkError(
                f"{self.place} waits to be deleted and was not made by genai-iac for this key",
                hint="deliver under another name",
            )

    def _version(self, stage: str) -> tuple[str | None, Contents | None]:
        """The version in that stage and what is in it."""
        body = {"SecretId": self._name, "VersionStage": stage}
        answer = self._api.ask(f"read its {stage} version", "GetSecretValue", body, accept=(MISSING,))
        version, text = version_in(answer, self.place) if answer.status == 200 else (None, None)
        return version, check_contents(read_json(text) if text else None, self._context, self.place)

    def _is_gone(self) -> bool:
        found = self._find()
        return found is None or found.deleting

    def _ask(self, step: str, operation: str, body: Mapping[str, Any], done: Callable[[], bool]) -> None:
        """One operation that fails when it was carried out already; `done` says whether it was, when its answer was lost."""
        request = {"SecretId": self._name, **body}
        send_or_find(lambda: self._api.ask(step, operation, request, once=True), done)

    @property
    def _api(self) -> SecretsManager:
        return SecretsManager(self.place, self._region, self._context.sink_hosts)
