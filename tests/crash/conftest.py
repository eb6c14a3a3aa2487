"""One workshop for every test of this folder that a worker runs: fixtures are prepared once, and every value they create is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .file_hooks import IssuedValues, record_issued_values
from .launching import Launcher
from .scenarios import Workshop


@pytest.fixture(scope="session")
def issued() -> Iterator[IssuedValues]:
    with record_issued_values() as issued:
        yield issued


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, issued: IssuedValues) -> Iterator[Workshop]:
    """Every value that its tenancies create is known to `issued`."""
    home = tmp_path_factory.mktemp("workshop")
    with Launcher(home) as launcher:
        yield Workshop(home, launcher)
