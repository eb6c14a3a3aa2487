"""One harness a sink: how it is opened, how its place looks from outside, what a consumer reads there, how a write is made to fail."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from msgspec.structs import replace

from genai_iac.core import Secret
from genai_iac.testing.sink_harness import SinkHarness

from .fake_github import FakeGitHub
from .fake_hashicorp import FakeHashicorp
from .fake_http import FakeApi, Reply, Sent
from .fake_kubernetes import FakeKubernetes, kubeconfig
from .fake_secrets_manager import FakeSecretsManager
from .fake_vault import VaultDouble


class OwnSinkHarness(SinkHarness):
    """A place to try one of our sinks in."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.vault = VaultDouble()
        self.context = replace(self.context, vault=self.vault)

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Lay out the text that consumers read in another way."""
        raise NotImplementedError


class DotenvHarness(OwnSinkHarness):
    entry: ClassVar[Mapping[str, Any]] = {"file": {"path": "secrets/chat-app.env"}}

    def rewrite(self, change: Callable[[str], str]) -> None:
        path = self.root / self.entry["file"]["path"]
        path.write_bytes(change(path.read_text()).encode())

    def consumer(self) -> str | None:
        path = self.root / "secrets/chat-app.env"
        lines = path.read_text().splitlines() if path.exists() else []
        return next(
            (line.removeprefix("OPENAI_API_KEY=") for line in lines if line.startswith("OPENAI_API_KEY=")), None
        )

    def broken(self) -> Any:
        return mock.patch.object(os, "rename", side_effect=OSError(28, "No space left on device"))


class JsonHarness(DotenvHarness):
    entry: ClassVar = {"file": {"path": "deep/er/chat-app.json", "format": "json"}}

    def consumer(self) -> str | None:
        path = self.root / "deep/er/chat-app.json"
        return json.loads(path.read_text()).get("OPENAI_API_KEY") if path.exists() else None


class RawHarness(DotenvHarness):
    entry: ClassVar = {"file": {"path": "secrets/chat-app.key", "format": "raw"}}

    def consumer(self) -> str | None:
        path = self.root / "secrets/chat-app.key"
        return path.read_text() if path.exists() else None


class NamedHarness(DotenvHarness):
    entry: ClassVar = {"file": {"path": "secrets/chat-app.env", "env": {"key": "OCI_GENAI_API_KEY", "baseUrl": "BASE"}}}

    def consumer(self) -> str | None:
        path = self.root / "secrets/chat-app.env"
        lines = path.read_text().splitlines() if path.exists() else []
        name = "OCI_GENAI_API_KEY="
        return next((line.removeprefix(name) for line in lines if line.startswith(name)), None)


class ExecHarness(OwnSinkHarness):
    """A program that stores what it gets, and says it aloud when it fails, as careless ones do."""

    certain = False
    command = (
        "if [ -e broken ]; then cat >&2; exit 7; fi;"
        'cat > held.new && mv held.new held && printf %s "$GENAI_IAC_RECORD" > record;'
        "tr '\\0' '\\n' < /proc/self/cmdline >> seen; env >> seen"
    )
    entry: ClassVar[Mapping[str, Any]] = {"exec": {"command": ["sh", "-c", command]}}

    def consumer(self) -> str | None:
        held = self.root / "held"
        return held.read_text() if held.exists() else None

    def seen(self) -> list[str]:
        return [(self.root / "seen").read_text(), (self.root / ".genai-iac/deliveries.json").read_text()]

    @contextmanager
    def broken(self) -> Iterator[None]:
        flag = self.root / "broken"
        flag.touch()
        yield
        flag.unlink()


class CheckedExecHarness(ExecHarness):
    certain = True
    entry: ClassVar = {
        "exec": {
            "command": ["sh", "-c", ExecHarness.command],
            "check": ["sh", "-c", "if [ -e record ]; then cat record; fi"],
        }
    }


class VaultHarness(OwnSinkHarness):
    entry: ClassVar[Mapping[str, Any]] = {
        "vault": {
            "vault": "ocid1.vault.oc1..v",
            "key": "ocid1.key.oc1..k",
            "compartment": "ocid1.compartment.oc1..c",
            "name": "chat",
        }
    }

    def rewrite(self, change: Callable[[str], str]) -> None:
        for version, content in self.vault.contents.items():
            self.vault.contents[version] = Secret(change(content.reveal()))

    def outside(self) -> object:
        vault = self.vault
        return (
            super().outside(),
            list(vault.calls),
            {number: value.reveal() for number, value in vault.contents.items()},
            dict(vault.stages),
            [one.get("metadata") for one in vault.secrets.values()],
        )

    def consumer(self) -> str | None:
        served = self.vault.served()
        return json.loads(served.reveal()).get("OPENAI_API_KEY") if served else None

    @contextmanager
    def broken(self) -> Iterator[None]:
        self.vault.failing = {"CreateSecret", "UpdateSecret"}
        yield
        self.vault.failing = set()


class RawVaultHarness(VaultHarness):
    entry: ClassVar = {"vault": {**VaultHarness.entry["vault"], "format": "raw"}}

    def consumer(self) -> str | None:
        served = self.vault.served()
        return served.reveal() if served else None


class HttpHarness(OwnSinkHarness):
    """A sink that writes to a fake of a documented API over HTTP."""

    api: FakeApi

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.api = self.make_api()
        self.api.start()
        ((word, settings),) = self.entry.items()
        here = {name: str(value).replace("http://127.0.0.1:1", self.api.url) for name, value in settings.items()}
        self.entry = {word: {name: here[name] if isinstance(settings[name], str) else settings[name] for name in here}}  # type: ignore[misc]
        self.context = replace(self.context, sink_hosts=frozenset({"127.0.0.1"}))

    def make_api(self) -> FakeApi:
        raise NotImplementedError

    @contextmanager
    def broken(self) -> Iterator[None]:
        def refuse(sent: Sent) -> Reply | None:
            # as careless services do: the error quotes the request
            return (500, {"message": f"no: {sent.text}", "errors": [sent.text]}) if self.is_write(sent) else None

        self.api.failing = refuse
        yield
        self.api.failing = lambda sent: None

    def is_write(self, sent: Sent) -> bool:
        return sent.method != "GET" and "dryRun" not in sent.query


class HashicorpHarness(HttpHarness):
    entry: ClassVar = {"hashicorp": {"address": "http://127.0.0.1:1", "mount": "secret", "path": "chat/app"}}
    api: FakeHashicorp

    def make_api(self) -> FakeApi:
        return FakeHashicorp()

    def outside(self) -> object:
        return super().outside(), json.dumps(self.api.secrets), list(self.api.changes)

    def rewrite(self, change: Callable[[str], str]) -> None:
        """KV keeps data, not text: there is no other layout."""

    def consumer(self) -> str | None:
        return (self.api.newest("secret/data/chat/app") or {}).get("OPENAI_API_KEY")


class KubernetesHarness(HttpHarness):
    entry: ClassVar = {
        "kubernetes": {"namespace": "chat", "name": "chat-app", "labels": {"team": "chat"}, "restart": ["api"]}
    }
    api: FakeKubernetes

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        # beside the place that is looked at: pytest gives each test a directory of its own below the same parent
        config = root.with_name(f"{root.name}.kubeconfig")
        config.write_text(kubeconfig(self.api.url))
        os.environ["KUBECONFIG"] = str(config)

    def make_api(self) -> FakeApi:
        made = FakeKubernetes()
        made.deploy("chat", "api")
        return made

    def outside(self) -> object:
        decoded = self.api.data("chat", "chat-app")
        return super().outside(), json.dumps(self.api.objects), json.dumps(decoded), list(self.api.changes)

    def rewrite(self, change: Callable[[str], str]) -> None:
        """A Secret keeps data, not text: there is no other layout."""

    def consumer(self) -> str | None:
        return (self.api.data("chat", "chat-app") or {}).get("OPENAI_API_KEY")


class GitHubHarness(HttpHarness):
    entry: ClassVar = {"github": {"repository": "acme/chat", "api": "http://127.0.0.1:1"}}
    api: FakeGitHub

    def make_api(self) -> FakeApi:
        return FakeGitHub()

    def outside(self) -> object:
        return super().outside(), json.dumps(self.api.secrets), list(self.api.changes)

    def consumer(self) -> str | None:
        return self.api.value("OPENAI_API_KEY")


class AwsHarness(HttpHarness):
    entry: ClassVar = {"aws": {"region": "us-east-1", "name": "chat/app"}}
    api: FakeSecretsManager

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = self.api.url

    def make_api(self) -> FakeApi:
        return FakeSecretsManager()

    def is_write(self, sent: Sent) -> bool:
        return not sent.headers["x-amz-target"].endswith(("DescribeSecret", "GetSecretValue"))

    def outside(self) -> object:
        return super().outside(), repr(self.api.secrets), list(self.api.changes)

    def rewrite(self, change: Callable[[str], str]) -> None:
        for version in self.api.secrets["chat/app"]["versions"].values():
            version["text"] = change(version["text"])

    def consumer(self) -> str | None:
        served = self.api.text("chat/app")
        return json.loads(served).get("OPENAI_API_KEY") if served else None


HARNESSES: Mapping[str, type[OwnSinkHarness]] = {
    "file-dotenv": DotenvHarness,
    "file-json": JsonHarness,
    "file-raw": RawHarness,
    "file-named": NamedHarness,
    "exec": ExecHarness,
    "exec-check": CheckedExecHarness,
    "vault": VaultHarness,
    "vault-raw": RawVaultHarness,
    "aws": AwsHarness,
    "github": GitHubHarness,
    "hashicorp": HashicorpHarness,
    "kubernetes": KubernetesHarness,
}
