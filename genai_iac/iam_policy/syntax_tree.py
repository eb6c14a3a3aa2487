"""The syntax tree of a policy statement: frozen nodes that compare by content, never by position.

Keywords, verbs and resource types are held in lower case and permissions in upper case, because OCI reads them in any case; names,
variables and values are held as written. Every ``column`` is 1-based and left out of comparison.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias

from msgspec import Struct

# The five kinds of statements but define, and the denials of admit and endorse.
Effect = Literal["allow", "deny", "admit", "endorse", "deny admit", "deny endorse"]
SubjectKind = Literal["group", "dynamic-group", "any-user", "any-group", "service", "resource"]
Scope = Literal["tenancy", "compartment", "any-tenancy"]
Symbol = Literal["tenancy", "group", "dynamic-group", "compartment"]
Operator = Literal["=", "!=", "in", "not in", "before", "after", "between"]
# From the least to the most: each verb includes the ones before it.
VERBS = ("inspect", "read", "use", "manage")


class SyntaxNode(Struct, frozen=True):
    """A node with a position, which is no part of what it says: neither compared nor shown."""

    content: ClassVar[tuple[str, ...]] = ()  # the fields that are compared
    _get: ClassVar[attrgetter[Any]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.content = tuple(name for name in cls.__annotations__ if name not in ("column", "action_column"))
        cls._get = attrgetter(*cls.content)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and bool(self._get(self) == self._get(other))

    def __hash__(self) -> int:
        return hash(self._get(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.content)})"


class Word(SyntaxNode, frozen=True):
    """A resource type (lower case) or a permission (upper case)."""

    text: str
    column: int = 0


class Name(SyntaxNode, frozen=True):
    """A name without its quotes. ``domain`` is the identity domain, or for a resource subject its service."""

    text: str  # without quotes, in the case as written
    domain: str | None = None
    column: int = 0


class Ocid(SyntaxNode, frozen=True):
    """An OCID in the place of a name (``id ocid1…``)."""

    text: str
    column: int = 0


class Subject(SyntaxNode, frozen=True):
    """Who. ``members`` is empty for any-user and any-group."""

    kind: SubjectKind
    members: tuple[Name | Ocid, ...] = ()
    column: int = 0


class Location(SyntaxNode, frozen=True):
    """Where. A compartment has a ``path`` of names or an ``id``; ``tenancy`` names a foreign tenancy.

    ``placeholder``: in a template, a placeholder that stands for the whole place.
    """

    scope: Scope  # any-tenancy occurs in endorse and admit only
    path: tuple[str, ...] = ()  # names from the policy's compartment downward
    id: str | None = None  # OCID in place of a path
    tenancy: str | None = None
    column: int = 0
    placeholder: str | None = None

    @property
    def foreign(self) -> bool:
        """Whether this place lies in a tenancy other than the policy's own."""
        return self.tenancy is not None or self.scope == "any-tenancy"


class Association(Struct, frozen=True):
    """The second half of ``associate X in A with Y in B``."""

    resource: Word
    location: Location


class ConditionVariable(SyntaxNode, frozen=True):
    """A dotted variable: ``request.principal.id``."""

    text: str
    column: int = 0


class QuotedValue(SyntaxNode, frozen=True):
    """A quoted value, without its quotes and escapes."""

    text: str
    column: int = 0


class Pattern(SyntaxNode, frozen=True):
    """What stands between the slashes of ``/name*/``."""

    text: str
    column: int = 0


Operand: TypeAlias = QuotedValue | Pattern | ConditionVariable


class Comparison(Struct, frozen=True):
    """``left operator right``; ``in`` takes any number of operands, ``between`` two, the others one."""

    left: ConditionVariable
    operator: Operator
    right: tuple[Operand, ...]


class Presence(Struct, frozen=True):
    """A variable alone, or ``not`` and a variable: whether the request carries it."""

    variable: ConditionVariable
    negated: bool = False


class FunctionCall(SyntaxNode, frozen=True):
    """``sets-intersect(a, ('x', 'y'))``: a set function over variables and lists of values."""

    function: str
    arguments: tuple[Operand | tuple[Operand, ...], ...]
    column: int = 0


class ConditionGroup(SyntaxNode, frozen=True):
    """``all {…}`` or ``any {…}``."""

    mode: Literal["all", "any"]
    items: tuple[Condition, ...]
    column: int = 0


Condition: TypeAlias = Comparison | Presence | FunctionCall | ConditionGroup


class Grant(SyntaxNode, frozen=True):
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
    column: int = 1
    action_column: int = 0  # where the verb or the braces begin


class Definition(SyntaxNode, frozen=True):
    """``define group Name as ocid1…``: a name for something of another tenancy."""

    symbol: Symbol  # what the name stands for
    name: Name
    id: str  # OCID
    column: int = 1


Statement: TypeAlias = Grant | Definition
