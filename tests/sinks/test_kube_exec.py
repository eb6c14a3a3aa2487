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
from .sink_harness import KubernetesBench

V1 = "client.authentication.k8s.io/v1"
BOTH = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))


class ExecBench:
    """A kubeconfig outside the checkout, its program, and how often that was run."""

    def __init__(self, root: Path, bench: KubernetesBench) -> None:
        self.folder = root
        self.bench = bench
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
        config = json.loads(kubeconfig(self.bench.api.url))
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
            self.bench.open().read()
        assert caught.value.hint and self.bench.api.asked == []
        assert TOKEN not in str(caught.value)
        return caught.value


@pytest.fixture
def exec_bench(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> ExecBench:
    bench = KubernetesBench(tmp_path)  # it restores KUBECONFIG after each test
    return ExecBench(tmp_path_factory.mktemp("home"), bench)


def test_its_token_signs_in_and_it_is_run_once(exec_bench: ExecBench) -> None:
    exec_bench.bench.open().prove()
    exec_bench.bench.open().write(BOTH)
    assert exec_bench.bench.consumer() == VALUES["a"] and exec_bench.runs == 1


def test_a_credential_that_has_expired_is_asked_for_again(exec_bench: ExecBench) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=5)
    exec_bench.give({"token": TOKEN, "expirationTimestamp": soon.isoformat().replace("+00:00", "Z")})
    assert exec_bench.bench.open().read() is None and exec_bench.bench.open().read() is None
    assert exec_bench.runs >= 2
    exec_bench.give({"token": TOKEN, "expirationTimestamp": "2999-01-01T00:00:00Z"})
    exec_bench.bench.open().read()
    before = exec_bench.runs
    exec_bench.bench.open().read()
    assert exec_bench.runs == before


def test_it_gets_its_arguments_and_variables_and_none_of_our_credentials(
    exec_bench: ExecBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCI_CLI_KEY_CONTENT", "PEM")
    look = f'printf \'%s\\n\' "$*" "$REGION" "$KUBERNETES_EXEC_INFO" "${{OCI_CLI_KEY_CONTENT-}}" "$PWD" > \'{exec_bench.folder}/seen\''
    exec_bench.give({"token": TOKEN}, before=look)
    exec_bench.name(
        command="./sign-in",
        args=["token", "--cluster", "one two"],
        env=[{"name": "REGION", "value": "here"}],
        provideClusterInfo=True,
    )
    exec_bench.bench.open().read()
    words, region, info, ours, place = (exec_bench.folder / "seen").read_text().splitlines()
    assert (words, region, ours, Path(place)) == ("token --cluster one two", "here", "", exec_bench.folder.resolve())
    asked = json.loads(info)
    assert (asked["apiVersion"], asked["kind"]) == (V1, "ExecCredential")
    assert asked["spec"] == {"interactive": False, "cluster": {"server": exec_bench.bench.api.url}}


def test_a_program_of_path(exec_bench: ExecBench, monkeypatch: pytest.MonkeyPatch) -> None:
    exec_bench.name(command="sign-in")
    monkeypatch.chdir(exec_bench.folder)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")
    exec_bench.fails("signs in with 'sign-in', which is not there; install it")
    monkeypatch.setenv("PATH", f"{exec_bench.folder}{os.pathsep}{os.environ['PATH']}")
    assert exec_bench.bench.open().read() is None and exec_bench.runs == 1


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
def test_a_failure_is_told(exec_bench: ExecBench, script: str, why: str) -> None:
    exec_bench.script(script)
    exec_bench.fails(why)


def test_a_program_that_does_not_end_is_stopped(exec_bench: ExecBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kube_exec, "_SECONDS", 0.2)
    exec_bench.script("sleep 60 & wait")
    exec_bench.fails("did not end within 0.2 seconds, and was stopped")
    exec_bench.script("exec > /dev/null 2>&1; sleep 60")
    exec_bench.fails("did not end within 0.2 seconds, and was stopped")


def test_nothing_that_it_prints_gets_into_an_error(exec_bench: ExecBench) -> None:
    exec_bench.give({"token": TOKEN}, before=f"echo 'denied for {TOKEN}' >&2")
    exec_bench.program.write_text(exec_bench.program.read_text() + "exit 3\n")
    assert "ended with status 3: denied for" in str(exec_bench.fails("denied for"))
    exec_bench.give({"token": f"{TOKEN}-other"})
    with pytest.raises(SinkError, match="401: Unauthorized") as caught:
        exec_bench.bench.open().read()
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
def test_settings_that_are_not_run(exec_bench: ExecBench, settings: dict[str, Any], why: str) -> None:
    exec_bench.name(**{"command": "./sign-in", **settings})
    exec_bench.fails(why)
    assert exec_bench.runs == 0


def test_a_checkouts_kubeconfig_runs_nothing(exec_bench: ExecBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who plans a pull request must not run what it brings, also when a link or a relative path hides where it is."""
    checkout = exec_bench.bench.context.root
    (checkout / "deploy").mkdir()
    exec_bench.name(to=checkout / "deploy/config", command=str(exec_bench.program))
    exec_bench.fails(r"lies in the checkout .*, so it is not run; .*outside the repository and set KUBECONFIG")
    outside = exec_bench.folder / "link"
    outside.symlink_to(checkout / "deploy/config")
    monkeypatch.setenv("KUBECONFIG", str(outside))
    exec_bench.fails("lies in the checkout")
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("KUBECONFIG", "deploy/config")
    exec_bench.fails("lies in the checkout")
    assert exec_bench.runs == 0


def test_the_checkout_is_the_whole_repository(exec_bench: ExecBench) -> None:
    root = exec_bench.bench.context.root
    (root.parent / ".git").mkdir()
    try:
        exec_bench.name(to=root.parent / "kubeconfig-of-the-repository", command=str(exec_bench.program))
        exec_bench.fails("lies in the checkout")
    finally:
        (root.parent / ".git").rmdir()


def test_a_program_of_the_checkout_is_not_run(exec_bench: ExecBench) -> None:
    program = exec_bench.bench.context.root / "sign-in"
    program.write_text(exec_bench.program.read_text())
    program.chmod(0o700)
    exec_bench.name(command=str(program))
    exec_bench.fails(r"sign-in, which lies in the checkout, so it is not run")
    assert exec_bench.runs == 0


def test_a_client_certificate_of_a_program_is_loaded(exec_bench: ExecBench) -> None:
    from .test_kubernetes import client_certificate

    certificate, key = client_certificate()
    exec_bench.give({"token": TOKEN, "clientCertificateData": certificate, "clientKeyData": key})
    assert exec_bench.bench.open().read() is None
    exec_bench.give({"token": TOKEN, "clientCertificateData": "no PEM", "clientKeyData": "no PEM"})
    exec_bench.name(command="./sign-in", args=["again"])
    with pytest.raises(SinkError, match="its client certificate or key cannot be read"):
        exec_bench.bench.open().read()
