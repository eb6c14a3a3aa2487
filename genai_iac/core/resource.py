"""Resources: what manifests declare (desired) and what the tenancy has (live).

Data of which a part could not be read is a `PartialMapping` or `PartialList`: what was read can be used, and a check that
needs a missing part waits for that error to be fixed. So one run reports all problems.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Literal, TypeVar

from msgspec import Struct, field

from genai_iac.core.address import Address, Source
from genai_iac.core.values import Value

Path = tuple[str | int, ...]  # keys and indices from the document's root to a value


class Document(Struct, frozen=True):
    """One `kind` with its `metadata.name` and `spec`. Strings with references are `Text`; everything else is plain data.

    `places` says where each value (and, under the path plus `"~key"`, each key) was written; paths start at the
    document: `("spec", "secrets", 0)`.
    """

    kind: str  # as written; the schema has checked that it is known
    name: str
    spec: Mapping[str, Any]  # checked by the kind's schema, variables filled in
    source: Source  # position of the document
    places: Mapping[Path, Source]

    @property
    def address(self) -> Address:
        """The address of the resource that this document declares."""
        return Address(self.kind, self.name)

    def place(self, *path: str | int) -> Source:
        """Where that part was written; the nearest enclosing part when it was not.

        Args:
            path: keys and indices, starting at the document: `"spec", "secrets", 0`.
        """
        while path:
            found = self.places.get(path)
            if found is not None:
                return found
            path = path[:-1]
        return self.places.get((), self.source)


# `spec.deletion`: delete it, keep it and remove the tag, or refuse a plan that deletes
# it.
Deletion = Literal["delete", "retain", "forbid"]
# keyState of the Generative AI API, in its spelling
State = Literal["ACTIVE", "INACTIVE", "REVOKED", "EXPIRED", "DELETED"]
_PROOF = timedelta(minutes=10)  # our own verification call comes within this time of creation or renewal


class Stack(Struct, frozen=True):
    """The one Stack of a path after variables and the chosen environment: what every resource of it shares."""

    name: str  # metadata.name
    environment: str | None  # None when no environment is chosen
    region: str  # where API keys and projects are created unless they name a region
    tenancy: str | None  # the pin: any other live tenancy is refused
    tags: Mapping[str, str]  # free-form tags that every resource gets
    profile: str | None  # the environment's OCI profile
    root: str  # the directory that relative sink paths start from
    source: Source
    id: str | None = None  # a stack of another id is another one, whatever its name
    pin: Source | None = None  # where `tenancy` is written: the Stack, or the environment's file

    @property
    def owner(self) -> str:
        """What the ownership tag of each of its resources begins with: `stack` or `stack@environment`."""
        return f"{self.name}@{self.environment}" if self.environment else self.name


class Resource(Struct, frozen=True):
    """What a manifest declares. `attributes` uses the API's field names and may hold values not known yet.

    Made by the resource type's `read` from a `Document`, with all defaults filled in.
    """

    address: Address  # its name in plans and in other manifests
    attributes: Mapping[str, Value]
    source: Source  # position of the document, for messages
    deletion: Deletion = "delete"  # what a plan does once no manifest declares it
    region: str | None = None  # None: the home region
    settings: Mapping[str, Any] = field(default_factory=dict)  # what is ours alone and never sent: sinks, rotation
    places: Mapping[str, Source] = field(default_factory=dict)  # where each spec path was written, for messages
    previous_names: tuple[str, ...] = ()  # metadata.previousNames: names it had in manifests before

    @property
    def previous(self) -> tuple[Address, ...]:
        """The addresses it had before.

        Source: metadata.previousNames. The kind never changes in a rename.
        """
        return tuple(Address(self.address.kind, name) for name in self.previous_names)


class OwnershipMark(Struct, frozen=True):
    """The ownership tag as read from a live resource: whose it is, and a digest that a copy on another resource does not match."""

    owner: str  # `stack` or `stack@environment`
    address: Address
    digest: str  # 12 or 16 hex digits; `core/ownership.py` computes and compares it
    deletion: Deletion = "delete"  # what is to happen once no manifest declares it
    sealed: bool = False  # bound to the resource's own OCID, not to its creation
    names: str = ""  # on a policy: a digest of what its names came to when it was written
    stack_id: str = ""  # a digest of the Stack's id, when it has one
    origin: str = ""  # when and by which run it was created; empty in the first form of the tag
    former: Address | None = None  # what the tag says, when previousNames gave the resource another address since

    @property
    def bound_to_place(self) -> bool:
        """Whether it is of the first form, which knows only the compartment that the resource was made in."""
        return not self.sealed and not self.origin


class LiveSecret(Struct, frozen=True):
    """One of the two named secrets of a live API key, as a list call shows it. Times are aware UTC.

    Source: `ApiKeyItem` of the Generative AI API 20231130.
    """

    name: str  # keyName
    state: State  # as listed; a value can also be past its expiry and still be listed as ACTIVE
    mask: str  # keyMask: the first and last characters of the value
    created: datetime | None  # of the value: creation or the last renewal
    expires: datetime | None
    last_used: datetime | None  # None: never, as far as OCI knows

    @property
    def has_callers(self) -> bool:
        """Whether others than the run that created or renewed it have used it.

        A verification call sets the time of last use as well, so a use within ten minutes of
        the renewal is taken for ours.
        """
        if self.last_used is None:
            return False
        return self.created is None or self.last_used - self.created > _PROOF


class LiveResource(Struct, frozen=True):
    """What the tenancy holds. `attributes` has the same names as `Resource.attributes` and holds plain data only."""

    kind: str
    id: str  # OCID
    attributes: Mapping[str, Any]
    compartment: str  # OCID of the compartment it is in (a compartment's parent)
    name: str
    region: str | None  # None: the home region
    lifecycle: str  # lifecycleState: ACTIVE, CREATING, DELETING, ...
    tags: Mapping[str, str]  # all free-form tags, ours included
    created: datetime | None
    mark: OwnershipMark | None = None  # read from its tag; None without one
    secrets: tuple[LiveSecret, ...] = ()  # of an API key; empty for other kinds

    @property
    def in_transition(self) -> bool:
        """Whether it is in a lifecycle state that ends by itself; OCI refuses changes until then."""
        return self.lifecycle in ("CREATING", "UPDATING")

    @property
    def age_order(self) -> tuple[float, str]:
        """Sorts resources by the service's own time of creation, the oldest first, so that two runs see the same order."""
        return (self.created.timestamp() if self.created else 0.0, self.id)

    def secret(self, name: str) -> LiveSecret | None:
        """The secret of that name, or None."""
        return next((secret for secret in self.secrets if secret.name == name), None)


