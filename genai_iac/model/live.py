"""What one reading of the tenancy found: everything a plan relies on, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from genai_iac.model.address import Address
from genai_iac.model.resource import LiveResource
from genai_iac.model.tree import Tree


@dataclass(frozen=True)
class Live:
    """One reading. `owned` is keyed by the owner mark; more than one resource under an address is a conflict that the plan reports."""

    tenancy: str
    home_region: str
    now: datetime  # the tenancy's clock
    tree: Tree
    owned: Mapping[Address, tuple[LiveResource, ...]]
    others: tuple[LiveResource, ...]  # seen on the way: no mark, or another stack's
    strays: tuple[LiveResource, ...] = ()  # carry a mark of ours that was made for another resource
    regions: tuple[str, ...] = ()  # where API keys were looked for

    def one(self, address: Address) -> LiveResource | None:
        """The live resource of that address, or None."""
        found = self.owned.get(address, ())
        return found[0] if found else None
