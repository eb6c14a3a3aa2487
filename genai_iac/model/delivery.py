"""What goes to a sink, and what a sink says it holds. Values are `Secret`s all the way; everything beside them may be printed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from genai_iac.model.address import Address
from genai_iac.model.secret import Secret

Role = Literal["current", "standby", "pending", "inactive"]


@dataclass(frozen=True, slots=True)
class Record:
    """A sink's own note of one secret it holds, kept beside the value: which secret of which key, and how to recognise it."""

    secret: str  # the secret's name within the key
    mask: str  # the service's keyMask
    role: Role
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """All that a sink holds for one key."""

    address: Address
    id: str  # the key's OCID
    records: tuple[Record, ...]

    def record(self, secret: str) -> Record | None:
        """The record of that secret, or None."""
        return next((record for record in self.records if record.secret == secret), None)


@dataclass(frozen=True, slots=True)
class Item:
    """One secret to be kept. `value` None keeps the value that the sink already holds under the same mask."""

    record: Record
    value: Secret | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Everything one sink is to hold for one key after the write: what is not among the items is gone from it."""

    address: Address
    id: str
    base_url: str  # OpenAI-compatible base of the key's region
    items: tuple[Item, ...]

    def item(self, role: Role) -> Item | None:
        """The item in that role, or None."""
        return next((item for item in self.items if item.record.role == role), None)
