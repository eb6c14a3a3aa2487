"""Holes of a template: where they are, what kind of token each one is part of, and which values fit which kind.

While a template is read each hole is one character of Unicode's private use area, which no statement may hold.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal, NamedTuple

from .errors import PolicySyntaxError
from .grammar.tokens import HOLES
from .parse import refuse_unreadable
from .tree import VERBS
from .write import Piece

HoleKind = Literal["name", "path", "ocid", "value", "pattern", "variable", "permission", "verb", "resource"]

_FIRST = 0xE000
_MOST = 0xF8FF - _FIRST + 1
_HOLE = re.compile(f"[{HOLES}]")


class Cut(NamedTuple):
    """A template with a private character for each hole, and where those characters stood in the text."""

    text: str
    names: tuple[str, ...]
    columns: tuple[int, ...]
    offsets: tuple[int, ...]  # of each character of ``text`` in the template, and of its end


def cut_holes(template: str) -> Cut:
    """Find the holes ``${name}``; ``$${`` is a literal ``${``. Raises PolicySyntaxError for a hole that never ends."""
    refuse_unreadable(template)
    pieces: list[str] = []
    offsets: list[int] = []
    names: list[str] = []
    columns: list[int] = []
    at = 0
    while at < len(template):
        if template.startswith("$${", at):
            pieces.append("${")
            offsets += (at + 1, at + 2)
            at += 3
        elif template.startswith("${", at):
            end = _find_end(template, at)
            name = template[at + 2 : end].strip()
            if len(names) == _MOST or not name:
                message = "too many holes" if name else "a hole needs a name"
                raise PolicySyntaxError(message, text=template, column=at + 1, hint="write ${var.NAME}")
            pieces.append(chr(_FIRST + len(names)))
            offsets.append(at)
            names.append(name)
            columns.append(at + 1)
            at = end + 1
        else:
            pieces.append(template[at])
            offsets.append(at)
            at += 1
    return Cut("".join(pieces), tuple(names), tuple(columns), (*offsets, len(template)))


def _find_end(template: str, start: int) -> int:
    """The offset of the brace that closes the hole opened at ``start``; braces within count, quoted ones do not."""
    depth = 0
    quoted = False
    for at in range(start + 1, len(template)):
        character = template[at]
        if character == '"':
            quoted = not quoted
        elif character == "{" and not quoted:
            depth += 1
        elif character == "}" and not quoted:
            depth -= 1
            if depth == 0:
                return at
    raise PolicySyntaxError("this hole is never closed", text=template, column=start + 1, hint="add }")


def hole_numbers(text: str) -> tuple[int, ...]:
    """Which holes a text holds, in order."""
    return tuple(ord(character) - _FIRST for character in _HOLE.findall(text))


def substitute(text: str, values: dict[int, str]) -> str:
    """The text with its holes filled."""
    return _HOLE.sub(lambda found: values[ord(found[0]) - _FIRST], text)


def restore(text: str, names: tuple[str, ...]) -> str:
    """The text with its holes written ``${name}`` again."""
    return _HOLE.sub(lambda found: "${" + names[ord(found[0]) - _FIRST] + "}", text)


def find_kinds(pieces: Iterable[Piece], names: tuple[str, ...]) -> dict[int, HoleKind]:
    """The kind of every hole, by the role of the printed token that it is in."""
    kinds: dict[int, HoleKind] = {}
    by_id = False
    for piece in pieces:
        for number in hole_numbers(piece.text):
            kinds[number] = _kind(piece, by_id, names[number])
        by_id = piece.role == "keyword" and piece.text == "id"
    return kinds


_KINDS: dict[str, HoleKind] = {
    "id": "ocid",
    "value": "value",
    "pattern": "pattern",
    "variable": "variable",
    "permission": "permission",
    "verb": "verb",
    "resource": "resource",
}


def _kind(piece: Piece, by_id: bool, name: str) -> HoleKind:
    if by_id:
        return "ocid"
    if piece.role == "compartment" and len(piece.text) == 1 and name.endswith(".path"):
        return "path"
    return _KINDS.get(piece.role, "name")


def why_unfit(kind: HoleKind, value: str, *, alone: bool) -> str | None:
    """Why a value does not fit a hole of this kind, or None. ``alone``: the hole is the whole token."""
    if not value:
        return "is empty"
    for character in value:
        if unicodedata.category(character)[0] in "CZ" and character != " ":
            return f"holds the invisible character U+{ord(character):04X}"
    if kind in ("name", "path") and value.lower().startswith("ocid1."):
        return "is an OCID; write `id` before the hole"
    pattern, what = _GRAMMARS[kind] if alone or kind not in _PARTS else _PARTS[kind]
    if pattern.fullmatch(value):
        return None
    return f"is not {what}"


def stand_in(kind: HoleKind, name: str, alone: bool) -> str:
    """A value that fits a hole, made from its name so that different holes stand for different things."""
    word = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "hole"
    if kind == "ocid" and alone:
        return f"ocid1.hole.oc1..{word}"
    if kind == "variable" and alone:
        return f"hole.{word}"
    return {"permission": word.replace("-", "_").upper(), "verb": VERBS[0], "resource": "buckets"}.get(kind, word)


_NAME = r"[\w.@+~\-](?:[\w.@+~\- ]*[\w.@+~\-])?"
_GRAMMARS: dict[HoleKind, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(_NAME), "a name of letters, digits, spaces and . _ - @ + ~"),
    "path": (re.compile(rf"{_NAME}(?::{_NAME})*"), "a compartment path like a:b:c"),
    "ocid": (re.compile(r"ocid1\.[a-z0-9]+\.[A-Za-z0-9_.\-]+"), "an OCID (ocid1.…)"),
    "value": (re.compile(r"[^'\\*]+"), "a value without quotes, backslashes and stars"),
    "pattern": (re.compile(r"[^'\\*/]+"), "a part of a pattern without slashes, quotes, backslashes and stars"),
    "variable": (re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)+"), "a variable like request.user.id"),
    "permission": (re.compile(r"[A-Za-z0-9_]+"), "a permission like OBJECT_READ"),
    "verb": (re.compile("|".join(VERBS), re.I), "a verb (" + ", ".join(VERBS) + ")"),
    "resource": (re.compile(r"[A-Za-z0-9\-]+"), "a resource type like generative-ai-chat"),
}
_PARTS: dict[HoleKind, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(r"[\w.@+~\- ]+"), "a part of a name: letters, digits, spaces and . _ - @ + ~"),
    "ocid": (re.compile(r"[A-Za-z0-9_.\-]+"), "a part of an OCID"),
    "variable": (re.compile(r"[A-Za-z0-9_\-]+"), "a part of a variable: letters, digits, _ and -"),
}
