"""A Kubernetes Secret as the API shows it, and as server-side apply is told it: data for consumers, records in an annotation."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.core import Secret
from genai_iac.delivery.sinks import _json_format
from genai_iac.delivery.sinks._contents import Contents, Unreadable
from genai_iac.delivery.sinks._json_format import OURS
from genai_iac.delivery.sinks._json_reader import read_json
from genai_iac.delivery.sinks._web_service import as_document, parse_json

MANAGER = "genai-iac"  # the field manager
ANNOTATION = "genai-iac/record"


@dataclass(frozen=True, slots=True)
class KubeSecret:
    """What was found: optimistic locking asks for the version and the identity."""

    version: str
    uid: str
    labels: Mapping[str, str]
    contents: Contents | Unreadable | None

    def damage(self, labels: Mapping[str, str]) -> str:
        """Why it has to be written again although its values are right: a label was taken away or changed."""
        wrong = sorted(name for name, value in labels.items() if self.labels.get(name) != value)
        return f"its label {wrong[0]} is not that of the manifest" if wrong else ""


def read_kube_secret(body: Secret) -> KubeSecret | None:
    """The Secret in an answer; None when it is none. Raises nothing: an error would quote values."""
    found = parse_json(body)
    metadata = found.get("metadata") if isinstance(found, dict) and found.get("kind") == "Secret" else None
    if not isinstance(metadata, dict):
        return None
    labels = {str(name): str(value) for name, value in (metadata.get("labels") or {}).items()}
    contents = read_json(_as_text(found.get("data") or {}, metadata.get("annotations") or {}))
    version, uid = metadata.get("resourceVersion"), metadata.get("uid")
    # a Secret without data and records is not ours either, so it is not taken for an empty place
    return KubeSecret(str(version or ""), str(uid or ""), labels, contents)


def write_kube_secret(
    settings: Mapping[str, Any], labels: Mapping[str, str], contents: Contents | None, found: KubeSecret | None
) -> Secret:
    """What server-side apply is to make of the Secret. Without contents: with nothing in it, for a dry run."""
    rendered = json.loads(_json_format.render(contents).reveal()) if contents else {}
    records = rendered.pop(OURS, None)
    metadata: dict[str, Any] = {"name": settings["name"], "namespace": settings["namespace"], "labels": dict(labels)}
    if records is not None:
        metadata["annotations"] = {ANNOTATION: json.dumps(records, sort_keys=True)}
    if found is not None:
        metadata |= {"resourceVersion": found.version, "uid": found.uid}
    data = {name: base64.b64encode(str(value).encode()).decode() for name, value in rendered.items()}
    return as_document({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data})


def _as_text(data: Mapping[str, Any], annotations: Mapping[str, Any]) -> Secret:
    """The same as the JSON of the file sink, which the reader knows."""
    fields: dict[str, Any] = {str(name): _decoded(value) for name, value in data.items()}
    if ANNOTATION in annotations:
        records = parse_json(Secret.document(str(annotations[ANNOTATION])))
        fields[OURS] = records if isinstance(records, dict) else {}
    return as_document(fields)


def _decoded(value: Any) -> str:
    try:
        return base64.b64decode(str(value), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""  # bytes that are no text were not written by us; the digest of the record tells
