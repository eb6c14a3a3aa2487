"""One workshop for every test of this folder that a worker runs: fixtures are prepared once, and every value they create is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .file_hooks import Mint, minting
from .launching import Launcher
from .scenarios import Workshop


@pytest.fixture(scope="session")
def mint() -> Iterator[Mint]:
    with minting() as mint:
        yield mint


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, mint: Mint) -> Iterator[Workshop]:
    """Every value that its tenancies create is known to `mint`."""
    home = tmp_path_factory.mktemp("workshop")
    with Launcher(home) as launcher:
        yield Workshop(home, launcher)
