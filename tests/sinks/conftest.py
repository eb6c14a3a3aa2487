"""A directory of manifests; credentials that the fakes know, and none of this machine's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from genai_iac.delivery.sinks import _web_service

from . import fake_github, fake_hashicorp, fake_secrets_manager


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment of whoever applies has."""
    for name in ("VAULT_ADDR", "VAULT_ROLE_ID", "VAULT_SECRET_ID", "GITHUB_TOKEN", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", "no-kubeconfig")  # restored afterwards; benches write their own
    monkeypatch.setenv("VAULT_TOKEN", fake_hashicorp.TOKEN)
    monkeypatch.setenv("GH_TOKEN", fake_github.TOKEN)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "")  # restored afterwards; benches write their own
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", fake_secrets_manager.ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", fake_secrets_manager.SECRET_KEY)
    monkeypatch.setenv("AWS_CONFIG_FILE", "no-such-file")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no-such-file")


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that sinks would have waited before repeating a request: the fakes need no pause."""
    seconds: list[float] = []
    monkeypatch.setattr(_web_service, "sleep", seconds.append)
    return seconds


@pytest.fixture
def manifests_root(tmp_path: Path) -> Path:
    """An empty directory of manifests, in which sinks are opened."""
    root = tmp_path / "manifests"
    root.mkdir()
    return root


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that packages are installed in."""
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.syspath_prepend(directory)
    for name in ("acme_sink", "other_sink"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return directory
