"""The objects of the kubernetes sink: a Secret, and the Deployments that read it.

A Secret is taken as the API shows it, and written for server-side apply: data for consumers, records in an annotation. Deployments that
read it do so when their Pods start: an annotation of the Pod template has Kubernetes replace the Pods.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import _json_format
from genai_iac.delivery.sinks._contents import Contents, Unreadable
from genai_iac.delivery.sinks._json_format import OURS, read_json
from genai_iac.delivery.sinks._web_service import WebService, as_document, parse_json

MANAGER = "genai-iac"  # the field manager
ANNOTATION = "genai-iac/record"
CURRENT = "genai-iac/current"  # a digest of which value is current: the same value restarts nothing
_MERGE = {"content-type": "application/merge-patch+json"}


class KubeSecret(Struct, frozen=True):
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
    parts = [found.get("data") or {}, metadata.get("annotations") or {}, metadata.get("labels") or {}]
    if not all(isinstance(part, dict) for part in parts):
        return None
    data, annotations, labelled = parts
    labels = {str(name): str(value) for name, value in labelled.items()}
    contents = read_json(_as_text(data, annotations))
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
        return ""  # bytes that are no text were not written by us; the digest of the record shows it


class Deployments(Struct, frozen=True):
    """Those of one namespace that an entry names."""

    service: WebService
    namespace: str
    names: tuple[str, ...]

    def prove(self) -> None:
        """Check that each is there and may be changed. Raises SinkError."""
        for name in self.names:
            if self._annotation(name) is None:
                raise SinkError(
                    f"{self.service.place}: there is no Deployment {name} in {self.namespace}",
                    hint="correct restart in the manifest, or deploy it first",
                )
            self._patch(name, {}, "?dryRun=All")

    def damage(self, contents: Contents) -> str:
        """Which one runs with another value than the current one, in words; one that is not there runs with none."""
        wanted = _digest(contents)
        for name in self.names if wanted else ():
            if self._annotation(name) not in (wanted, None):
                return f"Deployment {name} was not restarted with the current value"
        return ""

    def restart(self, contents: Contents) -> None:
        """Mark each that does not have the mark of the current value yet. Raises SinkError."""
        wanted = _digest(contents)
        for name in self.names if wanted else ():
            if self._annotation(name) != wanted:
                template = {"metadata": {"annotations": {CURRENT: wanted}}}
                self._patch(name, {"spec": {"template": template}})

    def _annotation(self, name: str) -> str | None:
        """Its mark, '' without one; None when there is no such Deployment."""
        step = f"look at Deployment {name}"
        answer = self.service.ask(step, "GET", self._path(name), expect=(200, 404))
        if answer.status == 404:
            return None
        found: Any = answer.data
        for field in ("spec", "template", "metadata", "annotations", CURRENT):
            found = found.get(field) if isinstance(found, dict) else None
        return str(found or "")

    def _patch(self, name: str, patch: dict[str, Any], query: str = "") -> None:
        step = f"restart Deployment {name}" + (" (a dry run)" if query else "")
        self.service.ask(step, "PATCH", self._path(name) + query, as_document(patch), headers=_MERGE)

    def _path(self, name: str) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{name}"


def _digest(contents: Contents) -> str:
    current = [record for record in contents.records if record.role == "current"]
    parts = [contents.id, *(text for record in current for text in (record.secret, record.mask))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16] if current else ""
