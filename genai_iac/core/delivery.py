"""What goes to a sink (`Delivery`), and what a sink says it holds (`SinkContents`, `SinkState`).

The path of a value: `Secret` in an OCI response, `Item` in a `Delivery`, text in a sink. The way back has no values: `Record`,
`SinkContents` and `SinkState` describe what a sink holds by name and mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from genai_iac.core.address import Address
from genai_iac.core.secret import Secret

# what callers are to do with a secret: use it, fall back to it, not yet use it, not use
# it
Role = Literal["current", "standby", "pending", "inactive"]


class Record(Struct, frozen=True):
    """What a sink stores beside a value: the secret's name, its mask (to recognise the value), its role and its expiry.

    The mask is what the service shows in list calls (`keyMask`), so a plan can compare a
    sink with the tenancy without a value.
    """

    secret: str  # the secret's name within the key
    mask: str  # the service's keyMask
    role: Role
    expires: datetime | None = None  # aware UTC; None when the secret does not expire


class SinkContents(Struct, frozen=True):
    """All that a sink holds for one key, as far as the sink knows."""

    address: Address  # of the key that the contents were written for
    id: str  # the key's OCID; empty when it is not known
    records: tuple[Record, ...]
    base_url: str = ""  # OpenAI-compatible base URL that consumers read beside the value
    whole: bool = True  # False: the sink is write-only; what is not among the records may be held all the same
    lost: tuple[str, ...] = ()  # secrets created or renewed for a write-only sink whose delivery was never confirmed
    elsewhere: frozenset[tuple[str, str]] = (
        frozenset()
    )  # (name, mask) of values that were delivered to other sinks and not to this one
    damage: str = ""  # why the place has to be written again although it holds these values
    announced: Mapping[str, datetime] = field(
        default_factory=dict
    )  # when the making of a lost one was announced (the tenancy's clock), where that is known
    project: str | None = None  # the project that consumers are to name

    def record(self, secret: str) -> Record | None:
        """The record of that secret, or None."""
        return next((record for record in self.records if record.secret == secret), None)

    def holds(self, secret: str, mask: str) -> bool | None:
        """Whether that secret is held under that mask; None when it cannot be known, which counts as delivered.

        Args:
            secret: the secret's name within the key.
            mask: the live `keyMask`. A record with another mask is of an older value.
        """
        record = self.record(secret)
        if record and record.mask == mask:
            return True
        return False if self.whole or secret in self.lost or (secret, mask) in self.elsewhere else None


class Item(Struct, frozen=True):
    """One secret to be kept. `value` None keeps the value that the sink already holds under the same mask.

    Keeping a value without reading it is what lets a write-only sink change the role of a
    secret.
    """

    record: Record  # what the sink stores beside the value
    value: Secret | None


class Delivery(Struct, frozen=True):
    """Everything one sink is to hold for one key after the write: what is not among the items is gone from it."""

    address: Address  # of the key, stored beside the values
    id: str  # OCID of the key
    base_url: str  # OpenAI-compatible base of the key's region
    items: tuple[Item, ...]
    project: str | None = None  # the OCID of the Generative AI project that consumers name

    def item(self, role: Role) -> Item | None:
        """The item in that role, or None.

        Args:
            role: at most one item has the roles current, standby or pending.
        """
        return next((item for item in self.items if item.record.role == role), None)


class SinkState(Struct, frozen=True):
    """What one sink of a live key holds, for a plan: only values whose mask is the live one count.

    One per `deliverTo` entry of the key's manifest, and one per former sink that this
    machine's log has.
    """

    keeps: frozenset[Role]  # the roles it can store
    readable: bool  # values can be copied out of it
    records: Mapping[str, Role]  # by secret name
    unknown: frozenset[str] = frozenset()  # secrets that a write-only sink may have: they count as delivered
    place: str = ""  # how people call it
    elsewhere: frozenset[str] = (
        frozenset()
    )  # not here, and another machine may have delivered them to a file of its own
    damage: str = ""  # why it has to be written again although it holds what it should
    stale: frozenset[str] = frozenset()  # secrets of which it holds a value that is not the live one
    former: bool = False  # no manifest declares it any more: values can be taken from it, and none are brought
    base_url: str = ""  # what consumers are to call
    project: str | None = None  # the project that consumers are to name
    outdated: bool = False  # a file of this machine shows callers a current value that is no longer the key's

    def may_hold(self, secret: str) -> bool:
        """Whether callers may have that secret from here, or from the same place on another machine."""
        return secret in self.unknown or secret in self.elsewhere

    def lacks(self, secret: str, role: Role) -> bool:
        """Whether it should hold that secret in that part and does not.

        Args:
            role: a role that the sink does not keep is never lacking.
        """
        return role in self.keeps and secret not in self.records and secret not in self.unknown


class Destination(Struct, frozen=True):
    """One sink that a change writes, as a reviewer has to see it before the values go there. No value is in it.

    Part of the plan's fingerprint: a pull request that points a sink elsewhere or changes a
    program needs a new approval.
    """

    type: str  # the key under deliverTo: file, vault, exec
    place: str  # how people call it
    command: tuple[str, ...] | None  # the program and its arguments, of a sink that runs one
    format: str | None  # how the values are laid out, of a sink that has a choice
    roles: Mapping[str, Role]  # by secret name: the values it is to hold afterwards; none: it is emptied
    settings: (
        Mapping[str, Any] | None
    )  # the other settings; None of a third party's sink, which are not known to be public
    digest: str  # sha256:... of all settings, whatever is shown of them
    programs: Mapping[str, str | None]  # sha256:... of each local file that a command names; None: it cannot be read


class DeliveryPlan(Struct, frozen=True):
    """How one change delivers the values of a key to its sinks. Order: pending, verified, current, invalidations."""

    # by secret name, when all is done; a secret that is not named leaves the sinks
    roles: Mapping[str, Role]  # by secret name, when all is done; a secret that is not named leaves the sinks
    prove: str | None = None  # delivered as pending and verified before it becomes current
    retired: str | None = None  # checked at the end: the endpoint must refuse it
    unshown: bool = False  # at plan time no sink had `prove` as current; if one has now, another run delivered it
