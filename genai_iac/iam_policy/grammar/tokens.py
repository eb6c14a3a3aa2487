"""From text to tokens, and `TokenStream`, the reading position in a list of tokens. Only grammar modules move that position.

One compiled expression reads the head of a statement, one its conditions, both without backtracking. They differ in the slash alone:
before ``where`` it separates a domain from a group, after it it opens a /pattern/. A tokenizer that does not know which reads
``'domain'/'group'`` as a pattern and swallows the text up to the next slash.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from unicodedata import category, name

from genai_iac.iam_policy.errors import PolicySyntaxError

# The numbers are the groups of the two expressions below, so `lastindex` is the kind.
WORD, QUOTED, MARK, PATTERN, INVALID, END = 1, 2, 3, 4, 5, 6

# U+E000-U+F8FF stand for the placeholders of a template while it is being read; nobody can type them in a statement
PLACEHOLDERS = "\ue000-\uf8ff"
_WORD = rf"([A-Za-z0-9_{PLACEHOLDERS}][A-Za-z0-9_.@{PLACEHOLDERS}\-]*)"
_QUOTED = r"('(?:[^'\\\x00-\x1f]|\\[^\x00-\x1f])*')"
_PATTERN = r"(/(?:[^/'\\\x00-\x1f]|\\[^\x00-\x1f])+/)"
# the service drops an extra > (its Terraform provider has a test on `in >> tenancy`)
_HEAD = re.compile(rf"[ \t\r\n>]*(?:{_WORD}|{_QUOTED}|([{{}},:/()=]|![ ]*=)|(?!)()|(.))", re.DOTALL)
_CONDITIONS = re.compile(rf"[ \t\r\n]*(?:{_WORD}|{_QUOTED}|([{{}},:()=]|![ ]*=)|{_PATTERN}|(.))", re.DOTALL)
STARTS = frozenset({"allow", "deny", "admit", "endorse", "define"})
_WHERE = frozenset({"where"})
_SPACE = " \t\r\n>"


class Token(NamedTuple):
    """One token: its kind, its text, the text in lower case if it is a word, and its offset."""

    kind: int  # one of the numbers above
    text: str
    folded: str
    start: int  # 0-based


_new_token: Callable[[tuple[int, str, str, int]], Token] = partial(tuple.__new__, Token)  # half the cost of Token(…)


def split_tokens(text: str, *, condition: bool = False) -> list[Token]:
    """The tokens of ``text``, the last of kind END. A character that belongs nowhere is INVALID and ends the list.

    Args:
        text: one or more statements, or a condition.
        condition: True starts in a condition, as rules of dynamic groups do.
    """
    tokens: list[Token] = []
    end = len(text.rstrip(_SPACE))
    at: int | None = 0
    while at is not None:
        at = _split_part(text, at, end, condition, tokens)
        condition = not condition
    if not tokens or tokens[-1].kind != INVALID:
        tokens.append(Token(END, "", "", end))
    return tokens


def _split_part(text: str, start: int, end: int, condition: bool, tokens: list[Token]) -> int | None:
    """Append the tokens of a head or of a condition; where the other of the two goes on, or None at the end."""
    expression, other = (_CONDITIONS, STARTS) if condition else (_HEAD, _WHERE)
    append = tokens.append
    for found in expression.finditer(text, start, end):
        kind = found.lastindex or INVALID
        piece = found[kind]
        if kind == WORD:
            folded = piece.lower()
            append(_new_token((WORD, piece, folded, found.start(WORD))))
            if folded in other:
                return found.end()
        else:
            append(_new_token((kind, piece, piece, found.start(kind))))
            if kind == INVALID:
                return None
    return None


def find_unreadable(text: str) -> int | None:
    """The offset of the first invisible character beyond ASCII, or None: nobody can see what such a statement says.

    The characters that stand for placeholders are among them.

    Such characters are refused before reading: a zero-width space in a group name would
    otherwise be a different group.
    """
    if text.isascii():
        return None
    return next(
        (at for at, character in enumerate(text) if character > "\x7f" and category(character) in _UNREADABLE), None
    )


def refuse_unreadable(text: str) -> None:
    """Raise PolicySyntaxError if the text holds an invisible character.

    Called by every entry point of the parser.
    """
    at = find_unreadable(text)
    if at is not None:
        message = "an invisible character"
        raise PolicySyntaxError(message, text=text, column=at + 1, hint=invisible_hint(text[at]))


def invisible_hint(character: str) -> str:
    """What to do about a character that nobody sees.

    Args:
        character: named by code point, because printing it shows nothing.
    """
    return f"delete the invisible character U+{ord(character):04X} ({name(character, 'unnamed')})"


def unquote(piece: str) -> str:
    """The value of a quoted token: ``\\'`` and ``\\\\`` are read, other backslashes stand for themselves.

    Args:
        piece: with its quotes.
    """
    inner = piece[1:-1]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def quote(value: str) -> str:
    """``value`` as a quoted token; unquote(quote(value)) == value."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def is_placeholder(text: str) -> bool:
    """Whether a token is one placeholder of a template and nothing else."""
    return len(text) == 1 and "\ue000" <= text <= "\uf8ff"


