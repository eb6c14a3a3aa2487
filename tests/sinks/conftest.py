"""Credentials that the fakes know, and none of this machine's."""

from __future__ import annotations

import pytest

from . import fake_github, fake_hashicorp


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment of whoever applies has."""
    for name in ("VAULT_ADDR", "VAULT_ROLE_ID", "VAULT_SECRET_ID", "GITHUB_TOKEN", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", "no-kubeconfig")  # restored afterwards; benches write their own
    monkeypatch.setenv("VAULT_TOKEN", fake_hashicorp.TOKEN)
    monkeypatch.setenv("GH_TOKEN", fake_github.TOKEN)
