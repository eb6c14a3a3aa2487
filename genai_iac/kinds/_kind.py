"""What every kind says of itself: its schema, how a document becomes a resource, and the calls that bring live to desired."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from genai_iac.errors import Problem
from genai_iac.model import Action, Call, Document, LiveResource, Loss, Reference, Resource, Stack, Value

Same = Callable[[Value, Any], bool]


@dataclass(frozen=True, slots=True)
class Listing:
    """The one list call that shows every resource of a kind in a compartment (and region)."""

    operation: str
    reach: Literal["tenancy", "compartment", "compartment and region"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a kind may look at when it compares: the tenancy's clock, and whether a desired value equals a live one."""

    now: datetime
    same: Same  # values: references are resolved as far as they can be
    same_statements: Callable[[Value, Any, Value], bool]  # desired statements, live ones, the policy's compartment
    undelivered: frozenset[str] = frozenset()  # names of live secrets that no sink holds
    idle_since: Callable[[LiveResource, str], bool] = field(default=lambda live, secret: True)


@dataclass(frozen=True, slots=True)
class Step:
    """What has to be done to one resource: the actions, their calls, and why."""

    actions: tuple[Action, ...]
    calls: tuple[Call, ...]
    reasons: tuple[str, ...]
    losses: tuple[Loss, ...] = ()
    deliver: tuple[str, ...] = ()


class Kind(ABC):
    """One kind of resource. A file in this folder with a `KIND` puts it on the shelf."""

    name: ClassVar[str]
    schema: ClassVar[Mapping[str, Any]]  # JSON Schema of `spec`, without `tags` and `deletion`, which all kinds have
    statement_fields: ClassVar[tuple[str, ...]] = ()  # lists in spec whose strings are policy statements
    listing: ClassVar[Listing]
    rank: ClassVar[int]  # 0 is innermost: what is removed first when nothing else orders it

    @abstractmethod
    def check(self, document: Document) -> Iterable[Problem]:
        """What the schema cannot say. Offline."""

    @abstractmethod
    def desired(self, document: Document, stack: Stack) -> Resource:
        """The resource that a checked document declares."""

    @abstractmethod
    def live(self, item: Mapping[str, Any], region: str | None) -> LiveResource:
        """What one item of the list call shows."""

    @abstractmethod
    def create(self, desired: Resource) -> Step:
        """The calls that make it."""

    @abstractmethod
    def change(self, desired: Resource, live: LiveResource, facts: Facts) -> Step | None:
        """The calls that bring live to desired; None when it is. Raises PlanError when no call can."""

    @abstractmethod
    def remove(self, live: LiveResource) -> Step:
        """The calls that delete it."""

    def uses(self, desired: Resource) -> Iterable[Reference]:
        """References beyond those inside the attributes."""
        del desired
        return ()
