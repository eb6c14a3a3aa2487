"""What an attribute may hold before everything is known: references to other resources, texts with holes, lifetimes.

A value that cannot be resolved yet stays what it is, prints as `(known after apply)`, and is resolved by apply once its target is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from genai_iac.model.address import Address

Field = Literal["id", "name", "path"]


@dataclass(frozen=True, slots=True)
class Reference:
    """`${Kind/name.field}`, or a declared name where a compartment is asked for (then the field is `id`)."""

    address: Address
    field: Field = "id"

    def __str__(self) -> str:
        return f"${{{self.address}.{self.field}}}"


@dataclass(frozen=True, slots=True)
class ExistingCompartment:
    """A compartment that no manifest declares, by its path from the root: `/a/b`; the tenancy itself is `/`."""

    path: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names from the root down, without the root."""
        return tuple(name for name in self.path.split("/") if name)

    def __str__(self) -> str:
        return "tenancy" if self.path == "/" else self.path


@dataclass(frozen=True, slots=True)
class Text:
    """A string with holes. `template` holds them as written (`chat-${Compartment/x.name}`), `holes` says what each stands for."""

    template: str
    holes: tuple[tuple[str, str | Reference | ExistingCompartment], ...]

    def __str__(self) -> str:
        return self.template


@dataclass(frozen=True, slots=True)
class StatementText(Text):
    """A policy statement with holes: each is a token, so it is filled by the policy language and never by joining text.

    `attached` is the compartment the policy lives in: paths in a statement are told from there.
    """

    attached: Value = None


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A life given at mint (`90d`): becomes now + life when the call is made, and is never a difference by itself."""

    text: str
    length: timedelta

    def __str__(self) -> str:
        return self.text


Value = (
    None
    | bool
    | int
    | float
    | str
    | Reference
    | ExistingCompartment
    | Text
    | Lifetime
    | Sequence["Value"]
    | Mapping[str, "Value"]
)

_UNKNOWN = (Reference, ExistingCompartment, Text)


def leaves(value: Value) -> Iterator[Value]:
    """The parts of a value that are not known yet."""
    if isinstance(value, _UNKNOWN):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            yield from leaves(part)


def references(value: Value) -> Iterator[Reference]:
    """The references inside a value."""
    for leaf in leaves(value):
        if isinstance(leaf, Reference):
            yield leaf
        elif isinstance(leaf, Text):
            yield from (hole for _, hole in leaf.holes if isinstance(hole, Reference))
