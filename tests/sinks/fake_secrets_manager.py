"""AWS Secrets Manager: secrets with versions and stages, over its JSON protocol; signatures of version 4 are verified.

Written from https://docs.aws.amazon.com/secretsmanager/latest/apireference/ and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any

from .fake_http import FakeApi, Reply, Sent

ACCESS_KEY, SECRET_KEY = "AKIAOFTHESETESTS0123", "secretKeyOfTheseTests0123456789abcdef"
REGION = "us-east-1"
_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>\w+)"
)


def _error(code: str, message: str) -> Reply:
    return 400, {"__type": code, "Message": message}


@dataclass
class FakeSecretsManager(FakeApi):
    """The secrets of one region."""

    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)  # operations

    def text(self, name: str, stage: str = "AWSCURRENT") -> str | None:
        """What a consumer gets."""
        found = self.secrets.get(name)
        if found is None or found["deleted"]:
            return None
        return next((one["text"] for one in found["versions"].values() if stage in one["stages"]), None)

    def answer(self, sent: Sent) -> Reply:
        if problem := self._unsigned(sent):
            return problem
        operation = sent.headers.get("x-amz-target", "").removeprefix("secretsmanager.")
        if operation in self.denied:
            return _error("AccessDeniedException", f"User is not authorized to perform: secretsmanager:{operation}")
        body = sent.json
        name = body.get("SecretId") or body.get("Name")
        if operation == "CreateSecret":
            return self._create(name, body)
        found = self.secrets.get(name)
        if found is None:
            return _error("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        if found["deleted"] and operation not in ("DescribeSecret", "RestoreSecret"):
            return _error(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
            )
        return {
            "DescribeSecret": self._describe,
            "GetSecretValue": self._get,
            "PutSecretValue": self._put,
            "UpdateSecretVersionStage": self._move,
            "DeleteSecret": self._delete,
            "RestoreSecret": self._restore,
        }[operation](name, body)

    def _create(self, name: str, body: dict[str, Any]) -> Reply:
        if self._is_repeated(name, body):
            return 200, {"Name": name, "VersionId": body["ClientRequestToken"]}
        if name in self.secrets:
            return _error("ResourceExistsException", "The operation failed because the secret already exists.")
        version = {"text": body["SecretString"], "stages": {"AWSCURRENT"}}
        self.secrets[name] = {"versions": {body["ClientRequestToken"]: version}, "deleted": False, "tags": body["Tags"]}
        self.changes.append(f"CreateSecret {name}")
        return 200, {"Name": name, "VersionId": body["ClientRequestToken"]}

    def _is_repeated(self, name: str, body: dict[str, Any]) -> bool:
        """The same token and the same value again: such a request is ignored."""
        known = self.secrets.get(name, {"versions": {}})["versions"].get(body["ClientRequestToken"])
        return known is not None and known["text"] == body["SecretString"]

    def _describe(self, name: str, body: dict[str, Any]) -> Reply:
        found = self.secrets[name]
        stages = {version: sorted(one["stages"]) for version, one in found["versions"].items()}
        deleted = {"DeletedDate": 1.79e9} if found["deleted"] else {}
        return 200, {"Name": name, "VersionIdsToStages": stages, "Tags": found["tags"], **deleted}

    def _get(self, name: str, body: dict[str, Any]) -> Reply:
        stage = body.get("VersionStage", "AWSCURRENT")
        for version, one in self.secrets[name]["versions"].items():
            if stage in one["stages"]:
                return 200, {"Name": name, "VersionId": version, "SecretString": one["text"]}
        why = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
        return _error("ResourceNotFoundException", why)

    def _put(self, name: str, body: dict[str, Any]) -> Reply:
        if self._is_repeated(name, body):
            return 200, {"Name": name, "VersionId": body["ClientRequestToken"]}
        versions = self.secrets[name]["versions"]
        stages = set(body["VersionStages"])
        for one in versions.values():
            one["stages"] -= stages
        versions[body["ClientRequestToken"]] = {"text": body["SecretString"], "stages": stages}
        self.changes.append(f"PutSecretValue {name}")
        return 200, {"Name": name, "VersionId": body["ClientRequestToken"]}

    def _move(self, name: str, body: dict[str, Any]) -> Reply:
        versions, stage = self.secrets[name]["versions"], body["VersionStage"]
        before = next((version for version, one in versions.items() if stage in one["stages"]), None)
        if before is not None and body.get("RemoveFromVersionId") != before:
            return _error(
                "InvalidParameterException", f"The staging label {stage} is currently attached to version {before}"
            )
        if before is not None:
            versions[before]["stages"].discard(stage)
        if "MoveToVersionId" in body:
            versions[body["MoveToVersionId"]]["stages"].add(stage)
            if stage == "AWSCURRENT":
                for one in versions.values():
                    one["stages"].discard("AWSPREVIOUS")
                versions[before]["stages"].add("AWSPREVIOUS")
        self.changes.append(f"UpdateSecretVersionStage {name}")
        return 200, {"Name": name}

    def _delete(self, name: str, body: dict[str, Any]) -> Reply:
        self.secrets[name]["deleted"] = True
        self.changes.append(f"DeleteSecret {name}")
        return 200, {"Name": name}

    def _restore(self, name: str, body: dict[str, Any]) -> Reply:
        self.secrets[name]["deleted"] = False
        self.changes.append(f"RestoreSecret {name}")
        return 200, {"Name": name}

    def _unsigned(self, sent: Sent) -> Reply | None:
        match = _FORM.fullmatch(sent.headers.get("authorization", ""))
        if match is None:
            return _error("MissingAuthenticationTokenException", "Missing Authentication Token")
        if match["key"] != ACCESS_KEY:
            return _error("UnrecognizedClientException", "The security token included in the request is invalid.")
        day, region, service, _ = match["scope"].split("/")
        names = match["names"].split(";")
        headers = "".join(f"{name}:{' '.join(sent.headers[name].split())}\n" for name in names)
        payload = hashlib.sha256(sent.text.encode()).hexdigest()
        canonical = "\n".join([sent.method, sent.path, "", headers, match["names"], payload])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        signed = "\n".join(["AWS4-HMAC-SHA256", sent.headers["x-amz-date"], match["scope"], digest])
        key = f"AWS4{SECRET_KEY}".encode()
        for part in (day, region, service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        wanted = hmac.digest(key, signed.encode(), "sha256").hex()
        fits = wanted == match["signature"] and region == REGION and {"host", "x-amz-target"} <= set(names)
        return (
            None if fits else _error("InvalidSignatureException", "The request signature we calculated does not match")
        )
