"""What to do about characters that no statement holds: typographic quotes, comments, placeholders, what nobody sees."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from genai_iac.iam_policy.grammar.tokens import STRAY, Token


class ErrorPosition(NamedTuple):
    """Where reading stopped: the token there, the one before, and what was expected."""

    text: str  # the whole statement
    token: Token
    before: Token | None
    expected: tuple[str, ...]  # what the grammar could have read there, as in the message
    opened: Sequence[int]  # offsets of braces and brackets that are still open


def invisible_hint(character: str) -> str:
    """What to do about a character that nobody sees.

    Args:
        character: named by code point, because printing it shows nothing.
    """
    return f"delete the invisible character U+{ord(character):04X} ({unicodedata.name(character, 'unnamed')})"


def find_comment(place: ErrorPosition) -> str | None:
    """The hint for a comment: the language has none."""
    if place.text.startswith(("//", "/*", "--"), place.token.start) and "a quoted value" not in place.expected:
        return "OCI statements have no comments; delete it"
    return None


def find_invalid_character(place: ErrorPosition) -> str | None:
    """The hint for a character that no token starts with."""
    token = place.token
    if token.kind != STRAY:
        return None
    character = token.text
    if character in _STRAY:
        return _STRAY[character]
    if character == "'":
        return "this quote is never closed"
    if character == "/":
        return "this pattern is never closed; patterns look like /name*/" if _in_condition(place) else None
    if character == "$":
        return "a placeholder ${…} must be resolved before the statement is parsed"
    if not character.isprintable():
        return invisible_hint(character)
    if not character.isascii():
        return "put a name with such a character in single quotes"
    return None


_STRAY = {
    "‘": "replace the typographic quote by '",
    "’": "replace the typographic quote by '",
    "“": "replace the typographic quote by '",
    "”": "replace the typographic quote by '",
    "`": "replace the backquote by '",
    '"': "use single quotes: 'value'",
    "#": "OCI statements have no comments; delete it",
    "\u00a0": "replace the no-break space by a space",
    "–": "replace the dash by -",
    "—": "replace the dash by -",
    "<": "replace the <placeholder> by a real value",
    ";": "delete it",
}


def _in_condition(place: ErrorPosition) -> bool:
    return any(what in place.expected for what in ("a quoted value", "a condition"))
