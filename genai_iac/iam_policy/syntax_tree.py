"""The syntax tree of a policy statement: frozen nodes that compare by content, never by position.

Keywords, verbs and resource types are held in lower case and permissions in upper case, because OCI reads them in any case; names,
variables and values are held as written. Every ``column`` is 1-based and left out of comparison.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

# The five kinds of statements but define, and the denials of admit and endorse.
Effect = Literal["allow", "deny", "admit", "endorse", "deny admit", "deny endorse"]
SubjectKind = Literal["group", "dynamic-group", "any-user", "any-group", "service", "resource"]
Scope = Literal["tenancy", "compartment", "any-tenancy"]
Symbol = Literal["tenancy", "group", "dynamic-group", "compartment"]
Operator = Literal["=", "!=", "in", "not in", "before", "after", "between"]
# From the least to the most: each verb includes the ones before it.
VERBS = ("inspect", "read", "use", "manage")


@dataclass(frozen=True, slots=True)
class Word:
    """A resource type (lower case) or a permission (upper case)."""

    text: str
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A name without its quotes. ``domain`` is the identity domain, or for a resource subject its service."""

    text: str  # without quotes, in the case as written
    domain: str | None = None
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ocid:
    """An OCID in the place of a name (``id ocid1…``)."""

    text: str
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who. ``members`` is empty for any-user and any-group."""

    kind: SubjectKind
    members: tuple[Name | Ocid, ...] = ()
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Location:
    """Where. A compartment has a ``path`` of names or an ``id``; ``tenancy`` names a foreign tenancy.

    ``placeholder``: in a template, a placeholder that stands for the whole place.
    """

    scope: Scope  # any-tenancy occurs in endorse and admit only
    path: tuple[str, ...] = ()  # names from the policy's compartment downward
    id: str | None = None  # OCID in place of a path
    tenancy: str | None = None
    column: int = field(default=0, compare=False, repr=False)
    placeholder: str | None = None

    @property
    def foreign(self) -> bool:
        """Whether this place lies in a tenancy other than the policy's own."""
        return self.tenancy is not None or self.scope == "any-tenancy"


@dataclass(frozen=True, slots=True)
class Association:
    """The second half of ``associate X in A with Y in B``."""

    resource: Word
    location: Location


@dataclass(frozen=True, slots=True)
class ConditionVariable:
    """A dotted variable: ``request.principal.id``."""

    text: str
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class QuotedValue:
    """A quoted value, without its quotes and escapes."""

    text: str
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What stands between the slashes of ``/name*/``."""

    text: str
    column: int = field(default=0, compare=False, repr=False)


Operand: TypeAlias = QuotedValue | Pattern | ConditionVariable


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right``; ``in`` takes any number of operands, ``between`` two, the others one."""

    left: ConditionVariable
    operator: Operator
    right: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Presence:
    """A variable alone, or ``not`` and a variable: whether the request carries it."""

    variable: ConditionVariable
    negated: bool = False


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """``sets-intersect(a, ('x', 'y'))``: a set function over variables and lists of values."""

    function: str
    arguments: tuple[Operand | tuple[Operand, ...], ...]
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ConditionGroup:
    """``all {…}`` or ``any {…}``."""

    mode: Literal["all", "any"]
    items: "tuple[Condition, ...]"
    column: int = field(default=0, compare=False, repr=False)


Condition: TypeAlias = Comparison | Presence | FunctionCall | ConditionGroup


@dataclass(frozen=True, slots=True)
class Grant:
    """Every statement but define. Either ``verb`` and ``resources``, or ``permissions`` (and then resources are rare)."""

    effect: Effect
    subject: Subject
    location: Location
    verb: str | None = None  # None when permissions are listed
    resources: tuple[Word, ...] = ()
    permissions: tuple[Word, ...] = ()
    source: Location | None = None  # of an admit: the tenancy whose principals are admitted
    association: Association | None = None  # of the verb associate only
    condition: Condition | None = None
    column: int = field(default=1, compare=False, repr=False)
    action_column: int = field(default=0, compare=False, repr=False)  # where the verb or the braces begin


@dataclass(frozen=True, slots=True)
class Definition:
    """``define group Name as ocid1…``: a name for something of another tenancy."""

    symbol: Symbol  # what the name stands for
    name: Name
    id: str  # OCID
    column: int = field(default=1, compare=False, repr=False)


Statement: TypeAlias = Grant | Definition
