"""Text in, tree out: one statement, a page of them, or a dynamic group's matching rule."""

from .conditions_grammar import read_condition
from .cursor import Cursor
from .errors import PolicySyntaxError
from .grammar import read_statement
from .tokens import find_private, split_tokens
from .tree import Condition, Grant, Statement


def parse(text: str) -> Statement:
    """The tree of exactly one statement. Raises PolicySyntaxError with the column of the first thing that does not fit."""
    cursor = _open(text)
    statement = read_statement(cursor)
    _expect_end(cursor, statement)
    return statement


def parse_statements(text: str) -> tuple[Statement, ...]:
    """The trees of one or more statements that follow each other, on one line or many."""
    cursor = _open(text)
    statements = [read_statement(cursor)]
    while cursor.starts_statement():
        statements.append(read_statement(cursor))
    _expect_end(cursor, statements[-1])
    return tuple(statements)


def parse_matching_rule(text: str) -> Condition:
    """The condition of a dynamic group's matching rule: ``ANY {instance.id = 'ocid1…', tag.ns.key.value}``."""
    cursor = _open(text, condition=True)
    condition = read_condition(cursor)
    if not cursor.at_end:
        raise cursor.error("the end")
    return condition


def _open(text: str, *, condition: bool = False) -> Cursor:
    private = find_private(text)
    if private is not None:
        raise PolicySyntaxError(
            "this character has no meaning",
            text=text,
            column=private + 1,
            hint=f"delete U+{ord(text[private]):04X}",
        )
    return Cursor(text, split_tokens(text, condition=condition))


def _expect_end(cursor: Cursor, statement: Statement) -> None:
    if not cursor.at_end:
        conditional = isinstance(statement, Grant) and statement.condition is None
        raise cursor.error(*(("`where`", "the end") if conditional else ("the end",)))
