"""A YAML document after it was read: JSON-shaped data in which every part still knows where it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from genai_iac.core import Path, Source

Plain: TypeAlias = str | int | float | bool | None


class Scalar(NamedTuple):
    """One value. `start` and `end` are the characters of the file that it was read from; line and column count from 1."""

    value: Plain
    line: int
    column: int
    start: int
    end: int


class ListNode(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int


class MapNode(NamedTuple):
    """A mapping; each key with the place where it was written."""

    entries: dict[str, tuple[Scalar, Node]]  # key to the key's own node and the value's node
    line: int
    column: int


Node: TypeAlias = Scalar | ListNode | MapNode


class Written(NamedTuple):
    """One document of a file. Sound: nothing is wrong with it as YAML. Whole: nothing was left out of it, so that it can be judged."""

    file: str  # as messages call it
    text: str  # of the whole file
    root: Node
    sound: bool
    whole: bool

    def place(self, node: Node) -> Source:
        """Where that part of it was written."""
        return Source(self.file, node.line, node.column)


def to_data(node: Node) -> Any:
    """The plain data, without the places."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, ListNode):
        return [to_data(item) for item in node.items]
    return {key: to_data(value) for key, (_, value) in node.entries.items()}


class Places(Mapping[Path, Source]):
    """Where each part of a document was written, by path, and by path plus `"~key"` for the key itself. Looked up when asked.

    A dict of all paths would cost as much as reading the file; most positions are never
    asked for.
    """

    def __init__(self, written: Written) -> None:
        self._written = written

    def __getitem__(self, path: Path) -> Source:
        node, key = self._written.root, None
        for index, step in enumerate(path):
            if step == "~key" and index == len(path) - 1 and key is not None:
                return self._written.place(key)
            key, node = _descend(node, step, path)
        return self._written.place(node)

    def nearest(self, *path: str | int) -> Source:
        """Where that part was written; the nearest enclosing part when it was not.

        The root always has a position, so this never fails.
        """
        while True:
            try:
                return self[path]
            except KeyError:
                path = path[:-1]

    def __iter__(self) -> Iterator[Path]:
        return _walk(self._written.root, ())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _descend(node: Node, step: str | int, path: Path) -> tuple[Scalar | None, Node]:
    if isinstance(node, MapNode) and step in node.entries:
        return node.entries[str(step)]
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return None, node.items[step]
    raise KeyError(path)


def _walk(node: Node, path: Path) -> Iterator[Path]:
    yield path
    if isinstance(node, MapNode):
        for key, (_, value) in node.entries.items():
            yield (*path, key, "~key")
            yield from _walk(value, (*path, key))
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from _walk(item, (*path, index))
