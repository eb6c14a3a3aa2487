"""Indentation, line by line, from the tokens of YAML: what is written in a line moves, what a value holds does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from msgspec import Struct, field
from yaml import tokens as tk

from genai_iac.manifest.yaml_reader import PythonParser

_STEP = 2  # spaces of a level
# `#` begins a comment only after white space or at the start of a line. Applied between
# tokens only, never inside a value.
_COMMENT = re.compile(r"(?:^|(?<=[\s]))#[^\n]*", re.MULTILINE)
# brackets of YAML's flow style; their content moves as a whole
_OPENING = (tk.FlowMappingStartToken, tk.FlowSequenceStartToken)
_CLOSING = (tk.FlowMappingEndToken, tk.FlowSequenceEndToken)


class FormattedLine(Struct):
    """One line of the file as it will be, and what it is."""

    text: str  # without a line feed
    # `inside`: a further line of a value, `end`: `...`
    what: Literal["content", "comment", "blank", "inside", "separator", "end"] = "content"
    key: str | None = None  # the key of the document that begins here
    old: int = 0  # where it began, counted from 0
    opens: bool = False  # it begins a document that has something in it


class _Frame(Struct):
    """A block collection: where its keys or dashes were and will be."""

    old: int  # column in the text
    new: int  # column in the result
    loose: bool = False  # a list whose dashes stand right below their key's first letter


class _Piece(Struct):
    """Where something begins in a line, and what stands before it: so many columns (the first), one space, none, or what there was."""

    column: int  # from 0
    before: int | Literal["one", "none", "kept"]


class _LineTable(Struct):
    """What the tokens say of the lines."""

    texts: list[str]  # lines of the file; all numbers below are indexes into it
    pieces: dict[int, list[_Piece]] = field(default_factory=dict)
    moved: dict[int, tuple[int, int]] = field(
        default_factory=dict
    )  # inside a value: by how much, and not further left than
    keys: dict[int, str] = field(default_factory=dict)  # top-level key that begins in the line
    separators: set[int] = field(default_factory=set)  # lines with `---`
    ends: set[int] = field(default_factory=set)  # lines with `...`


def format_lines(text: str, tokens: Iterable[Any] | None = None) -> list[FormattedLine]:
    """The lines, indented; `tokens` are the text's, when they were read already.

    Keys of documents and separators are marked; nothing is reordered yet.

    Args:
        text: with line feeds only.
        tokens: from `read_tokens`.
    """
    sheet = _LineTable(text.split("\n"))
    _TokenPass(sheet, text).read(read_tokens(text) if tokens is None else tokens)
    lines = [_make_line(sheet, number) for number in range(len(sheet.texts))]
    _place_comments(lines)
    return lines


def find_comments(text: str, tokens: Iterable[Any] | None = None) -> Iterator[str]:
    """Every comment, without the space around it; `tokens` are the text's, when they were read already."""
    here = 0
    for token in read_tokens(text) if tokens is None else tokens:
        yield from (found[0].strip() for found in _COMMENT.finditer(text[here : token.start_mark.index]))
        # Never backwards, or a comment would be found twice.
        here = max(here, token.end_mark.index)
    yield from (found[0].strip() for found in _COMMENT.finditer(text[here:]))


def read_tokens(text: str) -> list[Any]:
    """The tokens of YAML with the exact places that only the scanner in Python gives."""
    # The C parser of libyaml gives no exact columns.
    parser: Any = PythonParser(text)
    return list(
        iter(parser.get_token, None)
    )  # None behind the last; `check_token` before each would look for more again


