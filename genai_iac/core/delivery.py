"""What goes to a sink, and what a sink says it holds. Values are `Secret`s all the way; everything beside them may be printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from genai_iac.core.address import Address
from genai_iac.core.secret import Secret

Role = Literal["current", "standby", "pending", "inactive"]


@dataclass(frozen=True, slots=True)
class Record:
    """A sink's own note of one secret it holds, kept beside the value: which secret of which key, and how to recognise it."""

    secret: str  # the secret's name within the key
    mask: str  # the service's keyMask
    role: Role
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class SinkContents:
    """All that a sink holds for one key, as far as the sink can tell."""

    address: Address
    id: str  # the key's OCID; empty when it is not known
    records: tuple[Record, ...]
    base_url: str = ""
    whole: bool = True  # False: the place cannot be looked into; what is not among the records may be held all the same
    lost: tuple[str, ...] = ()  # secrets minted for a place that cannot be looked into, and never known to have arrived
    elsewhere: frozenset[tuple[str, str]] = (
        frozenset()
    )  # names and masks that were brought to other places, and not here
    project: str | None = None  # the project that it tells consumers to name

    def record(self, secret: str) -> Record | None:
        """The record of that secret, or None."""
        return next((record for record in self.records if record.secret == secret), None)

    def holds(self, secret: str, mask: str) -> bool | None:
        """Whether that secret is held under that mask; None when it cannot be told, which counts as delivered."""
        record = self.record(secret)
        if record and record.mask == mask:
            return True
        return False if self.whole or secret in self.lost or (secret, mask) in self.elsewhere else None


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
    project: str | None = None  # the OCID of the Generative AI project that consumers name

    def item(self, role: Role) -> Item | None:
        """The item in that role, or None."""
        return next((item for item in self.items if item.record.role == role), None)


@dataclass(frozen=True, slots=True)
class SinkState:
    """What one sink of a live key holds, as a plan looks at it: only what fits the live masks counts."""

    keeps: frozenset[Role]  # the parts it can keep
    readable: bool  # values can be copied out of it
    records: Mapping[str, Role]  # by secret name
    unknown: frozenset[str] = frozenset()  # secrets of which it cannot be told: they count as delivered
    place: str = ""  # how people call it
    damage: str = ""  # why it has to be written again although it holds what it should
    base_url: str = ""  # what it tells consumers to call
    project: str | None = None  # what it tells them to name

    def lacks(self, secret: str, role: Role) -> bool:
        """Whether it should hold that secret in that part and does not."""
        return role in self.keeps and secret not in self.records and secret not in self.unknown


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """How the values of a key reach its sinks in one change."""

    roles: Mapping[str, Role]  # by secret name, when all is done; a secret that is not named leaves the sinks
    prove: str | None = None  # delivered as pending and shown to work before it becomes current
    retired: str | None = None  # shown to be dead at the end
    unshown: bool = False  # no sink showed `prove` as current when this was planned: one that does by now has a rival's
