"""A repository on a stand-in for GitHub, with a stack in the local emulator."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands.stacks import commit
from conftest import Project, Tenancy
from vault_sink.vault_setups import built_in

from .repository import OTHER, STACK, Hosted
from .runner import Runner
from .shell import warm


@pytest.fixture(scope="session")
def warm_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the steps of jobs ask for genai-iac."""
    with warm(tmp_path_factory.mktemp("warm")) as warm_socket:
        yield warm_socket


@pytest.fixture
def hosted(tmp_path: Path, tenancy: Tenancy, warm_socket: Path) -> Hosted:
    """Two stacks, applied; a snapshot of the tenancy in the cache, as a nightly run leaves it."""
    project = Project(
        tmp_path / "origin", {"GENAI_IAC_ENDPOINT": tenancy.url, "GENAI_IAC_CONFIG_FILE": str(tenancy.config_file)}
    )
    vault = built_in(tenancy)
    project.write(STACK.replace("VAULT", vault["vault"]).replace("MASTER", vault["key"]), "chat/stack.yaml")
    project.write(OTHER, "other/stack.yaml")
    for stack in ("chat", "other"):
        project.run("apply", "--auto-approve", stack)
    commit(project.path)
    (tmp_path / "caches").mkdir()
    project.run("snapshot", "--full-scan", "--out", "../caches/genai-iac-snapshot-0-1", "chat")
    tenancy.forget_calls()
    signed_in = _secrets(tenancy)
    runner = Runner.of(
        tmp_path,
        warm_socket,
        project.path,
        secrets={f"genai-iac-{name}": signed_in for name in ("plan", "apply", "rotate")},
        reach={"GENAI_IAC_ENDPOINT": tenancy.url},
    )
    return Hosted(project, tenancy, runner)


def _secrets(tenancy: Tenancy) -> dict[str, str]:
    """What the environments of the workflows hold: a profile whose key is where the step puts it, and that key."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(tenancy.config_file)
    profile = config["DEFAULT"]
    key = Path(profile["key_file"]).read_text().strip()
    lines = [f"{name}={value}" for name, value in profile.items() if name != "key_file"]
    return {"OCI_CONFIG": "\n".join(["[DEFAULT]", *lines, "key_file=~/.oci/key.pem"]), "OCI_KEY": key}
