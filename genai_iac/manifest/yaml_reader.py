"""A strict YAML reader over the parser's events: a tree of JSON-shaped data with positions, or problems with positions.

Nothing is composed by the YAML library: its C composer crashes on deep nesting, and both of its composers expand aliases, merge keys and
tags and let the last of two equal keys win. Limits are checked event by event, before anything is built.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import yaml
from msgspec import Struct
from yaml.events import DocumentEndEvent, DocumentStartEvent
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from genai_iac.core import Source
from genai_iac.core.errors import Problem
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.yaml_composer import Composer, LimitExceeded, is_nesting_limit, translate_parser_error
from genai_iac.manifest.yaml_nodes import Scalar, Written

_SIGN = re.compile(r"[\t#]")


def find_extra_tab(text: str, quoted: Sequence[tuple[int, int]]) -> int | None:
    """The index of the first tab outside comments and outside the `quoted` spans (in order, not overlapping), or None.

    libyaml accepts tabs between tokens that other readers refuse.

    Args:
        text: of the whole file.
    """
    starts = [start for start, _ in quoted]

    def is_quoted(index: int) -> bool:
        span = bisect_right(starts, index) - 1
        return span >= 0 and index < quoted[span][1]

    here = 0
    while sign := _SIGN.search(text, here):
        index = here = sign.start()
        here += 1
        if is_quoted(index):
            continue
        if sign[0] == "\t":
            return index
        if index == 0 or text[index - 1].isspace():
            here = text.find("\n", index) + 1 or len(text)
    return None


_COMPLAINTS = (yaml.YAMLError, ValueError, OverflowError)  # the last two: chr() in the Python parser, on wrong escapes
_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)


class _Position(Struct):
    """What the parser notes before and after each token: PyYAML's own keeps the text too, and takes three times as long to make."""

    index: int
    line: int
    column: int
    name: str = ""


