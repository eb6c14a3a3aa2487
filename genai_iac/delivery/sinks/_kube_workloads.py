"""Deployments that read a Secret when their Pods start: an annotation of the Pod template has Kubernetes replace the Pods."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._contents import Contents
from genai_iac.delivery.sinks._web_service import WebService, as_document

ANNOTATION = "genai-iac/current"  # a digest of which value is current: the same value restarts nothing
_MERGE = {"content-type": "application/merge-patch+json"}


@dataclass(frozen=True, slots=True)
class Deployments:
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
                template = {"metadata": {"annotations": {ANNOTATION: wanted}}}
                self._patch(name, {"spec": {"template": template}})

    def _annotation(self, name: str) -> str | None:
        """Its mark, '' without one; None when there is no such Deployment."""
        step = f"look at Deployment {name}"
        answer = self.service.ask(step, "GET", self._path(name), expect=(200, 404))
        if answer.status == 404:
            return None
        found: Any = answer.data
        for field in ("spec", "template", "metadata", "annotations", ANNOTATION):
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
