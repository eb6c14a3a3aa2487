"""Text into tokens: one compiled expression for the head of a statement, one for its conditions, no backtracking.

They differ in the slash alone: before ``where`` it parts a domain from a group, behind it it opens a /pattern/. A tokenizer
that does not know which reads ``'domain'/'group'`` as a pattern and swallows the text up to the next slash.
"""

import re
from typing import NamedTuple
from unicodedata import category

WORD, QUOTED, MARK, PATTERN, STRAY, END = 1, 2, 3, 4, 5, 6

# U+E000-U+F8FF stand for the holes of a template while it is being read; nobody can type them in a statement
HOLES = "\ue000-\uf8ff"
_WORD = rf"([A-Za-z0-9_{HOLES}][A-Za-z0-9_.@{HOLES}\-]*)"
_QUOTED = r"('(?:[^'\\\x00-\x1f]|\\[^\x00-\x1f])*')"
_PATTERN = r"(/(?:[^/'\\\x00-\x1f]|\\[^\x00-\x1f])+/)"
_HEAD = re.compile(rf"[ \t\r\n]*(?:{_WORD}|{_QUOTED}|([{{}},:/()=]|![ ]*=)|(?!)()|(.))", re.DOTALL)
_CONDITIONS = re.compile(rf"[ \t\r\n]*(?:{_WORD}|{_QUOTED}|([{{}},:()=]|![ ]*=)|{_PATTERN}|(.))", re.DOTALL)
STARTS = frozenset({"allow", "deny", "admit", "endorse", "define"})
_SPACE = " \t\r\n"


class Token(NamedTuple):
    """One token: its kind, its text, the text in lower case if it is a word, and its offset."""

    kind: int
    text: str
    folded: str
    start: int


def split_tokens(text: str, *, condition: bool = False) -> list[Token]:
    """The tokens of ``text``, the last of kind END. A character that belongs nowhere is STRAY and ends the list."""
    tokens: list[Token] = []
    append = tokens.append
    end = len(text.rstrip(_SPACE))
    match = (_CONDITIONS if condition else _HEAD).match
    at = 0
    while at < end:
        found = match(text, at, end)
        assert found is not None and found.lastindex is not None  # the last alternative takes any character
        kind = found.lastindex
        piece = found[kind]
        start = found.start(kind)
        at = found.end()
        if kind == WORD:
            folded = piece.lower()
            append(Token(WORD, piece, folded, start))
            if folded == "where":
                match = _CONDITIONS.match
            elif folded in STARTS:
                match = _HEAD.match
        elif kind == STRAY:
            append(Token(STRAY, piece, piece, start))
            return tokens
        else:
            append(Token(kind, piece, piece, start))
    append(Token(END, "", "", end))
    return tokens


def find_unreadable(text: str) -> int | None:
    """The offset of the first invisible character beyond ASCII, or None: nobody can tell what such a statement says.

    The characters that stand for holes are among them.
    """
    if text.isascii():
        return None
    return next(
        (at for at, character in enumerate(text) if character > "\x7f" and category(character) in _UNREADABLE), None
    )


def unquote(piece: str) -> str:
    """The value of a quoted token: ``\\'`` and ``\\\\`` are read, other backslashes stand for themselves."""
    inner = piece[1:-1]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def quote(value: str) -> str:
    """``value`` as a quoted token; unquote(quote(value)) == value."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def is_word(value: str) -> bool:
    """Whether ``value`` can be written without quotes."""
    return _WHOLE_WORD.fullmatch(value) is not None


_UNREADABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_ESCAPED = re.compile(r"\\(['\\])")
_WHOLE_WORD = re.compile(_WORD)
