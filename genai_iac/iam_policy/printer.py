"""From a syntax tree to text: one line, keywords in lower case, quotes only where they are needed; it parses to the same tree."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from genai_iac.iam_policy.grammar.tokens import is_word, quote
from genai_iac.iam_policy.syntax_tree import (
    Comparison,
    Condition,
    ConditionGroup,
    ConditionVariable,
    Definition,
    FunctionCall,
    Grant,
    Location,
    Name,
    Ocid,
    Operand,
    Pattern,
    Presence,
    QuotedValue,
    Statement,
    Subject,
    Word,
)


class PrintedToken(NamedTuple):
    """A printed token: its role in the statement (``verb``, ``compartment``, ``value``…), its text, and the space before."""

    role: str  # also shown in differences: `verb use → manage`
    text: str
    space: str = " "


def unparse(statement: Statement) -> str:
    """The statement as one line of text: parse(unparse(statement)) == statement.

    Quoting differs from the input where the input had more quotes than needed.
    """
    return join_tokens(print_tokens(statement))


def unparse_condition(condition: Condition) -> str:
    """A condition, or a dynamic group's matching rule, as one line of text.

    Args:
        condition: of a statement or of a dynamic group's rule.
    """
    return join_tokens(_condition(condition))


def join_tokens(pieces: Iterable[PrintedToken]) -> str:
    """Pieces as one line of text."""
    return "".join(chain.from_iterable((piece.space, piece.text) for piece in pieces)).lstrip(" ")


def print_tokens(statement: Statement) -> Iterator[PrintedToken]:
    """The statement's tokens in order, each with its role.

    Differences compare these tokens, so a role says what an edit is about.
    """
    if isinstance(statement, Definition):
        return _definition(statement)
    return _grant(statement)


def write_name(text: str) -> str:
    """A name, in quotes if it could not be read without.

    Words of the grammar are quoted too, although some of them could be read without.
    """
    return text if is_word(text) and text.lower() not in _KEYWORDS else quote(text)


def write_location(location: Location) -> str:
    """A place as it stands behind ``in``."""
    return "".join(f"{token.space}{token.text}" for token in _location(location)).strip()


_KEYWORDS = frozenset({"to", "in", "of", "where", "with", "id"})


def _definition(statement: Definition) -> Iterator[PrintedToken]:
    yield PrintedToken("effect", "define")
    yield PrintedToken("symbol", statement.symbol)
    yield from _name(statement.name, "name")
    yield PrintedToken("keyword", "as")
    yield PrintedToken("id", statement.id)


def _grant(statement: Grant) -> Iterator[PrintedToken]:
    yield PrintedToken("effect", statement.effect)
    yield from _subject(statement.subject)
    if statement.source is not None:
        yield PrintedToken("keyword", "of")
        yield from _location(statement.source)
    yield PrintedToken("keyword", "to")
    yield from _action(statement)
    yield PrintedToken("keyword", "in")
    yield from _location(statement.location)
    if statement.association is not None:
        yield PrintedToken("keyword", "with")
        yield PrintedToken("resource", statement.association.resource.text)
        yield PrintedToken("keyword", "in")
        yield from _location(statement.association.location)
    if statement.condition is not None:
        yield PrintedToken("keyword", "where")
        yield from _condition(statement.condition)


def _subject(subject: Subject) -> Iterator[PrintedToken]:
    yield PrintedToken("subject", subject.kind)
    for position, member in enumerate(subject.members):
        if position:
            yield _COMMA
        if isinstance(member, Ocid):
            yield PrintedToken("keyword", "id")
            yield PrintedToken(subject.kind, member.text)
        elif subject.kind == "resource":
            yield PrintedToken("service", write_name(member.domain or ""))
            yield PrintedToken("resource", write_name(member.text))
        else:
            yield from _name(member, subject.kind)


def _name(name: Name, role: str) -> Iterator[PrintedToken]:
    if name.domain is None:
        yield PrintedToken(role, write_name(name.text))
    else:
        yield PrintedToken("domain", quote(name.domain))
        yield PrintedToken("mark", "/", "")
        yield PrintedToken(role, quote(name.text), "")


def _action(statement: Grant) -> Iterator[PrintedToken]:
    if statement.verb is not None:
        yield PrintedToken("verb", statement.verb)
    else:
        yield PrintedToken("mark", "{")
        yield from _listed("permission", statement.permissions)
        yield PrintedToken("mark", "}", "")
    for position, resource in enumerate(statement.resources):
        if position:
            yield _COMMA
        yield PrintedToken("resource", resource.text)


def _listed(role: str, words: tuple[Word, ...]) -> Iterator[PrintedToken]:
    for position, word in enumerate(words):
        if position:
            yield _COMMA
        yield PrintedToken(role, word.text, " " if position else "")


def _location(location: Location) -> Iterator[PrintedToken]:
    if location.placeholder is not None:
        yield PrintedToken("location", location.placeholder)
    elif location.scope == "compartment":
        yield PrintedToken("location", "compartment")
        if location.id is not None:
            yield PrintedToken("keyword", "id")
            yield PrintedToken("compartment", location.id)
        for position, name in enumerate(location.path):
            if position:
                yield PrintedToken("mark", ":", "")
            yield PrintedToken("compartment", write_name(name), "" if position else " ")
        if location.tenancy is not None:
            yield PrintedToken("keyword", "of")
            yield PrintedToken("location", "tenancy")
    else:
        yield PrintedToken("location", location.scope)
    if location.tenancy is not None:
        yield PrintedToken("tenancy", write_name(location.tenancy))


def _condition(condition: Condition, space: str = " ") -> Iterator[PrintedToken]:
    if isinstance(condition, ConditionGroup):
        yield PrintedToken("joined by", condition.mode, space)
        yield PrintedToken("mark", "{")
        for position, item in enumerate(condition.items):
            if position:
                yield _COMMA
            yield from _condition(item, " " if position else "")
        yield PrintedToken("mark", "}", "")
    elif isinstance(condition, Presence):
        if condition.negated:
            yield PrintedToken("operator", "not", space)
        yield PrintedToken("variable", condition.variable.text, " " if condition.negated else space)
    elif isinstance(condition, FunctionCall):
        yield from _call(condition, space)
    else:
        yield from _comparison(condition, space)


def _call(call: FunctionCall, space: str) -> Iterator[PrintedToken]:
    yield PrintedToken("function", call.function, space)
    yield PrintedToken("mark", "(", "")
    for position, argument in enumerate(call.arguments):
        if position:
            yield _COMMA
        if isinstance(argument, tuple):
            yield from _values(argument, " " if position else "")
        else:
            yield _operand(argument, " " if position else "")
    yield PrintedToken("mark", ")", "")


def _comparison(comparison: Comparison, space: str) -> Iterator[PrintedToken]:
    yield PrintedToken("variable", comparison.left.text, space)
    yield PrintedToken("operator", comparison.operator)
    if comparison.operator in ("in", "not in"):
        yield from _values(comparison.right, " ")
        return
    for position, operand in enumerate(comparison.right):
        if position:
            yield PrintedToken("keyword", "and")
        yield _operand(operand, " ")


def _values(operands: tuple[Operand, ...], space: str) -> Iterator[PrintedToken]:
    yield PrintedToken("mark", "(", space)
    for position, operand in enumerate(operands):
        if position:
            yield _COMMA
        yield _operand(operand, " " if position else "")
    yield PrintedToken("mark", ")", "")


def _operand(operand: Operand, space: str) -> PrintedToken:
    if isinstance(operand, QuotedValue):
        return PrintedToken("value", quote(operand.text), space)
    if isinstance(operand, Pattern):
        return PrintedToken("pattern", f"/{operand.text}/", space)
    assert isinstance(operand, ConditionVariable)
    return PrintedToken("variable", operand.text, space)


_COMMA = PrintedToken("mark", ",", "")
