"""The manifests as they stand: documents by address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random
from typing import Any

from plan_apply.manifests import Document, stack
from plan_apply.sdk_helpers import REGION

OWNER = "walk"


class ManifestSet:
    """What is declared now, and what ever was."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.sinks: set[str] = set()  # every path that was ever declared
        self.now = datetime.now(UTC)
        self.stack_region = REGION

    @property
    def text(self) -> str:
        return stack(*self.documents.values(), name=OWNER, region=self.stack_region)

    def spec(self, address: str) -> dict[str, Any]:
        spec: dict[str, Any] = self.documents[address]["spec"]
        return spec

    def region(self, address: str) -> str | None:
        """Where a key is declared to live; None for what has no region."""
        return self.spec(address).get("region", self.stack_region) if address.startswith("ApiKey/") else None

    def of(self, kind: str) -> list[str]:
        """The declared names of that kind."""
        return [address.partition("/")[2] for address in self.documents if address.startswith(f"{kind}/")]

    def absent(self, kind: str, names: Iterable[str]) -> list[str]:
        """Those of the names that no declared resource has or had."""
        taken = {base(name) for name in self.of(kind)}
        return [name for name in names if name not in taken]

    def free(self, kind: str, kept: frozenset[str]) -> list[str]:
        """Those that may be changed."""
        return [name for name in self.of(kind) if f"{kind}/{name}" not in kept]

    def rename(self, address: str, name: str) -> None:
        """Give it another metadata.name, tell its previous ones, and write the new one wherever it is referred to."""
        kind, _, old = address.partition("/")
        document = self.documents[address]
        before = [*document["metadata"].get("previousNames", ()), old]
        document["metadata"] = {"name": name, "previousNames": [one for one in dict.fromkeys(before) if one != name]}
        renamed = {f"{kind}/{name}" if one == address else one: found for one, found in self.documents.items()}
        self.documents = {one: replace_name(found, kind, old, name) for one, found in renamed.items()}

    @property
    def renames(self) -> dict[str, str]:
        """By previous address the present one."""
        return {
            f"{found['kind']}/{old}": address
            for address, found in self.documents.items()
            for old in found["metadata"].get("previousNames", ())
        }

    def put(self, document: Document) -> None:
        """Declare it."""
        self.documents[f"{document['kind']}/{document['metadata']['name']}"] = document

    def drop(self, address: str) -> bool:
        """Declare it no more."""
        del self.documents[address]
        return True


def replace_name(document: Document, kind: str, old: str, name: str) -> Document:
    """The document with another name in its references to that resource."""
    fields = {"Compartment": ("compartment", "parent"), "ApiKey": ("apiKey",)}.get(kind, ())

    def replace_in(value: Any, field: str = "") -> Any:
        if isinstance(value, dict):
            return {key: replace_in(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [replace_in(inner) for inner in value]
        if isinstance(value, str) and field in fields and value == old:
            return name
        return value.replace(f"${{{kind}/{old}.", f"${{{kind}/{name}.") if isinstance(value, str) else value

    return {**document, "spec": replace_in(document["spec"])}


def base(name: str) -> str:
    """The name that a resource was first given: a renamed one is called `k0-r`."""
    return name.partition("-")[0]


def pick(random: Random, names: list[str]) -> str | None:
    """One of them, or None."""
    return random.choice(names) if names else None
