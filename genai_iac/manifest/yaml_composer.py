"""From the YAML parser's events to nodes, and the parser's complaints as problems.

What manifests do not use (aliases, tags, merge keys) becomes a problem. libyaml and the Python parser word their complaints differently,
and both quote the file, so each is said in words of our own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from genai_iac.core import Source
from genai_iac.core.errors import show
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.files import STDIN, UNTRUSTED, name_character
from genai_iac.manifest.yaml_nodes import MAYBE_SPECIAL, ListNode, MapNode, Node, Plain, Scalar, read_plain

TOO_DEEP = ("lists and mappings are nested more than 32 deep", "write it flatter")
# Parts of the parsers' messages, in lower case; the first match wins.
_WORDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("tab character", "'\\t'"), "a tab where YAML wants spaces", "indent with spaces"),
    (("cannot start any token",), "a value cannot begin with this character", "put quotes around the value"),
    (
        ("expected ',' or",),
        "this list or mapping in brackets is not closed, or a comma is missing",
        "close it, or put quotes around values with , : ? [ ] { }",
    ),
    (("unclosed",), "a bracket is not closed", "close it"),
    (("find expected ':'",), "a key without its colon", "write key: value"),
    (
        ("mapping values are not allowed", "found unexpected ':'"),
        "a colon that begins no value here",
        "put quotes around text with a colon in it",
    ),
    (
        ("mapping keys are not allowed", "sequence entries are not allowed"),
        "this does not fit the lines before it",
        "check the indentation",
    ),
    (
        ("expected <block end>", "expected key", "expected '-' indicator"),
        "this does not fit the lines before it",
        "check the indentation",
    ),
    (("<document start>",), "text after the end of a document", "begin the next document with ---"),
    (("end of stream",), "the file ends inside a quoted text", "close the quotes"),
    (("document separator", "document indicator"), "a document ends inside a quoted text", "close the quotes"),
    (
        ("escape", "hexdecimal", "hexadecimal"),
        "an escape that YAML does not know",
        "use single quotes, or double the backslash",
    ),
    (
        ("chomping", "indentation indicator", "comment or a line break", "comment or line break"),
        "a block text (| or >) with something else on its first line",
        "begin the text on the next line",
    ),
    (("tag", "'!'", "uri"), "a tag (!) that cannot be read", "remove it"),
    (("directive", "version", "%"), "a directive (%) that cannot be read", "remove it"),
    (("node content",), "a value is missing here", "write one, or put quotes around the text"),
    (
        ("alphabetic or numeric",),
        "an anchor or alias (& or *) that cannot be read",
        "put quotes around text that begins with & or *",
    ),
)


def is_nesting_limit(problem: str) -> bool:
    """Whether the parser refuses how deep lists and mappings are nested (libyaml since PyYAML 6.0.4).

    Args:
        problem: the parser's message.
    """
    return "nesting" in problem.lower()


def translate_parser_error(problem: str) -> tuple[str, str]:
    """What is wrong and what to do, for a parser's complaint.

    Parsers quote the file in their messages, and a file may hold a value, so their text is
    never shown.
    """
    complaint = problem.lower()
    if is_nesting_limit(problem):
        return TOO_DEEP
    for signs, message, hint in _WORDS:
        if any(sign in complaint for sign in signs):
            return message, hint
    return "this is not YAML", "check the indentation and the quotes"


MAX_DEPTH = 32  # deeper than any manifest; Python's recursion is far away
MAX_NODES = 100_000  # of one file
MAX_NODES_STDIN = 2_000_000  # about what 32 MiB of manifests hold
MAX_SCALAR = 64 * 1024  # characters

_CORE = "tag:yaml.org,2002:"
_STRING_TAG = f"{_CORE}str"
_TAG_OF = {SequenceStartEvent: f"{_CORE}seq", MappingStartEvent: f"{_CORE}map"}
_TAG_OF_PLAIN = {int: f"{_CORE}int", float: f"{_CORE}float", bool: f"{_CORE}bool", type(None): f"{_CORE}null"}
_QUOTING = frozenset("'\"|>")


class LimitExceeded(Exception):
    """Nothing more of this file is read."""


class Composer:
    """Composes the documents of one parse. `start` and `line` say where in the file the parse began.

    Args:
        next_event: of the YAML parser.
        notes: gets the problems.
        composed: nodes of earlier documents of the file, for the limit.
    """

    def __init__(
        self, next_event: Callable[[], Any], notes: FileDiagnostics, start: int, line: int, composed: int
    ) -> None:
        self._next, self._notes, self._start, self._line = next_event, notes, start, line
        self._most = MAX_NODES_STDIN if notes.file == STDIN else MAX_NODES
        self.composed = composed  # nodes of the file so far
        self.quoted: list[tuple[int, int]] = []  # spans in which a tab is text
        self.left_out = 0  # values and keys that could not be read

    def compose(self, event: Any, depth: int = 1) -> Node:
        """The node that begins with this event. Raises LimitExceeded, and whatever the parser raises.

        Args:
            event: the first event of the node.
            depth: of nesting.
        """
        self.composed += 1
        if self.composed > self._most:
            self._refuse_size(event)
        kind = type(event)
        # Aliases make a document that is small as text and huge as data; manifests do not need
        # them.
        if kind is AliasEvent:
            self._leave_out(event, "aliases (*) are not used in manifests", "write the value out")
            return _at(event, self._start, self._line, None)
        if event.anchor is not None:
            self.note(
                event, "anchors (&) are not used in manifests", "remove it, and write values out where they are needed"
            )
        if kind is ScalarEvent:
            return _at(event, self._start, self._line, self._read_value(event))
        return self._read_collection(event, depth)

    def note(self, event: Any, message: str, hint: str) -> None:
        """Note a problem where the event begins. Raises LimitExceeded when nobody would read another one."""
        mark = event.start_mark
        self._notes.add(Source(self._notes.file, self._line + mark.line + 1, mark.column + 1), message, hint)
        if self._notes.full:
            raise LimitExceeded

    def _leave_out(self, event: Any, message: str, hint: str) -> None:
        self.left_out += 1
        self.note(event, message, hint)

    def _refuse_size(self, event: Any) -> None:
        if self._most == MAX_NODES:
            self._refuse(event, "the file has more than 100,000 values", "split it")
        self._refuse(event, "standard input has more than 2,000,000 values", "give fewer manifests")

    def _refuse(self, event: Any, message: str, hint: str) -> None:
        self.note(event, message, hint)
        raise LimitExceeded

    def _read_collection(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self._refuse(event, *TOO_DEEP)
        if event.tag not in (None, _TAG_OF[type(event)]):
            self._note_tag(event)
        return self._read_list(event, depth) if type(event) is SequenceStartEvent else self._read_map(event, depth)

    def _read_list(self, start: Any, depth: int) -> ListNode:
        items: list[Node] = []
        while type(event := self._next()) is not SequenceEndEvent:
            items.append(self.compose(event, depth + 1))
        mark = start.start_mark
        return ListNode(tuple(items), self._line + mark.line + 1, mark.column + 1)

    def _read_map(self, start: Any, depth: int) -> MapNode:
        """Keys and values. A key that comes twice is a problem: YAML readers differ in which one wins."""
        entries: dict[str, tuple[Scalar, Node]] = {}
        while type(event := self._next()) is not MappingEndEvent:
            key = self._read_key(event, depth)
            value = self.compose(self._next(), depth + 1)
            if key is None:
                continue
            if isinstance(value, Scalar) and value.start == value.end:
                value = Scalar(
                    value.value, key.line, key.column, value.start, value.end
                )  # nothing is there to point at
            name = str(key.value)
            if name in entries:
                first = entries[name][0].line
                self.note(event, f"the key {show(name)} is written twice; first in line {first}", "keep one of the two")
            else:
                entries[name] = (key, value)
        mark = start.start_mark
        return MapNode(entries, self._line + mark.line + 1, mark.column + 1)

    def _read_key(self, event: Any, depth: int) -> Scalar | None:
        """A key; None, with a problem, when it cannot be used."""
        key = self.compose(event, depth + 1)
        if type(event) is AliasEvent:
            return None
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            self._leave_out(event, "a key must be a string", "put quotes around it")
            return None
        if key.value == "<<":
            self._leave_out(event, "merge keys (<<) are not used in manifests", "write the keys out")
            return None
        return key

    def _read_value(self, event: Any) -> Plain:
        """The value of a scalar by YAML 1.2's core schema: `yes` and `on` are strings."""
        text: str = event.value
        if len(text) > MAX_SCALAR:
            self._leave_out(event, "a text of more than 65,536 characters", "no field takes that much")
            return None
        if event.tag is not None:
            return self._read_tagged(event)
        if event.implicit[0]:
            return self._resolve(event) if text[:1] in MAYBE_SPECIAL else text
        self._check_quoted(event)
        return text

    def _read_tagged(self, event: Any) -> Plain:
        if event.tag == _STRING_TAG:
            self._check_quoted(event)
            return str(event.value)
        value = self._resolve(event)
        if event.tag != _TAG_OF_PLAIN.get(type(value)):
            self._note_tag(event)
        return value

    def _check_quoted(self, event: Any) -> None:
        """Remember the span of a quoted text, and refuse escapes for invisible characters."""
        if event.style in _QUOTING:
            self.quoted.append((self._start + event.start_mark.index, self._start + event.end_mark.index))
        if event.style == '"' and (found := UNTRUSTED.search(event.value)):
            character = name_character(found[0])
            self.note(event, f"an escape that stands for the invisible character {character}", "remove it")

    def _resolve(self, event: Any) -> Plain:
        try:
            return read_plain(event.value)
        except ValueError as error:
            self._leave_out(event, str(error), "put quotes around it if it is meant as text")
            return None

    def _note_tag(self, event: Any) -> None:
        self._leave_out(event, "tags (!) are not used in manifests, but for !!str", "remove it")


def _at(event: Any, start: int, line: int, value: Plain) -> Scalar:
    """The value with its place: `start` and `line` say where in the file the parse began."""
    mark = event.start_mark
    return Scalar(value, line + mark.line + 1, mark.column + 1, start + mark.index, start + event.end_mark.index)
