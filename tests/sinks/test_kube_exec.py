"""A kubeconfig that signs in with a program, over HTTP against the fake cluster: what it gives is used, and how it may fail."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import _kube_exec

from .fake_kubernetes import TOKEN, kubeconfig
from .samples import VALUES, delivery, item
from .sink_harness import KubernetesHarness

V1 = "client.authentication.k8s.io/v1"
BOTH = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))


class ExecHarness:
    """A kubeconfig outside the checkout, its program, and how often that was run."""

    def __init__(self, root: Path, harness: KubernetesHarness) -> None:
        self.folder = root
        self.harness = harness
        self.program = root / "sign-in"
        self.give({"token": TOKEN})
        self.name(command="./sign-in")

    def give(self, status: dict[str, Any], *, version: str = V1, before: str = "") -> None:
        """The program answers with that credential."""
        answer = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})
        self.script(f"{before}\ncat << 'END'\n{answer}\nEND\n")

    def script(self, text: str) -> None:
        self.program.write_text(f"#!/bin/sh\necho run >> '{self.folder}/runs'\n{text}")
        self.program.chmod(0o700)

    def name(self, to: Path | None = None, **settings: Any) -> None:
        """The kubeconfig names it."""
        config = json.loads(kubeconfig(self.harness.api.url))
        config["users"][0]["user"] = {"exec": {"apiVersion": V1, "interactiveMode": "Never", **settings}}
        file = to or self.folder / "config"
        file.write_text(json.dumps(config))
        os.environ["KUBECONFIG"] = str(file)

    @property
    def runs(self) -> int:
        file = self.folder / "runs"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def fails(self, why: str) -> SinkError:
        with pytest.raises(SinkError, match=why) as caught:
            self.harness.open().read()
        assert caught.value.hint and self.harness.api.asked == []
        assert TOKEN not in str(caught.value)
        return caught.value


@pytest.fixture
def exec_harness(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> ExecHarness:
    harness = KubernetesHarness(tmp_path)  # it restores KUBECONFIG after each test
    return ExecHarness(tmp_path_factory.mktemp("home"), harness)


def test_its_token_signs_in_and_it_is_run_once(exec_harness: ExecHarness) -> None:
    exec_harness.harness.open().prove()
    exec_harness.harness.open().write(BOTH)
    assert exec_harness.harness.consumer() == VALUES["a"] and exec_harness.runs == 1


def test_a_credential_that_has_expired_is_asked_for_again(exec_harness: ExecHarness) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=5)
    exec_harness.give({"token": TOKEN, "expirationTimestamp": soon.isoformat().replace("+00:00", "Z")})
    assert exec_harness.harness.open().read() is None and exec_harness.harness.open().read() is None
    assert exec_harness.runs >= 2
    exec_harness.give({"token": TOKEN, "expirationTimestamp": "2999-01-01T00:00:00Z"})
    exec_harness.harness.open().read()
    before = exec_harness.runs
    exec_harness.harness.open().read()
    assert exec_harness.runs == before


def test_it_gets_its_arguments_and_variables_and_none_of_our_credentials(
    exec_harness: ExecHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCI_CLI_KEY_CONTENT", "PEM")
    look = f'printf \'%s\\n\' "$*" "$REGION" "$KUBERNETES_EXEC_INFO" "${{OCI_CLI_KEY_CONTENT-}}" "$PWD" > \'{exec_harness.folder}/seen\''
    exec_harness.give({"token": TOKEN}, before=look)
    exec_harness.name(
        command="./sign-in",
        args=["token", "--cluster", "one two"],
        env=[{"name": "REGION", "value": "here"}],
        provideClusterInfo=True,
    )
    exec_harness.harness.open().read()
    words, region, info, ours, place = (exec_harness.folder / "seen").read_text().splitlines()
    assert (words, region, ours, Path(place)) == ("token --cluster one two", "here", "", exec_harness.folder.resolve())
    asked = json.loads(info)
    assert (asked["apiVersion"], asked["kind"]) == (V1, "ExecCredential")
    assert asked["spec"] == {"interactive": False, "cluster": {"server": exec_harness.harness.api.url}}


def test_a_program_of_path(exec_harness: ExecHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    exec_harness.name(command="sign-in")
    monkeypatch.chdir(exec_harness.folder)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")
    exec_harness.fails("signs in with 'sign-in', which is not there; install it")
    monkeypatch.setenv("PATH", f"{exec_harness.folder}{os.pathsep}{os.environ['PATH']}")
    assert exec_harness.harness.open().read() is None and exec_harness.runs == 1


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'not signed in: run login' >&2; exit 7", "ended with status 7: not signed in: run login"),
        ("exit 1", "ended with status 1; run it manually"),
        ("echo no JSON", "did not answer with an ExecCredential of client.authentication.k8s.io/v1"),
        ("echo '[]'", "did not answer with an ExecCredential"),
        (
            f'echo \'{{"apiVersion": "{V1}", "kind": "ExecCredential", "status": {{}}}}\'',
            "neither a token nor a client",
        ),
        ("head -c 1100000 /dev/zero; sleep 20", "printed more than 1 MiB, and was stopped"),
        ("head -c 1100000 /dev/zero >&2; sleep 20", "printed more than 1 MiB, and was stopped"),
    ],
)
def test_a_failure_is_reported(exec_harness: ExecHarness, script: str, why: str) -> None:
    exec_harness.script(script)
    exec_harness.fails(why)


def test_a_program_that_does_not_end_is_stopped(exec_harness: ExecHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kube_exec, "_SECONDS", 0.2)
    exec_harness.script("sleep 60 & wait")
    exec_harness.fails("did not end within 0.2 seconds, and was stopped")
    exec_harness.script("exec > /dev/null 2>&1; sleep 60")
    exec_harness.fails("did not end within 0.2 seconds, and was stopped")


def test_nothing_that_it_prints_gets_into_an_error(exec_harness: ExecHarness) -> None:
    exec_harness.give({"token": TOKEN}, before=f"echo 'denied for {TOKEN}' >&2")
    exec_harness.program.write_text(exec_harness.program.read_text() + "exit 3\n")
    assert "ended with status 3: denied for" in str(exec_harness.fails("denied for"))
    exec_harness.give({"token": f"{TOKEN}-other"})
    with pytest.raises(SinkError, match="401: Unauthorized") as caught:
        exec_harness.harness.open().read()
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "not of a known version"),
        ({"args": "token"}, "not of a known version"),
        ({"interactiveMode": "Always"}, "wants a terminal"),
        ({"command": "./missing", "installHint": "get it from\nthe wiki"}, "which is not there; get it from the wiki"),
    ],
)
def test_settings_that_are_not_run(exec_harness: ExecHarness, settings: dict[str, Any], why: str) -> None:
    exec_harness.name(**{"command": "./sign-in", **settings})
    exec_harness.fails(why)
    assert exec_harness.runs == 0


def test_a_checkouts_kubeconfig_runs_nothing(exec_harness: ExecHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who plans a pull request must not run what it brings, also when a link or a relative path hides where it is."""
    checkout = exec_harness.harness.context.root
    (checkout / "deploy").mkdir()
    exec_harness.name(to=checkout / "deploy/config", command=str(exec_harness.program))
    exec_harness.fails(r"lies in the checkout .*, so it is not run; .*outside the repository and set KUBECONFIG")
    outside = exec_harness.folder / "link"
    outside.symlink_to(checkout / "deploy/config")
    monkeypatch.setenv("KUBECONFIG", str(outside))
    exec_harness.fails("lies in the checkout")
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("KUBECONFIG", "deploy/config")
    exec_harness.fails("lies in the checkout")
    assert exec_harness.runs == 0


