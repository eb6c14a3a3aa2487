"""Text in, tree out: one statement, a page of them, or a dynamic group's matching rule.

Characters that no statement has get an error of their own: typographic quotes, comments, unfilled placeholders, invisible characters.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from genai_iac.iam_policy.grammar.conditions import read_condition
from genai_iac.iam_policy.grammar.statements import read_statement
from genai_iac.iam_policy.grammar.tokens import (
    INVALID,
    Token,
    TokenStream,
    invisible_hint,
    refuse_unreadable,
    split_tokens,
)
from genai_iac.iam_policy.syntax_tree import Condition, Grant, Statement


class ErrorPosition(NamedTuple):
    """Where reading stopped: the token there, the one before, and what was expected."""

    text: str  # the whole statement
    token: Token
    before: Token | None
    expected: tuple[str, ...]  # what the grammar could have read there, as in the message
    opened: Sequence[int]  # offsets of braces and brackets that are still open


def find_comment(place: ErrorPosition) -> str | None:
    """The hint for a comment: the language has none."""
    if place.text.startswith(("//", "/*", "--"), place.token.start) and "a quoted value" not in place.expected:
        return "OCI statements have no comments; delete it"
    return None


def find_invalid_character(place: ErrorPosition) -> str | None:
    """The hint for a character that no token starts with."""
    token = place.token
    if token.kind != INVALID:
        return None
    character = token.text
    if character in _MISPLACED:
        return _MISPLACED[character]
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


_MISPLACED = {
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


def parse(text: str) -> Statement:
    """The tree of exactly one statement. Raises PolicySyntaxError with the column of the first thing that does not fit.

    Args:
        text: without a placeholder; templates are read by `Template.parse`.
    """
    refuse_unreadable(text)
    return parse_tokens(text, split_tokens(text))


@lru_cache(maxsize=100_000)
def parse_once(text: str) -> Statement:
    """As parse, remembering: checking, comparing and writing ask for the same statements.

    Trees are frozen, so sharing them is safe. The limit bounds memory for programs that run
    for long.
    """
    return parse(text)


def parse_tokens(text: str, tokens: list[Token]) -> Statement:
    """As parse, for the tokens of a text, which may be a template whose placeholders are private characters.

    Args:
        text: for columns and messages.
        tokens: from `split_tokens` of the same text.
    """
    cursor = TokenStream(text, tokens)
    statement = read_statement(cursor)
    _expect_end(cursor, statement)
    return statement


def parse_statements(text: str) -> tuple[Statement, ...]:
    """The trees of one or more statements that follow each other, on one line or many.

    Published policies often have several statements in one text block.
    """
    refuse_unreadable(text)
    cursor = TokenStream(text, split_tokens(text))
    statements = [read_statement(cursor)]
    while cursor.starts_statement():
        statements.append(read_statement(cursor))
    _expect_end(cursor, statements[-1])
    return tuple(statements)


def parse_matching_rule(text: str) -> Condition:
    """The condition of a dynamic group's matching rule: ``ANY {instance.id = 'ocid1…', tag.ns.key.value}``.

    The grammar is that of conditions, so `where` is not written.
    """
    cursor = _read_rules(text)
    condition = read_condition(cursor)
    if not cursor.at_end:
        raise cursor.error("the end")
    return condition


def parse_matching_rules(text: str) -> tuple[Condition, ...]:
    """The conditions of matching rules that follow each other."""
    cursor = _read_rules(text)
    conditions = [read_condition(cursor)]
    while not cursor.at_end:
        conditions.append(read_condition(cursor))
    return tuple(conditions)


def _read_rules(text: str) -> TokenStream:
    refuse_unreadable(text)
    return TokenStream(text, split_tokens(text, condition=True))


def _expect_end(cursor: TokenStream, statement: Statement) -> None:
    if not cursor.at_end:
        conditional = isinstance(statement, Grant) and statement.condition is None
        raise cursor.error(*(("`where`", "the end") if conditional else ("the end",)))
