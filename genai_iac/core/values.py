"""Values of manifests that are no plain text: references and the ways to name a compartment, for every kind and every sink.

Values that are not known before an apply are objects: a plan shows them as they are written, and `references/resolver.py` replaces
them when the OCID is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from msgspec import Struct

from genai_iac.core.address import Address

Field = Literal["id", "name", "path"]  # the attributes of a resource that another one may refer to


class Reference(Struct, frozen=True):
    """`${Kind/name.field}`, or a declared name where a compartment is asked for (then the field is `id`).

    Also the only thing that makes one resource depend on another (`manifest/graph.py`).
    """

    address: Address
    field: Field = "id"

    def __str__(self) -> str:
        return f"${{{self.address}.{self.field}}}"


class ExistingCompartment(Struct, frozen=True):
    """A compartment that no manifest declares, by its path from the root: `/a/b`; the tenancy itself is `/`."""

    path: str  # normalised: one slash between names, none at the end

    @property
    def names(self) -> tuple[str, ...]:
        """The names from the root down, without the root."""
        return tuple(name for name in self.path.split("/") if name)

    def __str__(self) -> str:
        return "tenancy" if self.path == "/" else self.path


class InterpolatedText(Struct, frozen=True):
    """A string with placeholders. `template` holds them as written (`chat-${Compartment/x.name}`), `placeholders` says what each is."""

    template: str  # as in the manifest
    placeholders: tuple[tuple[str, str | Reference | ExistingCompartment], ...]

    def __str__(self) -> str:
        return self.template


class StatementText(InterpolatedText, frozen=True):
    """A policy statement with placeholders: each is a token, so it is filled by the policy language and never by joining text.

    `attached` is the compartment the policy is in: paths in a statement start there.

    A value that holds `to manage all-resources` can therefore not extend the statement
    (docs/policy-language.md, tests/iam_policy).
    """

    attached: Value = None  # also a reference while the compartment is not created


class Lifetime(Struct, frozen=True):
    """A duration (`90d`) that starts at creation or renewal: becomes now + duration in the call, and is never a difference by itself.

    Comparing it with a live expiry would renew the secret at every plan.
    """

    text: str  # as written: `90d`
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
    | InterpolatedText
    | Lifetime
    | Sequence["Value"]
    | Mapping[str, "Value"]
)

# A Lifetime is not among them: it is known, and turned into a date-time when the call
# is made.
_UNKNOWN = (Reference, ExistingCompartment, InterpolatedText)


def leaves(value: Value) -> list[Value]:
    """The parts of a value that are not known yet.

    Args:
        value: any nesting of mappings and sequences.
    """
    found: list[Value] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if part is None or isinstance(
            part, (str, int, float)
        ):  # most are: abstract classes take ten times as long to ask
            continue
        if isinstance(part, _UNKNOWN):
            found.append(part)
        elif isinstance(part, (dict, Mapping)):
            waiting.extend([*part.values()][::-1])
        elif isinstance(part, (list, tuple, Sequence)):
            waiting.extend(reversed(part))
    return found


def references(value: Value) -> list[Reference]:
    """The references inside a value.

    References inside placeholders of a text count too.
    """
    found: list[Reference] = []
    for leaf in leaves(value):
        if isinstance(leaf, Reference):
            found.append(leaf)
        elif isinstance(leaf, InterpolatedText):
            found.extend(placeholder for _, placeholder in leaf.placeholders if isinstance(placeholder, Reference))
    return found


# of compartments and tenancies only; case as OCI: any
OCID = re.compile(r"ocid1\.(compartment|tenancy)\.[a-z0-9-]+\.[a-z0-9-]*\.[a-z0-9-]+", re.IGNORECASE)

COMPARTMENT_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "title": "Compartment",
    "description": (
        "A declared Compartment by its metadata.name, an existing one by its path from the root (/a/b), an OCID, "
        "or the word tenancy for the root."
    ),
    "pattern": r"^(tenancy|/|(/[A-Za-z0-9._-]{1,100})+|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|ocid1\.(compartment|tenancy)\..+)$",
    "examples": ["chat", "/platform/ai", "tenancy"],
}


def read_compartment(written: Value) -> Value:
    """What a manifest means by a compartment: a Reference to a declared one, an ExistingCompartment, or an OCID as it is.

    Args:
        written: text of a manifest, or a value that is not known yet, which is returned as
            it is.
    """
    if not isinstance(written, str):
        return written
    if written == "tenancy":
        return ExistingCompartment("/")
    if written.startswith("/"):
        return ExistingCompartment("/" + "/".join(name for name in written.split("/") if name))
    return written if OCID.fullmatch(written) else Reference(Address("Compartment", written))
