"""The Kubernetes API as far as Secrets and Deployments go: server-side apply with field managers, optimistic locking, dry runs.

Written from https://kubernetes.io/docs/reference/using-api/server-side-apply/ and https://kubernetes.io/docs/reference/using-api/api-concepts/.
"""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import dataclass, field
from typing import Any

from .fake_http import FakeApi, Reply, Sent

TOKEN = "eyJhbGciOiTokenOfTheseTests0123456789"
_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    415: "UnsupportedMediaType",
    422: "Invalid",
}


def _status(code: int, message: str) -> Reply:
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": _REASONS[code],
        "code": code,
    }


@dataclass
class FakeKubernetes(FakeApi):
    """One cluster. Objects by path; for each the manager of every field that server-side apply set."""

    namespaces: set[str] = field(default_factory=lambda: {"chat"})
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    owners: dict[str, dict[tuple[str, ...], str]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)  # verbs and resources: "patch deployments"
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    version: int = 100

    def data(self, namespace: str, name: str) -> dict[str, str] | None:
        """What a Pod sees of a Secret."""
        found = self.objects.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()} if found else None

    def deploy(self, namespace: str, name: str) -> dict[str, Any]:
        """Somebody deploys something."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        made = {"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": {"metadata": {}}}}
        return self._store(path, made)

    def edit(self, path: str, change: dict[str, Any]) -> None:
        """Somebody edits an object with kubectl: its manager owns from then on what it changed."""
        merged = _merge(self.objects[path], change)
        for leaf in _leaves(change):
            self.owners.setdefault(path, {})[leaf] = "kubectl-edit"
        self._store(path, merged)

    def answer(self, sent: Sent) -> Reply:
        parts = sent.path.strip("/").split("/")
        if sent.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _status(401, "Unauthorized")
        if "namespaces" not in parts or len(parts) < 4:
            return _status(404, "the server could not find the requested resource")
        namespace, resource, name = parts[-3], parts[-2], parts[-1]
        if denied := self._denied(sent, namespace, resource, name):
            return denied
        if sent.method == "GET":
            return self._get(sent.path, resource, name)
        if sent.method == "DELETE":
            return self._delete(sent, resource, name)
        if sent.headers.get("content-type") == "application/apply-patch+yaml":
            return self._apply(sent, namespace, name)
        if sent.headers.get("content-type") == "application/merge-patch+json":
            return self._merge_patch(sent, resource, name)
        return _status(415, "the body of the request was in an unknown format")

    def _denied(self, sent: Sent, namespace: str, resource: str, name: str) -> Reply | None:
        verb = {"GET": "get", "DELETE": "delete", "PATCH": "patch"}[sent.method]
        verbs = (
            [verb, "create"] if verb == "patch" and resource == "secrets" and sent.path not in self.objects else [verb]
        )
        wrong = next((one for one in verbs if f"{one} {resource}" in self.denied), None)
        who = f'User "system:serviceaccount:ci:iac" cannot {wrong} resource "{resource}" in API group ""'
        return (
            _status(403, f'{resource} "{name}" is forbidden: {who} in the namespace "{namespace}"') if wrong else None
        )

    def _get(self, path: str, resource: str, name: str) -> Reply:
        found = self.objects.get(path)
        return (200, found) if found else _status(404, f'{resource} "{name}" not found')

    def _delete(self, sent: Sent, resource: str, name: str) -> Reply:
        found = self.objects.get(sent.path)
        if found is None:
            return _status(404, f'{resource} "{name}" not found')
        wanted = (sent.json or {}).get("preconditions", {})
        if any(found["metadata"][name] != value for name, value in wanted.items()):
            return _status(409, "Operation cannot be fulfilled: Precondition failed")
        self.changes.append(f"DELETE {sent.path}")
        del self.objects[sent.path]
        self.owners.pop(sent.path, None)
        return 200, {"kind": "Status", "status": "Success"}

    def _apply(self, sent: Sent, namespace: str, name: str) -> Reply:
        body, manager = sent.json, sent.query.get("fieldManager")
        if not manager:
            return _status(
                422, "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
            )
        if namespace not in self.namespaces:
            return _status(404, f'namespaces "{namespace}" not found')
        found = self.objects.get(sent.path)
        metadata = body["metadata"]
        if problem := self._refusal(found, metadata, body, name):
            return problem
        owners = self.owners.get(sent.path, {})
        leaves = _leaves(
            {"data": body.get("data", {}), "metadata": {k: metadata.get(k, {}) for k in ("labels", "annotations")}}
        )
        foreign = [leaf for leaf in leaves if owners.get(leaf, manager) != manager and _at(found, leaf) != leaves[leaf]]
        if foreign and sent.query.get("force") != "true":
            return _status(
                409,
                f'Apply failed with 1 conflict: conflict with "{owners[foreign[0]]}" using v1: .{".".join(foreign[0])}',
            )
        if "dryRun" in sent.query:
            return 200, body
        merged = copy.deepcopy(found) or {
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "data": {},
        }
        for leaf in [leaf for leaf, owner in owners.items() if owner == manager and leaf not in leaves]:
            _remove(merged, leaf)
        for leaf, value in leaves.items():
            _put(merged, leaf, value)
        kept = {leaf: owner for leaf, owner in owners.items() if owner != manager}
        self.owners[sent.path] = {**kept, **dict.fromkeys(leaves, manager)}
        self.changes.append(f"PATCH {sent.path}")
        return (200 if found else 201), self._store(sent.path, {**merged, "type": body.get("type", "Opaque")})

    @staticmethod
    def _refusal(
        found: dict[str, Any] | None, metadata: dict[str, Any], body: dict[str, Any], name: str
    ) -> Reply | None:
        stale = found is None or metadata.get("resourceVersion") != found["metadata"]["resourceVersion"]
        if "resourceVersion" in metadata and stale:
            why = "the object has been modified; please apply your changes to the latest version and try again"
            return _status(409, f'Operation cannot be fulfilled on secrets "{name}": {why}')
        if found and found.get("immutable"):
            return _status(
                422, f'Secret "{name}" is invalid: data: Forbidden: field is immutable when `immutable` is set'
            )
        if found and found.get("type", "Opaque") != body.get("type", "Opaque"):
            return _status(
                422, f'Secret "{name}" is invalid: type: Invalid value: "{body["type"]}": field is immutable'
            )
        return None

    def _merge_patch(self, sent: Sent, resource: str, name: str) -> Reply:
        found = self.objects.get(sent.path)
        if found is None:
            return _status(404, f'{resource} "{name}" not found')
        merged = _merge(found, sent.json)
        if "dryRun" in sent.query:
            return 200, merged
        self.changes.append(f"PATCH {sent.path}")
        return 200, self._store(sent.path, merged)

    def _store(self, path: str, made: dict[str, Any]) -> dict[str, Any]:
        before = self.objects.get(path, {}).get("metadata", {})
        self.version += 1
        identity = {"uid": before.get("uid", f"uid-{self.version}"), "resourceVersion": str(self.version)}
        self.objects[path] = {**made, "metadata": {**made["metadata"], **identity}}
        return self.objects[path]


def _merge(base: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(base) if isinstance(base, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged


def _leaves(data: dict[str, Any], before: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, value in data.items():
        found |= _leaves(value, (*before, name)) if isinstance(value, dict) else {(*before, name): value}
    return found


def _at(data: Any, leaf: tuple[str, ...]) -> Any:
    for name in leaf:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _put(data: dict[str, Any], leaf: tuple[str, ...], value: Any) -> None:
    for name in leaf[:-1]:
        data = data.setdefault(name, {})
    data[leaf[-1]] = value


def _remove(data: dict[str, Any], leaf: tuple[str, ...]) -> None:
    inner = _at(data, leaf[:-1])
    if isinstance(inner, dict):
        inner.pop(leaf[-1], None)


def kubeconfig(server: str, token: str = TOKEN, **cluster: Any) -> str:
    """A kubeconfig for that server, as kubectl writes them."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "one", "user": "iac"}}],
            "clusters": [{"name": "one", "cluster": {"server": server, **cluster}}],
            "users": [{"name": "iac", "user": {"token": token}}],
        }
    )
