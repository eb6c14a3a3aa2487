"""The manifests as they stand: documents by address."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

from plan_apply.manifests import Document, stack
from plan_apply.sdk_helpers import REGION

OWNER = "walk"


class Manuscript:
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

    def free(self, kind: str, kept: frozenset[str]) -> list[str]:
        """Those that may be changed."""
        return [name for name in self.of(kind) if f"{kind}/{name}" not in kept]

    def put(self, document: Document) -> None:
        """Declare it."""
        self.documents[f"{document['kind']}/{document['metadata']['name']}"] = document

    def drop(self, address: str) -> bool:
        """Declare it no more."""
        del self.documents[address]
        return True


def pick(random: Random, names: list[str]) -> str | None:
    """One of them, or None."""
    return random.choice(names) if names else None
