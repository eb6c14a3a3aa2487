"""Keys delivered to networked sinks, from the manifest to the consumer: shown in plans, approved, lost, edited, rotated, emptied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from conftest import Project, Tenancy

from .fake_github import FakeGitHub
from .fake_hashicorp import FakeHashicorp
from .fake_kubernetes import FakeKubernetes, kubeconfig
from .fake_secrets_manager import FakeSecretsManager

KV, SECRET = "secret/data/chat/app", "/api/v1/namespaces/chat/secrets/chat-app"
GITHUB = "/repos/acme/chat/actions"
PLACES = (
    "hashicorp secret/chat/app at",
    "kubernetes chat/chat-app",
    "github OPENAI_API_KEY of acme/chat",
    "aws chat/app in us-east-1",
)


@dataclass
class Services:
    """The four fakes, and the manifest that delivers to them."""

    project: Project
    hashicorp: FakeHashicorp
    kubernetes: FakeKubernetes
    github: FakeGitHub
    aws: FakeSecretsManager

    def entries(self) -> list[dict[str, Any]]:
        return [
            {"file": {"path": "secrets/app.env"}},
            {"hashicorp": {"address": self.hashicorp.url, "path": "chat/app"}},
            {"kubernetes": {"namespace": "chat", "name": "chat-app", "restart": ["api"]}},
            {"github": {"repository": "acme/chat", "api": self.github.url}},
            {"aws": {"region": "us-east-1", "name": "chat/app"}},
        ]

    def write(self, *entries: dict[str, Any], **spec: Any) -> None:
        pair = [{"name": "key-one"}, {"name": "key-two"}]
        given = {"displayName": "app", "compartment": "home", "secrets": pair, "deliverTo": entries, **spec}
        documents = [
            {"kind": "Stack", "metadata": {"name": "chat"}, "spec": {"region": "us-chicago-1"}},
            {"kind": "Compartment", "metadata": {"name": "home"}, "spec": {"parent": "/"}},
            {"kind": "ApiKey", "metadata": {"name": "app"}, "spec": given},
            {"kind": "Policy", "metadata": {"name": "access"}, "spec": {"grants": [{"apiKey": "app"}]}},
        ]
        texts = [json.dumps({"apiVersion": "genai-iac/v1", **document}) for document in documents]
        self.project.write("\n---\n".join(texts))

    def consumers(self) -> set[str | None]:
        """What consumers read, in all four."""
        data = self.hashicorp.newest(KV) or {}
        pod = self.kubernetes.data("chat", "chat-app") or {}
        text = json.loads(self.aws.text("chat/app") or "{}")
        read = {one.get("OPENAI_API_KEY") for one in (data, pod, text)}
        return read | {self.github.value("OPENAI_API_KEY")}

    def drifted(self) -> list[str]:
        report = self.project.run("drift", "--format", "json", code=None).json
        return sorted(leaf["path"] for one in report["resources"] for leaf in one["differences"])


@pytest.fixture
def services(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    made = Services(project, FakeHashicorp(), FakeKubernetes(), FakeGitHub(), FakeSecretsManager())
    for api in (made.hashicorp, made.kubernetes, made.github, made.aws):
        api.start()
    made.kubernetes.deploy("chat", "api")
    config = tmp_path.with_name(f"{tmp_path.name}.kubeconfig")
    config.write_text(kubeconfig(made.kubernetes.url))
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", made.aws.url)
    monkeypatch.setenv("GENAI_IAC_ALLOW_SINK_HOST", "127.0.0.1")
    made.write(*made.entries())
    return made


def words(text: str) -> str:
    """Without the line breaks of the terminal."""
    return " ".join(text.split())


def apply(project: Project) -> str:
    return project.run("apply", "--auto-approve").out


def test_what_is_lost_or_edited_is_drift_and_is_delivered_again(services: Services, tenancy: Tenancy) -> None:
    apply(services.project)
    (value,) = services.consumers()
    assert value and value.startswith("sk-")

    services.hashicorp.secrets[KV].append(None)
    services.kubernetes.objects.pop(SECRET)
    services.github.secrets[GITHUB].pop("OPENAI_API_KEY")
    services.aws.secrets.clear()
    tenancy.forget_calls()
    assert all(any(place in path for path in services.drifted()) for place in PLACES)
    apply(services.project)
    assert services.consumers() == {value} and tenancy.writes() == []

    services.hashicorp.secrets[KV].append({**(services.hashicorp.newest(KV) or {}), "OPENAI_API_KEY": "edited"})
    services.kubernetes.edit(SECRET, {"data": {"OPENAI_API_KEY": "ZWRpdGVk"}})
    services.github.set("OPENAI_API_KEY", "edited")
    (current,) = services.aws.secrets["chat/app"]["versions"].values()
    current["text"] = current["text"].replace(value, "edited")
    assert services.consumers() == {"edited"}
    assert all(any(place in path for path in services.drifted()) for place in PLACES)
    apply(services.project)
    assert services.consumers() == {value} and services.drifted() == [] and tenancy.writes() == []


def test_a_rotation_reaches_every_consumer_and_destroy_empties_all(services: Services) -> None:
    services.write(*services.entries(), rotation={"every": "60d", "overlap": "1h", "idle": "1h"})
    apply(services.project)
    (before,) = services.consumers()
    services.project.run("rotate", "ApiKey/app", "--auto-approve")
    (after,) = services.consumers()
    assert after and after != before
    services.project.run("destroy", "--auto-approve", "--allow-destroy", "9", "--accept-outage", "ApiKey/app")
    assert services.hashicorp.newest(KV) is None and SECRET not in services.kubernetes.objects
    assert services.github.secrets[GITHUB] == {} and services.aws.text("chat/app") is None


OTHERS = [
    ("hashicorp", {"path": "chat/other"}),
    ("kubernetes", {"restart": []}),
    ("github", {"environment": "prod eu"}),
]
MORE = [
    ("hashicorp", {"mount": "kv"}),
    ("hashicorp", {"env": {"key": "OTHER"}}),
    ("kubernetes", {"namespace": "lab"}),
    ("kubernetes", {"labels": {"a": "b"}}),
    ("kubernetes", {"context": "here"}),
    ("github", {"repository": "acme/other"}),
    ("github", {"store": "dependabot"}),
    ("github", {"name": "OTHER"}),
    ("aws", {"name": "chat/other"}),
]


def test_where_values_go_is_in_every_plan(services: Services) -> None:
    text = words(services.project.run("plan").out)
    assert all(place in text for place in PLACES)
    _, sinks = approved(services)
    assert [one["type"] for one in sinks] == ["file", "hashicorp", "kubernetes", "github", "aws"]
    assert all(place in json.dumps(sinks) for place in PLACES)


@pytest.mark.parametrize("others", [OTHERS, pytest.param(MORE, marks=pytest.mark.matrix)], ids=["some", "more"])
def test_every_setting_is_approved(services: Services, others: list[tuple[str, dict[str, Any]]]) -> None:
    services.kubernetes.namespaces.add("lab")
    services.kubernetes.deploy("lab", "api")
    services.github.stores.add("/repos/acme/other/actions")
    first, _ = approved(services)
    found = {approved(services, word, change)[0] for word, change in others}
    assert len(found | {first}) == 1 + len(others)
    assert approved(services, "hashicorp", {"mount": "secret"})[0] == first, "a default that is written out"


def approved(services: Services, word: str = "", change: Mapping[str, Any] = MappingProxyType({})) -> tuple[str, Any]:
    """The fingerprint and the sinks of a plan in which that sink has other settings."""
    services.write(*({word: {**one[word], **change}} if word in one else one for one in services.entries()))
    plan = services.project.run("plan", "--format", "json").json
    (key,) = (one for one in plan["changes"] if one["address"] == "ApiKey/app")
    return plan["fingerprint"], key["sinks"]


def test_other_labels_and_defaults_written_out_are_no_other_place(services: Services) -> None:
    _, hashicorp, kubernetes, *_ = services.entries()
    services.write(hashicorp, {"kubernetes": {**kubernetes["kubernetes"], "labels": {"team": "chat"}}})
    apply(services.project)
    other = {"kubernetes": {**kubernetes["kubernetes"], "labels": {"team": "talk"}, "restart": []}}
    services.write({"hashicorp": {**hashicorp["hashicorp"], "mount": "secret"}}, other)
    plan = services.project.run("plan", "--format", "json").json
    assert [one["actions"] for one in plan["changes"] if one["address"] == "ApiKey/app"] == [["deliver"]]
    assert not [one for one in plan["notices"] if "chat-app" in one["text"] or "chat/app" in one["text"]]
    apply(services.project)
    assert services.kubernetes.objects[SECRET]["metadata"]["labels"]["team"] == "talk"
    after = services.project.run("plan", "--format", "json").json
    assert after["changes"] == [] or all(one["actions"] == [] for one in after["changes"])


def test_a_host_that_only_the_manifest_names_is_not_asked(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENAI_IAC_ALLOW_SINK_HOST")
    ran = services.project.run("apply", "--auto-approve", code=None)
    assert ran.code == 1 and "nobody but the manifest names 127.0.0.1:" in words(ran.err)
    assert services.hashicorp.asked == [] and services.github.asked == []
    assert services.project.run("validate").code == 0
    allowed = services.project.run("apply", "--auto-approve", "--allow-sink-host", "127.0.0.1")
    assert allowed.code == 0 and len(services.consumers()) == 1


@pytest.mark.parametrize(
    "name", ["hashicorp", *(pytest.param(name, marks=pytest.mark.matrix) for name in ("kubernetes", "github", "aws"))]
)
def test_a_sink_that_cannot_be_written_is_reported_before_a_value_is_created(
    services: Services, tenancy: Tenancy, name: str
) -> None:
    services.write(*(entry for entry in services.entries() if name in entry or "file" in entry))
    services.hashicorp.capabilities = ("read",)
    services.kubernetes.denied = {"patch secrets"}
    services.github.permission = "read"
    services.aws.denied = {"DescribeSecret"}
    ran = services.project.run("apply", "--auto-approve", code=None)
    assert ran.code in (1, 4) and "Traceback" not in ran.out + ran.err
    assert any(place in words(ran.out + ran.err) for place in PLACES)
    assert "CreateApiKey" not in tenancy.writes()


def test_two_entries_of_one_place_are_refused(services: Services) -> None:
    for entry in services.entries()[1:]:
        services.write(entry, entry)
        ran = services.project.run("validate", code=1)
        assert "delivered to twice" in words(ran.err)
