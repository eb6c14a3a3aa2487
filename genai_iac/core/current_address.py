"""Whose change the running thread is making, so that whoever records requests can name the address. Nothing decides by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from genai_iac.core.address import Address

# A thread of the pool starts with an empty context, so each change sets it for itself.
_CURRENT: ContextVar[Address | None] = ContextVar("genai_iac_address", default=None)


def current_address() -> Address | None:
    """The address whose change this thread is making; None outside a change."""
    return _CURRENT.get()


@contextmanager
def making_change_of(address: Address) -> Iterator[None]:
    """While this is open, requests of this thread belong to that address.

    A context variable and not an argument: the SDK client is called through several layers
    that know nothing of addresses. `--audit` and `apply --json` read it to name the address
    of each request.
    """
    token = _CURRENT.set(address)
    try:
        yield
    finally:
        _CURRENT.reset(token)