T = TypeVar("T")  # what a check finds: a Problem or a Finding


class UnreadError(Exception):
    """What was asked for is what could not be read. Whoever asked waits until that is fixed.

    It never reaches a user: `run_checks` and `check_each` end the check that raised it.
    """


class _UnreadEntry:
    """Stands in a list for an entry that could not be read, so that the others keep their numbers."""


class PartialList(list[Any]):
    """A list with unread entries. Iterating over it stops at the first of them; its length is known.

    Raises:
        UnreadError: by access to an unread entry, by iteration when it gets there.
    """

    def __iter__(self) -> Iterator[Any]:
        return (_known(entry) for entry in super().__iter__())

    def __getitem__(self, index: Any) -> Any:
        return _known(super().__getitem__(index))


class PartialMapping(dict[str, Any]):
    """A mapping with unread values, or (`unsure`) with keys that nobody knows: what is absent may be what they mean.

    A plain dict subclass, so that code written for complete data works without change.

    Args:
        known: what could be read.
        unread: keys that are there and whose values could not be read.
        unsure: a key itself could not be read, so no absence is certain.

    Raises:
        UnreadError: by any question whose answer depends on what could not be read.
    """

    def __init__(self, known: Mapping[str, Any], unread: Collection[str], unsure: bool) -> None:
        super().__init__(known)
        self._unread, self._unsure = frozenset(unread), unsure

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise UnreadError  # a key that is needed and absent was told to be missing
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        there = super().__contains__(key)
        if not there and (self._unsure or key in self._unread):
            raise UnreadError
        return there

    def get(self, key: str, default: Any = None) -> Any:
        return super().__getitem__(key) if key in self else default

    def __iter__(self) -> Iterator[str]:
        if self._unread or self._unsure:
            raise UnreadError
        return super().__iter__()

    def __len__(self) -> int:
        return super().__len__() + len(self._unread)

    def keys(self) -> Any:
        return dict.fromkeys(self).keys()

    def items(self) -> Any:
        return {key: self[key] for key in self}.items()

    def values(self) -> Any:
        return {key: self[key] for key in self}.values()


def leave_out(value: Any, unread: Collection[Path], unsure: Collection[Path], path: Path = ()) -> Any:
    """That data without the values at the `unread` paths; `unsure` are the mappings with keys that nobody knows.

    Args:
        value: parsed YAML data.
        unread: paths of values to leave out; a path is a tuple of keys and indices.
        unsure: paths of mappings that have an unreadable key.
        path: where `value` is in the document.
    """
    if isinstance(value, Mapping):
        known = {key: item for key, item in value.items() if (*path, key) not in unread}
        inner = {key: leave_out(item, unread, unsure, (*path, key)) for key, item in known.items()}
        return PartialMapping(inner, value.keys() - known.keys(), path in unsure)
    if isinstance(value, list):
        entries = ((*path, index) for index in range(len(value)))
        return PartialList(
            _UnreadEntry() if place in unread else leave_out(item, unread, unsure, place)
            for place, item in zip(entries, value, strict=True)
        )
    return value


def check_each(entries: list[Any] | tuple[Any, ...], check: Callable[[int, Any], Iterable[T]]) -> Iterator[T]:
    """What that check finds in each entry of a list that can be read; an entry that cannot does not hold up the others.

    Args:
        check: called with the index and the entry.
    """
    for index in range(len(entries)):
        try:
            yield from check(index, entries[index])
        except UnreadError:
            continue


def run_checks(checks: Iterable[Iterable[T]]) -> Iterator[T]:
    """What the checks find; one that needs what could not be read ends there, and the others go on.

    Args:
        checks: generators; a check that was started keeps what it found before it ended.
    """
    return chain.from_iterable(map(_until_unread, checks))


def _until_unread(found: Iterable[T]) -> Iterator[T]:
    try:
        yield from found
    except UnreadError:
        return


def _known(entry: Any) -> Any:
    if isinstance(entry, _UnreadEntry):
        raise UnreadError
    return entry