def test_the_checkout_is_the_whole_repository(exec_harness: ExecHarness) -> None:
    root = exec_harness.harness.context.root
    (root.parent / ".git").mkdir()
    try:
        exec_harness.name(to=root.parent / "kubeconfig-of-the-repository", command=str(exec_harness.program))
        exec_harness.fails("lies in the checkout")
    finally:
        (root.parent / ".git").rmdir()


def test_a_program_of_the_checkout_is_not_run(exec_harness: ExecHarness) -> None:
    program = exec_harness.harness.context.root / "sign-in"
    program.write_text(exec_harness.program.read_text())
    program.chmod(0o700)
    exec_harness.name(command=str(program))
    exec_harness.fails(r"sign-in, which lies in the checkout, so it is not run")
    assert exec_harness.runs == 0


def test_a_client_certificate_of_a_program_is_loaded(exec_harness: ExecHarness) -> None:
    from .test_kubernetes import client_certificate

    certificate, key = client_certificate()
    exec_harness.give({"token": TOKEN, "clientCertificateData": certificate, "clientKeyData": key})
    assert exec_harness.harness.open().read() is None
    exec_harness.give({"token": TOKEN, "clientCertificateData": "no PEM", "clientKeyData": "no PEM"})
    exec_harness.name(command="./sign-in", args=["again"])
    with pytest.raises(SinkError, match="its client certificate or key cannot be read"):
        exec_harness.harness.open().read()