class PythonParser(Reader, Scanner, Parser):
    """The parser that is always there. It refuses a little that libyaml takes, such as `?` inside unquoted text in brackets."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def get_mark(self) -> Any:
        """Where it is."""
        return _Position(self.index, self.line, self.column)

    def forward(self, length: int = 1) -> None:
        """Go on by so many characters: at once where none of them begins a line or has no width."""
        piece = self.buffer[self.pointer : self.pointer + length]
        if not piece.isprintable():
            super().forward(length)
            return
        self.index += length
        self.pointer += length
        self.column += length


def _fastest() -> Callable[[str], Any]:
    if not yaml.__with_libyaml__:
        return PythonParser
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    return CParser


class Reading(NamedTuple):
    """What a file holds. It is complete when no document was lost to a mistake."""

    documents: tuple[Written, ...]  # those that are not empty
    problems: tuple[Problem, ...]
    complete: bool


def read_yaml(text: str, file: str, parser: Callable[[str], Any] | None = None) -> Reading:
    """Every document of a file that is not empty. After a mistake it goes on at the next `---`, so that all problems are found at once.

    Args:
        text: decoded.
        file: as messages call it.
        parser: None takes libyaml where it is installed.
    """
    run = _Run(text, file, parser or _fastest())
    begin: int | None = 0
    while begin is not None:
        begin = run.read_from(begin)
    run.check_tabs()
    return Reading(tuple(run.documents), tuple(run.notes.problems), run.complete)


class _Run:
    """One reading of one file."""

    def __init__(self, text: str, file: str, parser: Callable[[str], Any]) -> None:
        self.text, self.parser, self.notes = text, parser, FileDiagnostics(file)
        self.documents: list[Written] = []
        self.complete = True
        self.composed = 0
        self.unread = (
            0,
            0,
            0,
        )  # where the documents that were read end, how many problems there were then, how many documents
        self.quoted: list[tuple[int, int]] = []

    def read_from(self, start: int) -> int | None:
        """Read documents from that character on; where to begin again after a mistake, or None at the end."""
        line = self.text.count("\n", 0, start)
        begun = start
        self._mark_read(start)
        try:
            next_event = self.parser(self.text[start:]).get_event
            composer = Composer(next_event, self.notes, start, line, self.composed)
            while (event := next_event()) is not None:
                if isinstance(event, DocumentStartEvent):
                    begun = start + _index(event)
                    self._read_document(composer, event, next_event)
                elif isinstance(event, DocumentEndEvent):
                    self._mark_read(start + _end(event))
        except LimitExceeded:
            self.complete = False
        except _COMPLAINTS as error:
            self.complete = False
            if is_nesting_limit(str(getattr(error, "problem", None) or "")):
                self._note_depth(error, start)
                return None
            # Reading goes on at the next document behind the mistake.
            wrong = self._note_complaint(error, start, line)
            return self._find_document(max(begun + 3, wrong))
        return None

    def _mark_read(self, end: int) -> None:
        self.unread = (end, len(self.notes), len(self.documents))

    def check_tabs(self) -> None:
        """Note the first tab between tokens. After a mistake it cannot be known what is quoted."""
        if self.complete and "\t" in self.text and (index := find_extra_tab(self.text, self.quoted)) is not None:
            line, column = self.text.count("\n", 0, index) + 1, index - self.text.rfind("\n", 0, index)
            self.notes.add(Source(self.notes.file, line, column), *translate_parser_error("tab character"))

    def _note_depth(self, error: Any, start: int) -> None:
        """Note where a document passes our nesting limit, after the parser stopped at a limit of its own.

        libyaml reads up to 1,024 characters ahead of its events, and since PyYAML 6.0.4 it gives up 1,000 levels deep: with
        brackets on one line it complains before our limit has seen an event. The document is read again up to that
        place, where the parser has nothing to complain of before our limit is reached.
        """
        begun, noted, read = self.unread
        del self.notes.problems[noted:]  # they are found again
        next_event = self.parser(self.text[begun : start + error.problem_mark.index]).get_event
        composer = Composer(next_event, self.notes, begun, self.text.count("\n", 0, begun), self.composed)
        try:
            while (event := next_event()) is not None:
                if isinstance(event, DocumentStartEvent):
                    self._read_document(composer, event, next_event)
        except LimitExceeded:
            return
        except _COMPLAINTS:
            pass  # of the end that was cut off: this parser's limit is lower than ours
        del self.documents[read:]
        self._note_complaint(error, start, self.text.count("\n", 0, start))

    def _read_document(self, composer: Composer, start: Any, next_event: Callable[[], Any]) -> None:
        noted, left_out = len(self.notes), composer.left_out
        if start.version or start.tags:
            composer.note(start, "directives (%) are not used in manifests", "remove it")
        root = composer.compose(next_event())
        self.composed = composer.composed
        self.quoted.extend(composer.quoted)
        composer.quoted.clear()
        if not (isinstance(root, Scalar) and root.value is None):
            sound, whole = len(self.notes) == noted, composer.left_out == left_out
            self.documents.append(Written(self.notes.file, self.text, root, sound, whole))

    def _note_complaint(self, error: Exception, start: int, line: int) -> int:
        """Say what the parser complains of; the index of the first character of that line."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = str(getattr(error, "problem", None) or error)
        if mark is not None and self.text[start + mark.index : start + mark.index + 1] == "\t":
            problem = "tab character"  # libyaml does not say which character it means
        message, hint = translate_parser_error(problem)
        if mark is None:
            self.notes.add(Source(self.notes.file, line + 1, 1), message, hint)
            return start
        self.notes.add(Source(self.notes.file, line + mark.line + 1, mark.column + 1), message, hint)
        return int(start + mark.index - mark.column)

    def _find_document(self, after: int) -> int | None:
        found = _DOCUMENT.search(self.text, after)
        return found.start() if found and not self.notes.full else None


def _end(event: Any) -> int:
    return int(event.end_mark.index)


def _index(event: Any) -> int:
    return int(event.start_mark.index)
