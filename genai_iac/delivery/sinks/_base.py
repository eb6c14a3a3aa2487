"""The interface of a sink, its settings and its context, and the names under which consumers read what it holds.

A sink is one module of this package. tests/sinks/test_contract.py runs every promise over every registered sink; a package of a third
party can run the same tests (`genai_iac.testing`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct, field

from genai_iac.core import Address, Delivery, Record, Role, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._vault_client import VaultClient

_NAME = "^[A-Za-z_][A-Za-z0-9_]{0,99}$"  # what every shell takes as a variable name
_DEFAULT_KEY = "OPENAI_API_KEY"
ENV_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "The names under which consumers read what is delivered.",
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "pattern": _NAME, "default": _DEFAULT_KEY, "examples": ["OCI_GENAI_API_KEY"]},
        "baseUrl": {"type": "string", "pattern": _NAME, "default": "OPENAI_BASE_URL"},
        "project": {"type": "string", "pattern": _NAME, "default": "OPENAI_PROJECT_ID"},
        "standby": {"type": "string", "pattern": _NAME, "description": "Default: the name of key and _STANDBY."},
        "pending": {"type": "string", "pattern": _NAME, "description": "Default: the name of key and _PENDING."},
    },
}


class Names(Struct, frozen=True):
    """One name for each part that a secret can play, and for what a consumer needs beside it.

    Defaults are those that the OpenAI SDKs read.
    """

    key: str = _DEFAULT_KEY  # of the current value
    base_url: str = "OPENAI_BASE_URL"  # of the OpenAI-compatible base URL
    project: str = "OPENAI_PROJECT_ID"  # of the project's OCID, where the key has one
    standby: str = f"{_DEFAULT_KEY}_STANDBY"  # of the value that still works during an overlap
    pending: str = f"{_DEFAULT_KEY}_PENDING"  # of the value that is not verified yet

    @classmethod
    def of(cls, env: Mapping[str, str] | None) -> Names:
        """From the `env` of an entry of `deliverTo`. Raises ValueError for something else, and for one name given twice.

        Args:
            env: keys as in the manifest (`baseUrl`); None gives all defaults.
        """
        given = dict(env or {})
        key = given.get("key", _DEFAULT_KEY)
        names = cls(
            key,
            given.get("baseUrl", "OPENAI_BASE_URL"),
            given.get("project", "OPENAI_PROJECT_ID"),
            given.get("standby", f"{key}_STANDBY"),
            given.get("pending", f"{key}_PENDING"),
        )
        if not all(isinstance(name, str) and re.fullmatch(_NAME, name) for name in names.all):
            raise ValueError("a name in env has to begin with a letter or _, and to have letters, digits and _ only")
        twice = [name for name, count in Counter(names.all).items() if count > 1]
        if twice:
            raise ValueError(f"env gives the name {twice[0]} to two things")
        return names

    @property
    def inactive(self) -> str:
        """Nobody reads it: it is a comment in dotenv files."""
        return f"{self.key}_INACTIVE"

    @property
    def all(self) -> tuple[str, ...]:
        """Every name that may be written."""
        return (self.key, self.base_url, self.project, self.standby, self.pending, self.inactive)

    @property
    def as_env(self) -> dict[str, str]:
        """As `env` says it in a manifest."""
        return {
            "key": self.key,
            "baseUrl": self.base_url,
            "project": self.project,
            "standby": self.standby,
            "pending": self.pending,
        }

    def of_role(self, role: Role) -> str:
        """The name of the value in that role."""
        roles = {"current": self.key, "standby": self.standby, "pending": self.pending, "inactive": self.inactive}
        return roles[role]

    def of_records(self, records: Iterable[Record]) -> tuple[str, ...]:
        """The name of each value. A second one of a role gets a number.

        Args:
            records: in the order of the items; the result has the same order.
        """
        seen: Counter[Role] = Counter()
        names = []
        for record in records:
            seen[record.role] += 1
            names.append(self.of_role(record.role) + (f"_{seen[record.role]}" if seen[record.role] > 1 else ""))
        return tuple(names)

    def owns(self, name: str) -> bool:
        """Whether a variable of that name is written by genai-iac, with a number behind it or without."""
        return re.sub(r"_[0-9]+$", "", name) in self.all or name in self.all


DEFAULT_NAMES = Names()


class Context(Struct, frozen=True):
    """Whose secrets go to the place, and what a sink may use of this machine and of the tenancy.

    Made by `DeliveryService`. A sink gets no client and no clock of its own.
    """

    root: Path  # the manifests' directory: relative paths and commands start here
    notes: Path  # this machine's notes (`.genai-iac`)
    address: Address  # of the key
    owner: str  # `stack` or `stack@environment`: two environments must not share a place
    # None before the key is created
    id: str | None = None  # the key's OCID, once it exists
    vault: VaultClient | None = None
    # the OCID of a compartment as manifests name it; None while it is still to be made
    compartment: Callable[[str], str | None] = str
    previous: tuple[
        Address, ...
    ] = ()  # addresses that the key had before: what is recorded under one of them is its own
    now: Callable[[], datetime] | None = None  # the tenancy's clock, where there is a tenancy
    sink_hosts: frozenset[str] = (
        frozenset()
    )  # hosts that a manifest may name, as the command line or the environment allows
    # the address of the declared key that is live under an OCID: what is recorded for another of them is not replaced
    declared_key: Callable[[str], Address | None] = lambda _: None
    real_root: str = ""  # the same without links, where it is known
    # directories of files in which a write was tried and worked: one try is enough for all the files of an apply
    writable: set[tuple[str, ...]] = field(default_factory=set)


class Claim(Struct, frozen=True):
    """What an entry of `deliverTo` names and no other may; `shared`: others may that share it, too."""

    what: str  # a description that is equal for two entries that name the same thing
    shared: bool = False


def read_names(word: str, settings: Mapping[str, Any]) -> Names:
    """The names that an entry's `env` gives. Raises SinkError.

    Args:
        word: the sink's name, for the message.
        settings: the entry's settings; `env` is optional.
    """
    try:
        return Names.of(settings.get("env"))
    except ValueError as error:
        raise SinkError(f"deliverTo.{word}.env: {error}", hint="correct the manifest") from error


class Sink(ABC):
    """A place where the plaintexts of one key go. Made from one entry of `deliverTo`; opening one touches nothing.

    Promises: nothing outside the declared place ever holds a value; a write is whole or has not happened; the address, OCID, secret name,
    mask and expiry are kept beside each value; no error text quotes a value; a place that holds anything else is never overwritten.
    The order of a delivery: `prove` -> `announce` -> create or renew -> `write`.
    """

    word: ClassVar[str]  # the key under deliverTo
    # JSON Schema of the value under that key: plain data, references only within it (#/$defs/...). `validate` refuses what it
    # refuses, a third party's too; a third party's sink without one takes any settings.
    schema: ClassVar[Mapping[str, Any]]
    readable: ClassVar[bool]  # whether values can be taken out again (to heal another sink)
    roles: frozenset[Role] = frozenset(
        {"current", "standby", "pending", "inactive"}
    )  # what it can keep; the rest is left out
    local: ClassVar[bool] = False  # whether each machine has a place of its own under the same name
    forgets: ClassVar[bool] = False  # write-only, and yet an empty delivery takes the values away
    compartments: ClassVar[
        tuple[str, ...]
    ] = ()  # the settings that name a compartment: it is created before any value is

    @abstractmethod
    def __init__(self, settings: Mapping[str, Any], context: Context) -> None: ...

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterable[Claim]:
        """What no other entry may name, as far as the settings alone say. Raises SinkError for settings that cannot be.

        Args:
            settings: checked by the schema, not yet opened.
        """
        del settings
        return ()

    @property
    @abstractmethod
    def place(self) -> str:
        """How people call it: `file secrets/chat-app.env`. No value is in it, and no two places share one."""

    @property
    def commands(self) -> tuple[Sequence[str], ...]:
        """The programs it runs on this machine, each with its arguments: the local files that they name belong to what is approved.

        Empty for sinks that run none. Used for the digest of local files in the plan's
        fingerprint.
        """
        return ()

    @abstractmethod
    def prove(self) -> None:
        """Check that a write would work, before any value is created; leaves no trace. Raises SinkError with a hint.

        Called with the key's OCID when it exists. It must find what would make `write` fail
        after OCI has shown a value.
        """

    def announce(self, secrets: tuple[str, ...]) -> None:
        """Note that values of these secrets are about to be created for this sink, so that an interrupted delivery is seen to be one.

        Called after `prove` and before the value is created. Nothing to do where the sink is readable. Raises SinkError.

        Args:
            secrets: names; the values do not exist yet.
        """
        del secrets

    def withdraw(self, secrets: frozenset[str]) -> None:
        """Note that what was announced will not be created: the service refused it. Raises SinkError.

        Args:
            secrets: names that were announced before.
        """
        del secrets

    def settle(self, record: Record) -> None:
        """Note that a value that was announced arrived after all: it is called with, and callers have it from nowhere else.

        Nothing to do where the sink is readable. Raises SinkError.
        """
        del record

    @abstractmethod
    def read(self) -> SinkContents | None:
        """What it holds, without values; None when it holds nothing. Raises SinkError when that is not ours, or it cannot be known.

        A write-only sink answers what its log says, with `whole=False`.
        """

    @abstractmethod
    def take(self, secret: str, mask: str) -> Secret | None:
        """The value it holds for that secret under that mask, or None.

        Args:
            secret: the secret's name within the key.
            mask: of the wanted value; another value of that secret is not returned.
        """

    @abstractmethod
    def write(self, delivery: Delivery) -> None:
        """Make it hold exactly the delivery (as far as its `roles` go), at once or not at all, and read back that it does.

        An item without a value keeps the value held under the same mask. No items: the place is emptied. Raises SinkError.

        Raises:
            SinkError: nothing was changed, or the sink does not read back what was written.
        """

    def rename(self, delivery: Delivery) -> None:
        """Keep what is held, recorded under the delivery's address from now on: `write` of items without values. Raises SinkError."""
        self.write(delivery)

    def calls(self, *deliveries: Delivery) -> tuple[str, ...]:
        """The OCI operations that these writes, one after another, would make now; none where the place is not OCI's.

        A mask that is not known yet is ''.

        Used by plans only; must not write. `tests/sinks` compares it with the calls that
        `write` makes.
        """
        del deliveries
        return ()

    def clean(self) -> tuple[str, ...]:
        """Remove what an interrupted write left behind (a temporary file); the names of what was removed.

        Never fails for what another process is writing.
        """
        return ()
