"""The kubernetes sink: one Secret a key, written with server-side apply; its records are in an annotation.

The API: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and .../kubernetes-api/config-and-storage-resources/secret-v1/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from genai_iac.core import Delivery, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._base import ENV_SCHEMA, Claim, Context, Sink, read_names
from genai_iac.delivery.sinks._contents import Contents, check_contents, fill_delivery, is_written
from genai_iac.delivery.sinks._kube_config import find_cluster
from genai_iac.delivery.sinks._kube_objects import MANAGER, Deployments, KubeSecret, read_kube_secret, write_kube_secret
from genai_iac.delivery.sinks._web_service import WebAnswer, WebService, as_document, check_written

_LABEL = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"  # RFC 1123
_NAME = "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
_APPLY = {"content-type": "application/apply-patch+yaml"}  # JSON is YAML
_JSON = {"content-type": "application/json"}


class KubernetesSink(Sink):
    """`kubernetes: {context, namespace, name, labels, restart, env}`. Each name and value is an entry of the Secret's data.

    The cluster and the credentials are those of the kubeconfig (or of the Pod). Deployments under `restart` get an annotation
    whenever the current value is another one, so that Kubernetes replaces their Pods.
    """

    word = "kubernetes"
    readable = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "A Secret of a Kubernetes cluster.",
        "additionalProperties": False,
        "required": ["namespace", "name"],
        "properties": {
            "context": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "The context of the kubeconfig. Default: its current one, which differs between machines.",
            },
            "namespace": {
                "type": "string",
                "pattern": _LABEL,
                "description": "The Secret's namespace.",
                "examples": ["chat"],
            },
            "name": {"type": "string", "pattern": _NAME, "description": "The Secret's name.", "examples": ["chat-app"]},
            "labels": {
                "type": "object",
                "additionalProperties": {
                    "type": "string",
                    "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
                },
                "description": "Labels of the Secret.",
            },
            "restart": {
                "type": "array",
                "items": {"type": "string", "pattern": _NAME},
                "uniqueItems": True,
                "description": "Deployments of that namespace whose Pods are to be replaced when the current value is another one.",
            },
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._settings = settings
        self._context = context
        self._names = read_names("kubernetes", settings)
        self._labels = {**settings.get("labels", {}), "app.kubernetes.io/managed-by": MANAGER}
        self._path = f"/api/v1/namespaces/{settings['namespace']}/secrets/{settings['name']}"

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterator[Claim]:
        read_names("kubernetes", settings)
        yield Claim(
            f"Secret {settings['namespace']}/{settings['name']} in {settings.get('context', 'the current context')}"
        )

    @property
    def place(self) -> str:
        where = f" in {self._settings['context']}" if "context" in self._settings else ""
        return f"kubernetes {self._settings['namespace']}/{self._settings['name']}{where}"

    def prove(self) -> None:
        held = self._held()
        draft = write_kube_secret(self._settings, self._labels, None, None)
        # everything but the storage: permissions, admission, quotas, whether the namespace is there
        self._apply("write it (a dry run)", draft, force=held is not None, dry=True)
        self._deployments.prove()

    def read(self) -> SinkContents | None:
        found = self._find()
        held = self._checked(found)
        if found is None or held is None:
            return None
        holding = held.holding_as(self._names)
        damage = holding.damage or found.damage(self._labels) or self._deployments.damage(held)
        return SinkContents(
            holding.address, holding.id, holding.records, holding.base_url, damage=damage, project=holding.project
        )

    def take(self, secret: str, mask: str) -> Secret | None:
        held = self._held()
        return held.value(secret, mask) if held else None

    def write(self, delivery: Delivery) -> None:
        found = self._find()
        held = self._checked(found)
        if not delivery.items:
            if found:
                self._delete(found)
            return
        wanted = fill_delivery(delivery, held, self._context, self.place, self._names)
        if found is None or held != wanted or held.damage or found.damage(self._labels):
            document = write_kube_secret(self._settings, self._labels, wanted, found)
            self._apply("write it", document, force=found is not None, wanted=wanted)
            check_written(self._held, wanted, self.place)
        self._deployments.restart(wanted)

    def _apply(
        self, step: str, document: Secret, *, force: bool, dry: bool = False, wanted: Contents | None = None
    ) -> None:
        query = f"?fieldManager={MANAGER}" + ("&force=true" if force else "") + ("&dryRun=All" if dry else "")
        service = self._service
        answer = service.ask(
            step, "PATCH", self._path + query, document, expect=(200, 201, 409, 404, 422), headers=_APPLY
        )
        if answer.status in (200, 201):
            return
        if answer.status == 409 and wanted is not None and is_written(self._held, wanted):
            return  # by an attempt whose answer was lost: its resource version is another one now
        hints = {
            404: f"make the namespace: kubectl create namespace {self._settings['namespace']}",
            409: "somebody else wrote there meanwhile: plan again",
            422: "an immutable Secret, or one of another type, cannot be changed: delete it, or deliver under another name",
        }
        raise service.failure(step, answer, hints[answer.status])

    def _delete(self, found: KubeSecret) -> None:
        conditions = {"uid": found.uid, "resourceVersion": found.version}
        body = as_document({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": conditions})
        self._service.ask("delete it", "DELETE", self._path, body, expect=(200, 202, 404), headers=_JSON)

    def _find(self) -> KubeSecret | None:
        answer: WebAnswer = self._service.ask("read it", "GET", self._path, expect=(200, 404))
        found = read_kube_secret(answer.body) if answer.status == 200 else None
        if found is None and answer.status == 200:
            raise SinkError(f"{self.place} was not answered by a Kubernetes API server", hint="check the kubeconfig")
        return found

    def _held(self) -> Contents | None:
        return self._checked(self._find())

    def _checked(self, found: KubeSecret | None) -> Contents | None:
        return check_contents(found.contents if found else None, self._context, self.place)

    @property
    def _deployments(self) -> Deployments:
        return Deployments(self._service, self._settings["namespace"], tuple(self._settings.get("restart", ())))

    @property
    def _service(self) -> WebService:
        cluster = find_cluster(self.place, self._settings.get("context"), self._context.root)
        headers = {"authorization": Secret(f"Bearer {cluster.token.reveal()}")} if cluster.token else {}
        return WebService(self.place, cluster.server, headers, cluster.tls)
