"""The address of a resource, the position in a manifest where it was written, and whose change a thread is making."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct


class Address(Struct, frozen=True, order=True):
    """`Kind/name`: what people and plans call a resource; its OCID is its id.

    Addresses order by kind, then name, which is the order of tables and of JSON output.
    """

    kind: str  # the manifest's `kind`: ApiKey, Compartment, Policy, Project
    name: str  # `metadata.name`, unique per kind in a stack

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `Kind/name`; raises ValueError when either half is missing.

        Args:
            text: as typed after --target or printed by a plan. Only the form is checked, not
                whether the kind exists.
        """
        kind, slash, name = text.partition("/")
        if not (kind and slash and name) or "/" in name:
            raise ValueError(f"{text!r} is not an address; write Kind/name, for example ApiKey/chat-app")
        return cls(kind, name)


class Source(Struct, frozen=True, order=True):
    """A place in a file; line and column count from 1, as editors do.

    `str` gives `file:line:column`, the form that editors and CI systems turn into a link.
    """

    file: str  # path as the user gave it, relative to the working directory; `-` for standard input
    line: int
    column: int  # of the value's first character

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


# Whoever records requests can name the address; nothing decides by it.
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
