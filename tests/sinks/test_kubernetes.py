"""The kubernetes sink against a fake of the API: field managers, conflicts, permissions, restarts, kubeconfigs."""

from __future__ import annotations

import base64
import datetime
import json
import os
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from network import raw

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import _kube_config, open_sink

from .fake_http import Sent
from .fake_kubernetes import TOKEN, kubeconfig
from .samples import BASE_URL, VALUES, delivery, item, mask
from .sink_harness import KubernetesHarness

SECRET = "/api/v1/namespaces/chat/secrets/chat-app"
API = "/apis/apps/v1/namespaces/chat/deployments/api"
BOTH = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))


@pytest.fixture
def kubernetes_harness(tmp_path: Path) -> KubernetesHarness:
    return KubernetesHarness(tmp_path)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_pod_sees_names_and_values(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.open().write(BOTH)
    assert kubernetes_harness.api.data("chat", "chat-app") == {
        "OPENAI_API_KEY": VALUES["a"],
        "OPENAI_API_KEY_STANDBY": VALUES["b"],
        "OPENAI_BASE_URL": BASE_URL,
    }
    made = kubernetes_harness.api.objects[SECRET]
    assert made["type"] == "Opaque"
    assert made["metadata"]["labels"] == {"team": "chat", "app.kubernetes.io/managed-by": "genai-iac"}
    record = json.loads(made["metadata"]["annotations"]["genai-iac/record"])
    assert [one["secret"] for one in record["records"]] == ["key-one", "key-two"] and "sk-CANARY" not in str(record)
    assert set(kubernetes_harness.api.owners[SECRET].values()) == {"genai-iac"}


def test_the_same_delivery_again_changes_nothing(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.open().write(BOTH)
    before = list(kubernetes_harness.api.changes)
    kubernetes_harness.open().write(BOTH)
    assert kubernetes_harness.api.changes == before


def test_what_is_not_delivered_again_leaves_the_secret(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.open().write(BOTH)
    kubernetes_harness.open().write(delivery(item("key-one", "a", "current", kept=True)))
    assert set(kubernetes_harness.api.data("chat", "chat-app") or {}) == {"OPENAI_API_KEY", "OPENAI_BASE_URL"}


def test_a_secret_of_somebody_else_is_refused(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.api._store(
        SECRET, {"kind": "Secret", "metadata": {"name": "chat-app"}, "data": {"OPENAI_API_KEY": b64("x")}}
    )
    before = json.dumps(kubernetes_harness.api.objects)
    for attempt in (
        kubernetes_harness.open().prove,
        kubernetes_harness.open().read,
        lambda: kubernetes_harness.open().write(BOTH),
    ):
        with pytest.raises(SinkError, match="kubernetes chat/chat-app was not written by genai-iac; move it away"):
            attempt()
    assert json.dumps(kubernetes_harness.api.objects) == before


def test_a_secret_that_another_tool_makes_meanwhile_is_not_overwritten(kubernetes_harness: KubernetesHarness) -> None:
    theirs = {"kind": "Secret", "metadata": {"name": "chat-app"}, "data": {"OPENAI_API_KEY": b64("of helm")}}

    def meanwhile(sent: Sent) -> None:
        if sent.method == "PATCH" and "dryRun" not in sent.query:
            kubernetes_harness.api._store(SECRET, theirs)
            kubernetes_harness.api.owners[SECRET] = {("data", "OPENAI_API_KEY"): "helm"}
            kubernetes_harness.api.failing = lambda sent: None

    kubernetes_harness.api.failing = meanwhile
    with pytest.raises(SinkError, match=r'409: Apply failed with 1 conflict: conflict with "helm".*; .* plan again'):
        kubernetes_harness.open().write(BOTH)
    assert kubernetes_harness.api.data("chat", "chat-app") == {"OPENAI_API_KEY": "of helm"}


def test_a_writer_in_between_is_not_overwritten(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.open().write(BOTH)

    def meanwhile(sent: Sent) -> None:
        if sent.method == "PATCH":
            kubernetes_harness.api.failing = lambda sent: None
            kubernetes_harness.api.edit(SECRET, {"data": {"OPENAI_API_KEY": b64("edited")}})

    kubernetes_harness.api.failing = meanwhile
    with pytest.raises(SinkError, match=r"409: Operation cannot be fulfilled .* plan again"):
        kubernetes_harness.open().write(delivery(item("key-one", "c", "current")))
    assert kubernetes_harness.consumer() == "edited"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"data": {"OPENAI_API_KEY": b64("edited")}}, "a value was changed or is missing"),
        ({"data": {"OPENAI_API_KEY": "%%%"}}, "a value was changed or is missing"),
        ({"data": {"OPENAI_API_KEY_STANDBY": None}}, "a value was changed or is missing"),
        ({"data": {"OPENAI_BASE_URL": b64("https://evil.example")}}, "OPENAI_BASE_URL was changed"),
        ({"metadata": {"labels": {"team": "other"}}}, "its label team is not that of the manifest"),
        ({"metadata": {"labels": {"team": None}}}, "its label team"),
    ],
)
def test_an_edit_by_another_hand_is_seen_and_taken_back(
    kubernetes_harness: KubernetesHarness, change: dict[str, Any], why: str
) -> None:
    kubernetes_harness.open().write(BOTH)
    kubernetes_harness.api.edit(SECRET, change)
    holding = kubernetes_harness.open().read()
    assert holding and why in holding.damage
    kubernetes_harness.open().write(BOTH)
    healed = kubernetes_harness.open().read()
    assert healed and not healed.damage and kubernetes_harness.consumer() == VALUES["a"]
    assert kubernetes_harness.api.objects[SECRET]["metadata"]["labels"]["team"] == "chat"


def test_a_field_that_genai_iac_did_not_write_is_refused(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.open().write(BOTH)
    kubernetes_harness.api.edit(SECRET, {"data": {"PASSWORD": b64("theirs")}})
    with pytest.raises(SinkError, match="has fields that genai-iac did not write: 'PASSWORD'"):
        kubernetes_harness.open().read()


def test_deployments_are_restarted_when_the_current_value_is_another_one_and_only_then(
    kubernetes_harness: KubernetesHarness,
) -> None:
    def mark() -> object:
        return kubernetes_harness.api.objects[API]["spec"]["template"]["metadata"].get("annotations")

    kubernetes_harness.open().write(BOTH)
    first = mark()
    assert first
    kubernetes_harness.open().write(
        delivery(item("key-one", "a", "current", kept=True), item("key-two", "c", "pending"))
    )
    assert mark() == first, "nobody reads a pending value"
    kubernetes_harness.open().write(
        delivery(item("key-two", "c", "current", kept=True), item("key-one", "a", "standby", kept=True))
    )
    assert mark() != first


def test_a_restart_that_failed_is_made_up_for(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.api.denied = {"patch deployments"}
    with pytest.raises(SinkError, match=r'could not restart Deployment api: 403: deployments "api" is forbidden'):
        kubernetes_harness.open().write(BOTH)
    holding = kubernetes_harness.open().read()
    assert holding and holding.damage == "Deployment api was not restarted with the current value"
    kubernetes_harness.api.denied = set()
    kubernetes_harness.open().write(BOTH)
    healed = kubernetes_harness.open().read()
    assert healed and not healed.damage


@pytest.mark.parametrize(
    ("denied", "why"),
    [
        ("get secrets", r"could not read it: 403: secrets \"chat-app\" is forbidden"),
        ("patch secrets", r"could not write it \(a dry run\): 403"),
        ("create secrets", r"could not write it \(a dry run\): 403"),
        ("get deployments", "could not look at Deployment api: 403"),
        ("patch deployments", r"could not restart Deployment api \(a dry run\): 403"),
    ],
)
def test_a_missing_permission_is_reported_before_a_value_is_created(
    kubernetes_harness: KubernetesHarness, denied: str, why: str
) -> None:
    kubernetes_harness.api.denied = {denied}
    before = json.dumps(kubernetes_harness.api.objects)
    with pytest.raises(SinkError, match=why) as caught:
        kubernetes_harness.open().prove()
    assert caught.value.hint and json.dumps(kubernetes_harness.api.objects) == before


def test_what_is_missing_is_reported_before_a_value_is_created(kubernetes_harness: KubernetesHarness) -> None:
    del kubernetes_harness.api.objects[API]
    with pytest.raises(SinkError, match="there is no Deployment api in chat; correct restart"):
        kubernetes_harness.open().prove()
    kubernetes_harness.api.namespaces.clear()
    with pytest.raises(
        SinkError, match=r'404: namespaces "chat" not found; make the namespace: kubectl create namespace chat'
    ):
        kubernetes_harness.open().prove()


def test_an_immutable_secret_is_reported_before_a_value_is_created(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.open().write(BOTH)
    kubernetes_harness.api.edit(SECRET, {"immutable": True})
    with pytest.raises(SinkError, match=r"422: .*immutable.*delete it, or deliver under another name"):
        kubernetes_harness.open().prove()


def test_a_token_that_is_refused(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.api.tokens.clear()
    with pytest.raises(SinkError, match="could not read it: 401: Unauthorized; check the credentials") as caught:
        kubernetes_harness.open().read()
    assert TOKEN not in str(caught.value)


def write_config(text: str) -> None:
    Path(os.environ["KUBECONFIG"]).write_text(text)


def test_a_context_is_named_in_the_manifest(kubernetes_harness: KubernetesHarness) -> None:
    config = json.loads(kubeconfig(kubernetes_harness.api.url))
    config["current-context"] = "another"
    write_config(json.dumps(config))
    named = open_sink(
        {"kubernetes": {**kubernetes_harness.entry["kubernetes"], "context": "here"}}, kubernetes_harness.context
    )
    assert named.read() is None and named.place == "kubernetes chat/chat-app in here"
    with pytest.raises(SinkError, match="the kubeconfig has no context 'another'"):
        kubernetes_harness.open().read()


def test_files_are_merged_as_kubectl_does(
    kubernetes_harness: KubernetesHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = yaml.safe_load(kubeconfig(kubernetes_harness.api.url))
    users = {"users": [{"name": "iac", "user": {"tokenFile": "token.txt"}}]}
    (tmp_path / "token.txt").write_text(f"{TOKEN}\n")
    (tmp_path / "users.yaml").write_text(yaml.safe_dump(users))
    del config["users"]
    write_config(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", f"{os.environ['KUBECONFIG']}{os.pathsep}{tmp_path / 'users.yaml'}")
    assert kubernetes_harness.open().read() is None


@pytest.mark.parametrize(
    ("user", "cluster", "why"),
    [
        ({"exec": {"command": "oci"}}, {}, "exec of the kubeconfig is not of a known version"),
        ({"exec": "oci"}, {}, "exec of the kubeconfig is no mapping"),
        ({"auth-provider": {"name": "oidc"}}, {}, "signs in with an auth-provider, which Kubernetes has removed"),
        ({"username": "root", "password": "x"}, {}, "signs in with a password"),
        ({}, {"insecure-skip-tls-verify": True}, "does not verify the server"),
        ({}, {"server": "http://api.example.com"}, "is not asked; name an https:// address"),
        ({}, {"certificate-authority-data": "%"}, "certificate-authority-data of the kubeconfig is not base64"),
        ({}, {"certificate-authority-data": b64("no PEM")}, "its certificate authority cannot be read"),
        ({}, {"certificate-authority": "missing.pem"}, "missing.pem cannot be read: No such file or directory"),
        (
            {"client-certificate-data": b64("no"), "client-key-data": b64("no")},
            {},
            "its client certificate or key cannot be read",
        ),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(
    kubernetes_harness: KubernetesHarness, user: dict[str, Any], cluster: dict[str, Any], why: str
) -> None:
    config = json.loads(kubeconfig(**{"server": kubernetes_harness.api.url, **cluster}))
    config["users"][0]["user"] |= user
    write_config(json.dumps(config))
    with pytest.raises(SinkError, match=why) as caught:
        kubernetes_harness.open().read()
    assert caught.value.hint and kubernetes_harness.api.asked == []


@pytest.mark.parametrize("text", ["", "[]", "a: [", "\x00"])
def test_a_file_that_is_no_kubeconfig(kubernetes_harness: KubernetesHarness, text: str) -> None:
    write_config(text)
    with pytest.raises(SinkError, match="is no kubeconfig; set KUBECONFIG"):
        kubernetes_harness.open().read()


def test_without_a_kubeconfig(
    kubernetes_harness: KubernetesHarness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(SinkError, match=r"KUBECONFIG names .*none, which is not there"):
        kubernetes_harness.open().read()
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SinkError, match="there is no kubeconfig; set KUBECONFIG"):
        kubernetes_harness.open().read()


def test_a_pod_uses_its_service_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import certifi

    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    monkeypatch.setattr(_kube_config, "_ACCOUNT", tmp_path)
    with pytest.raises(SinkError, match=r"ca.crt cannot be read"):
        _kube_config.find_cluster("here", None, tmp_path)
    (tmp_path / "ca.crt").write_text(Path(certifi.where()).read_text())
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    found = _kube_config.find_cluster("here", None, tmp_path)
    assert found.server == "https://[fd00::1]:6443" and found.tls and found.token and found.token.reveal() == TOKEN


def test_the_mask_of_a_value_is_in_its_record(kubernetes_harness: KubernetesHarness) -> None:
    kubernetes_harness.open().write(BOTH)
    assert mask("a") in kubernetes_harness.api.objects[SECRET]["metadata"]["annotations"]["genai-iac/record"]


NOT_FOUND = raw.answer(b'{"kind": "Status", "message": "secrets \\"chat-app\\" not found"}', status=b"404 Not Found")


def test_the_authority_of_the_kubeconfig_is_trusted_and_no_other(
    kubernetes_harness: KubernetesHarness, tmp_path: Path
) -> None:
    authority, tls = raw.make_authority(tmp_path)
    with raw.serving(NOT_FOUND, tls=tls) as served:
        server = f"https://127.0.0.1:{served.port}"
        write_config(kubeconfig(server))
        with pytest.raises(
            SinkError, match=r"certificate of 127.0.0.1:.* is not trusted.*; name the certificate authority"
        ):
            kubernetes_harness.open().read()
        assert served.requests == []
        write_config(kubeconfig(server, **{"certificate-authority-data": b64(authority.read_text())}))
        assert kubernetes_harness.open().read() is None
        assert f"Bearer {TOKEN}".encode() in served.requests[-1]


def test_a_client_certificate_is_shown(kubernetes_harness: KubernetesHarness, tmp_path: Path) -> None:
    authority, tls = raw.make_authority(tmp_path)
    tls.verify_mode = ssl.CERT_REQUIRED
    certificate, key = client_certificate()
    tls.load_verify_locations(cadata=certificate)
    with raw.serving(NOT_FOUND, tls=tls) as served:
        config = json.loads(kubeconfig(f"https://127.0.0.1:{served.port}", **{"certificate-authority": str(authority)}))
        write_config(json.dumps(config))
        with pytest.raises(SinkError, match="could not read it"):
            kubernetes_harness.open().read()
        config["users"][0]["user"] = {"client-certificate-data": b64(certificate), "client-key-data": b64(key)}
        write_config(json.dumps(config))
        assert kubernetes_harness.open().read() is None
        assert b"authorization" not in served.requests[-1].lower()


def client_certificate() -> tuple[str, str]:
    """A certificate that signs itself, and its key."""
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "iac")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, made.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(days=1)
    )
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        made, hashes.SHA256()
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return signed.public_bytes(pem).decode(), made.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode()
