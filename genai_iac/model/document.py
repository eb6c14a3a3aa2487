"""A manifest's document after YAML, variables and references were read, before a kind makes a resource of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.model.address import Address, Source

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One `kind` with its `metadata.name` and `spec`. Strings with references are `Text`; everything else is plain data.

    `places` says where each value (and, under the path plus `"~key"`, each key) was written; paths start at the
    document: `("spec", "secrets", 0)`.
    """

    kind: str
    name: str
    spec: Mapping[str, Any]
    source: Source
    places: Mapping[Path, Source]

    @property
    def address(self) -> Address:
        return Address(self.kind, self.name)

    def place(self, *path: str | int) -> Source:
        """Where that part was written; the nearest enclosing part when it was not."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.source)
