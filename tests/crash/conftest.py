"""One workshop for every test of this folder that a worker runs: grounds are prepared once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .launching import Launcher
from .stories import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    home = tmp_path_factory.mktemp("workshop")
    with Launcher(home) as launcher:
        yield Workshop(home, launcher)
