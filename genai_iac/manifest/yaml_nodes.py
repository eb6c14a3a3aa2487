"""A YAML document after it was read: JSON-shaped data in which every part has its position in the file.

Also what a scalar means (YAML 1.2's core schema), and free-form tags, whose limits leave room for the ownership tag.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from genai_iac.core import Document, Path, Source
from genai_iac.core.errors import show
from genai_iac.core.ownership import CONTENTS_TAG, OWNERSHIP_TAG
from genai_iac.manifest.diagnostics import FileDiagnostics

Plain: TypeAlias = str | int | float | bool | None


class Scalar(Struct, frozen=True):
    """One value. `start` and `end` are the characters of the file that it was read from; line and column count from 1."""

    value: Plain
    line: int
    column: int
    start: int
    end: int


class ListNode(Struct, frozen=True):
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int


class MapNode(Struct, frozen=True):
    """A mapping; each key with the place where it was written."""

    entries: dict[str, tuple[Scalar, Node]]  # key to the key's own node and the value's node
    line: int
    column: int


Node: TypeAlias = Scalar | ListNode | MapNode


class Written(Struct, frozen=True, eq=False):
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


# YAML 1.2's core schema. `yes`, `no`, `on` and `off` are strings, so a tag `no: Norway`
# stays one.
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("-+.0123456789")
MAYBE_SPECIAL = _NUMBER_STARTS | {word[:1] for word in _WORDS}  # what begins otherwise is a string
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LARGEST = 2**63 - 1


def read_plain(text: str) -> Plain:
    """The value of an unquoted scalar. Raises ValueError for a number that JSON has not or that needs more than 64 bits.

    Args:
        text: without quotes.
    """
    if text in _WORDS:
        return _WORDS[text]
    return _read_number(text) if text[0] in _NUMBER_STARTS else text


def _read_number(text: str) -> Plain:
    if _INTEGER.fullmatch(text):
        return _within(text, 10)
    if _BASED.fullmatch(text):
        return _within(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            return number
        raise ValueError("a number that is too large")
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("infinity and not-a-number are not values here")
    return text


def _within(text: str, base: int) -> int:
    """An integer of at most 64 bits."""
    if len(text) <= 24:  # int() on thousands of digits is slow, and Python refuses it
        number = int(text, base)
        if -_LARGEST - 1 <= number <= _LARGEST:
            return number
    raise ValueError("a number that needs more than 64 bits")


MOST = 9  # OCI takes ten; one is the ownership tag
MOST_BYTES = 4_700  # OCI takes 5 KB of JSON; the rest is for the ownership tag


def merge_tags(shared: Mapping[str, Any], document: Document, notes: FileDiagnostics) -> Mapping[str, Any]:
    """The tags of a resource; what OCI would not take is noted.

    Args:
        shared: the Stack's tags.
        document: whose own tags win.
    """
    tags = {**shared, **document.spec.get("tags", {})}
    check_tags(document, tags, notes)
    return tags


def check_tags(document: Document, tags: Mapping[str, Any], notes: FileDiagnostics) -> None:
    """Note tags that are too many, too long together, or ours alone.

    Args:
        tags: merged.
    """
    for own, what in ((OWNERSHIP_TAG, "is the ownership tag"), (CONTENTS_TAG, "records what is in a compartment")):
        if own in tags:
            place = document.place("spec", "tags", own, "~key")
            notes.add(place, f"the tag {own} {what}, which only this tool writes", "remove it")
    if len(tags) > MOST:
        message = f"{len(tags)} tags, those of the Stack included; OCI allows ten, one of which is the ownership tag"
        notes.add(document.place("spec", "tags"), message, f"keep {MOST}")
    elif sum(len(f"{key}{value}".encode()) + 6 for key, value in tags.items()) > MOST_BYTES:
        longest = max(tags, key=lambda key: len(str(tags[key])))
        notes.add(
            document.place("spec", "tags"),
            "the tags are longer together than the 5 KB that OCI takes",
            f"shorten {show(longest)}",
        )