def is_word(value: str) -> bool:
    """Whether ``value`` can be written without quotes.

    Words of the grammar are words here too; `printer.write_name` quotes those.
    """
    return _WHOLE_WORD.fullmatch(value) is not None


_UNREADABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_ESCAPED = re.compile(r"\\(['\\])")
_WHOLE_WORD = re.compile(_WORD)


class TokenStream:
    """Reads tokens one by one, never going back.

    Args:
        text: the statement, for messages.
        tokens: with an END or INVALID token at the end.
    """

    __slots__ = ("index", "opened", "text", "token", "tokens")

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.index = 0
        self.token = tokens[0]
        self.opened: list[int] = []  # offsets of the braces and brackets that are still open

    @property
    def column(self) -> int:
        """The 1-based column of the token to be read next."""
        return self.token.start + 1

    @property
    def at_end(self) -> bool:
        """Whether every token has been read."""
        return self.token.kind == END

    def take(self) -> Token:
        """The token to be read next, which then is read.

        An INVALID token is never passed, so reading always ends there with an error.
        """
        token = self.token
        if token.kind != END and token.kind != INVALID:
            self.index += 1
            self.token = self.tokens[self.index]
        return token

    def accept(self, folded: str) -> bool:
        """Read a keyword or mark if it is the next one.

        Returns:
            Whether it was read.
        """
        if self.token.folded == folded:
            self.take()
            return True
        return False

    def expect(self, folded: str, *also: str) -> Token:
        """Read a keyword or mark, or fail; ``also`` are things that would have been welcome too.

        Raises:
            PolicySyntaxError: something else is next.
        """
        if self.token.folded != folded:
            raise self.error(f"`{folded}`", *also)
        return self.take()

    def open(self, mark: str) -> None:
        """Read an opening brace or bracket and keep it, so that a missing end can name it."""
        start = self.token.start
        self.expect(mark)
        self.opened.append(start)

    def close(self, mark: str, *also: str) -> None:
        """Read the closing brace or bracket of the last one opened."""
        self.expect(mark, *also)
        self.opened.pop()

    def at_name(self) -> bool:
        """Whether a name could be read next: an unquoted word that is no keyword of the head, or a quoted one."""
        token = self.token
        return (token.kind == WORD and token.folded not in _RESERVED) or (token.kind == QUOTED and len(token.text) > 2)

    def starts_statement(self) -> bool:
        """Whether the next token can begin a statement."""
        return self.token.folded in STARTS and self.token.kind == WORD

    def error(self, *expected: str) -> PolicySyntaxError:
        """The error of not finding what was expected in the place of the next token.

        Args:
            expected: in backquotes for keywords, in words for kinds of tokens.
        """
        from genai_iac.iam_policy.grammar.hints import (
            find_hint,  # guessing what was meant takes difflib, which reading does not need
        )

        found = "the end" if self.token.kind == END else f"`{_shown(self.token.text)}`"
        message = f"expected {_listed(expected)}, found {found}"
        return PolicySyntaxError(
            message,
            text=self.text,
            column=self.column,
            expected=expected,
            hint=find_hint(self.text, self.tokens, self.index, expected, self.opened),
        )


_RESERVED = frozenset({"to", "in", "of", "where", "with"})


def _shown(piece: str) -> str:
    return piece if len(piece) <= 40 else piece[:37] + "..."


def _listed(expected: tuple[str, ...]) -> str:
    return expected[0] if len(expected) == 1 else ", ".join(expected[:-1]) + " or " + expected[-1]
