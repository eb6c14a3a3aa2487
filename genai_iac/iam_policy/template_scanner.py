"""Finds the placeholders of a template and replaces each by one character of Unicode's private use area, which no statement may hold."""

import re
from bisect import bisect_right
from operator import itemgetter

from msgspec import Struct

from genai_iac.iam_policy.errors import PolicySyntaxError
from genai_iac.iam_policy.grammar.tokens import PLACEHOLDERS, refuse_unreadable

_FIRST = 0xE000
_MOST = 0xF8FF - _FIRST + 1  # placeholders in one template: the size of the private use area
_PLACEHOLDER = re.compile(f"[{PLACEHOLDERS}]")
_OPENING = re.compile(
    r"\$\$\{|\$\{(?:([^{}\"]*)\})?"
)  # an escaped brace, a plain placeholder, or the start of one with braces in it


class ScannedTemplate(Struct, frozen=True):
    """A template with a private character for each placeholder, and where those characters stood in the text."""

    text: str  # with private characters
    names: tuple[str, ...]
    columns: tuple[int, ...]  # 1-based, in the template
    anchors: tuple[
        tuple[int, int], ...
    ]  # from each offset in ``text`` on, what lies there in the template; first (0, 0)

    def offset(self, at: int) -> int:
        """Where in the template the character at ``at`` in ``text`` stood."""
        here, there = self.anchors[bisect_right(self.anchors, at, key=itemgetter(0)) - 1]
        return there + at - here


def scan_template(template: str) -> ScannedTemplate:
    """Find the placeholders ``${name}``; ``$${`` is a literal ``${``. Raises PolicySyntaxError for a placeholder that never ends.

    Args:
        template: as written in a manifest. Braces inside quotes do not end a placeholder.
    """
    refuse_unreadable(template)
    pieces: list[str] = []
    names: list[str] = []
    columns: list[int] = []
    anchors = [(0, 0)]
    at = length = 0
    while found := _OPENING.search(template, at):
        start = found.start()
        length += start - at
        anchors.append((length, start))
        pieces.append(template[at:start])
        if found[0] == "$${":
            pieces.append("${")
            anchors[-1] = (length, start + 1)
            length, at = length + 2, start + 3
            continue
        end = found.end() if found[1] is not None else _find_end(template, start) + 1
        pieces.append(chr(_FIRST + len(names)))
        names.append(_read_name(template, start, end, len(names)))
        columns.append(start + 1)
        length, at = length + 1, end
        anchors.append((length, at))
    pieces.append(template[at:])
    return ScannedTemplate("".join(pieces), tuple(names), tuple(columns), tuple(anchors))


def _read_name(template: str, start: int, end: int, known: int) -> str:
    name = template[start + 2 : end - 1].strip()
    if known == _MOST or not name:
        message = "too many placeholders" if name else "a placeholder needs a name"
        raise PolicySyntaxError(message, text=template, column=start + 1, hint="write ${var.NAME}")
    return name


def _find_end(template: str, start: int) -> int:
    """The offset of the brace that closes the placeholder opened at ``start``; braces within count, quoted ones do not."""
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
    raise PolicySyntaxError("this placeholder is not closed", text=template, column=start + 1, hint="add }")


def placeholder_numbers(text: str) -> tuple[int, ...]:
    """Which placeholders a text holds, in order.

    Empty for ASCII text, which is the usual case and needs no search.
    """
    return () if text.isascii() else tuple(ord(character) - _FIRST for character in _PLACEHOLDER.findall(text))


def substitute(text: str, values: dict[int, str]) -> str:
    """The text with its placeholders filled.

    Args:
        values: by number; every placeholder in the text has one.
    """
    return text if text.isascii() else _PLACEHOLDER.sub(lambda found: values[ord(found[0]) - _FIRST], text)


def restore(text: str, names: tuple[str, ...]) -> str:
    """The text with its placeholders written ``${name}`` again."""
    return _PLACEHOLDER.sub(lambda found: "${" + names[ord(found[0]) - _FIRST] + "}", text)
