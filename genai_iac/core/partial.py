"""Data of which a part could not be read: it can be looked at like any other, and says so where somebody needs the part that is missing.

With it each check runs on what can be read, and only what truly depends on an earlier error waits for that one to be fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

from genai_iac.core.resource import Path

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
