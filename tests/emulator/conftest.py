"""Running tenancies for the tests: one a module where tests keep to their own corner, a fresh one where they do not."""

from collections.abc import Iterator

import pytest

from genai_iac.emulator import running

from .clients import Clients, close_clients


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    """Leave no connection behind for a later test to stumble over."""
    yield
    close_clients()


@pytest.fixture(scope="module")
def shared() -> Iterator[Clients]:
    """A tenancy that the tests of one module share."""
    with running(allow_kill=True) as tenancy:
        yield Clients(tenancy)


@pytest.fixture
def fresh() -> Iterator[Clients]:
    """A tenancy of a test's own."""
    with running(allow_kill=True) as tenancy:
        yield Clients(tenancy)
