"""Where things are: the address of a resource, and the place in a manifest where it was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Address:
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


@dataclass(frozen=True, order=True, slots=True)
class Source:
    """A place in a file; line and column count from 1, as editors do.

    `str` gives `file:line:column`, the form that editors and CI systems turn into a link.
    """

    file: str  # path as the user gave it, relative to the working directory; `-` for standard input
    line: int
    column: int  # of the value's first character

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