class _TokenPass:
    """One pass over the tokens."""

    def __init__(self, sheet: _LineTable, text: str) -> None:
        self._sheet, self._text = sheet, text
        self._frames: list[_Frame] = []
        self._flow: list[Any] = []  # the brackets that are open
        self._last: Any = None

    def read(self, tokens: Iterable[Any]) -> None:
        for token in tokens:
            if isinstance(token, _CLOSING):
                self._close(token)
            elif isinstance(token, _OPENING):
                self._open(token)
            elif not self._flow:
                self._read_block(token)
            self._last = token

    def _read_block(self, token: Any) -> None:
        match token:
            case tk.BlockMappingStartToken() | tk.BlockSequenceStartToken():
                self._frames.append(_Frame(token.start_mark.column, self._inner))
            case tk.BlockEndToken():
                self._leave_loose()
                self._frames.pop()
            case tk.KeyToken():
                self._leave_loose()
                self._put(token, self._frames[-1].new)
            case tk.BlockEntryToken():
                self._enter_loose(token)
                self._put(token, self._frames[-1].new)
            case tk.ScalarToken():
                self._put(token, self._inner)
                self._read_scalar(token)
            case tk.ValueToken():
                self._put(token, self._inner)
            case tk.DocumentStartToken():
                self._sheet.separators.add(token.start_mark.line)
            case tk.DocumentEndToken():
                self._sheet.ends.add(token.start_mark.line)

    @property
    def _inner(self) -> int:
        """Where what is inside the innermost collection begins."""
        return self._frames[-1].new + _STEP if self._frames else 0

    def _enter_loose(self, token: Any) -> None:
        column = token.start_mark.column
        opened_here = isinstance(self._last, (tk.BlockSequenceStartToken, tk.BlockEndToken, tk.BlockEntryToken))
        top = self._frames[-1]
        if not top.loose and isinstance(self._last, tk.ValueToken) and not opened_here:
            self._frames.append(_Frame(column, self._inner, loose=True))

    def _leave_loose(self) -> None:
        if self._frames and self._frames[-1].loose:
            self._frames.pop()

    def _put(self, token: Any, first: int) -> None:
        """Note where the token begins in its line and what is to stand before it."""
        line, column = token.start_mark.line, token.start_mark.column
        pieces = self._sheet.pieces.setdefault(line, [])
        if pieces and pieces[-1].column == column:
            pass
        elif not pieces:
            pieces.append(_Piece(column, first if not self._sheet.texts[line][:column].strip() else "kept"))
        else:
            pieces.append(_Piece(column, self._before(token)))
        if isinstance(self._last, tk.KeyToken) and len(self._frames) == 1 and isinstance(token, tk.ScalarToken):
            self._sheet.keys[line] = str(token.value)

    def _before(self, token: Any) -> Literal["one", "none", "kept"]:
        if isinstance(token, tk.ValueToken):
            return "none"
        return (
            "one" if isinstance(self._last, (tk.BlockEntryToken, tk.ValueToken, tk.BlockMappingStartToken)) else "kept"
        )

    def _read_scalar(self, token: Any) -> None:
        start, end = token.start_mark.line, token.end_mark.line
        if token.style in ("|", ">"):
            self._move_block_text(token, start, end if token.end_mark.column else end - 1)
        else:
            self._move(start + 1, end, self._shift, self._inner)

    def _move_block_text(self, token: Any, start: int, end: int) -> None:
        head = self._sheet.texts[start][token.start_mark.column :].partition("#")[0]
        end = min(end, len(self._sheet.texts) - 1)
        # Blank lines after a block text belong to it only with the `+` indicator.
        while "+" not in head and end > start and not self._sheet.texts[end].strip():
            end -= 1
        shift = self._shift
        if not any(sign.isdigit() for sign in head):
            first = next((line for line in self._sheet.texts[start + 1 : end + 1] if line.strip()), "")
            shift = self._inner - (len(first) - len(first.lstrip(" ")))
        self._move(start + 1, end, shift, 0)

    @property
    def _shift(self) -> int:
        """How far the innermost collection moves to the right."""
        return self._frames[-1].new - self._frames[-1].old if self._frames else 0

    def _move(self, start: int, end: int, shift: int, least: int) -> None:
        self._sheet.moved.update((line, (shift, least)) for line in range(start, end + 1))

    def _open(self, token: Any) -> None:
        if not self._flow:
            self._put(token, self._inner)
        self._flow.append(token)

    def _close(self, token: Any) -> None:
        opened = self._flow.pop()
        if not self._flow:
            least = self._frames[-1].new if self._frames else 0
            self._move(opened.start_mark.line + 1, token.end_mark.line, self._shift, least)


def _make_line(sheet: _LineTable, number: int) -> FormattedLine:
    text = sheet.texts[number]
    old = len(text) - len(text.lstrip(" "))
    if number in sheet.moved:
        shift, least = sheet.moved[number]
        return FormattedLine(_moved(text, old, shift, least), "inside", old=old)
    if number in sheet.pieces:
        return FormattedLine(_rebuilt(text, sheet.pieces[number]), "content", sheet.keys.get(number), old)
    if number in sheet.separators:
        return FormattedLine(text.rstrip(), "separator")
    if number in sheet.ends:
        return FormattedLine(text.rstrip(), "end")
    return FormattedLine(text.strip(), "comment" if text.strip() else "blank", old=old)


def _moved(text: str, old: int, shift: int, least: int) -> str:
    if not text.strip():
        return text[max(-shift, 0) :] if shift < 0 else " " * shift + text if text else ""
    return " " * max(old + shift, least) + text[old:]


def _rebuilt(text: str, pieces: list[_Piece]) -> str:
    bounds = [piece.column for piece in pieces[1:]] + [len(text)]
    built = ""
    for piece, end in zip(pieces, bounds, strict=True):
        gap = {"one": " ", "none": "", "kept": text[len(text[: piece.column].rstrip()) : piece.column]}
        before = " " * piece.before if isinstance(piece.before, int) else gap[piece.before]
        if not built and piece.before == "kept":
            before = text[: piece.column]
        built += before + text[piece.column : end].rstrip()
    return built


def _place_comments(lines: list[FormattedLine]) -> None:
    """Indent lines that are only a comment: with the line below, or, further right than it, with the block above that it ends."""
    for number, line in enumerate(lines):
        if line.what == "comment":
            line.text = " " * _column_of_comment(lines, number) + line.text


def _column_of_comment(lines: list[FormattedLine], number: int) -> int:
    below = next((line for line in lines[number + 1 :] if line.what in ("content", "separator", "end")), None)
    if below is not None and below.what == "content" and lines[number].old <= below.old:
        return _column(below)
    for above in reversed(lines[:number]):
        if above.what in ("separator", "end"):
            break
        if above.what in ("content", "comment") and above.old <= lines[number].old:
            return _column(above)
    return 0


def _column(line: FormattedLine) -> int:
    return len(line.text) - len(line.text.lstrip(" "))
