"""A tree into text: one line, keywords in lower case, quotes only where they are needed; it parses to the same tree."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from .grammar.tokens import is_word, quote
from .tree import (
    Call,
    Comparison,
    Condition,
    Definition,
    Grant,
    Group,
    Location,
    Name,
    Ocid,
    Operand,
    Pattern,
    Presence,
    Statement,
    Subject,
    Text,
    Variable,
    Word,
)


class Piece(NamedTuple):
    """A printed token: its role in the statement (``verb``, ``compartment``, ``value``…), its text, and the space before."""

    role: str
    text: str
    space: str = " "


def unparse(statement: Statement) -> str:
    """The statement as one line of text: parse(unparse(statement)) == statement."""
    return join_pieces(write_pieces(statement))


def unparse_condition(condition: Condition) -> str:
    """A condition, or a dynamic group's matching rule, as one line of text."""
    return join_pieces(_condition(condition))


def join_pieces(pieces: Iterable[Piece]) -> str:
    """Pieces as one line of text."""
    return "".join(chain.from_iterable((piece.space, piece.text) for piece in pieces)).lstrip(" ")


def write_pieces(statement: Statement) -> Iterator[Piece]:
    """The statement's tokens in order, each with its role."""
    if isinstance(statement, Definition):
        return _definition(statement)
    return _grant(statement)


def write_name(text: str) -> str:
    """A name, in quotes if it could not be read without."""
    return text if is_word(text) and text.lower() not in _KEYWORDS else quote(text)


_KEYWORDS = frozenset({"to", "in", "of", "where", "with", "id"})


def _definition(statement: Definition) -> Iterator[Piece]:
    yield Piece("effect", "define")
    yield Piece("symbol", statement.symbol)
    yield from _name(statement.name, "name")
    yield Piece("keyword", "as")
    yield Piece("id", statement.id)


def _grant(statement: Grant) -> Iterator[Piece]:
    yield Piece("effect", statement.effect)
    yield from _subject(statement.subject)
    if statement.source is not None:
        yield Piece("keyword", "of")
        yield from _location(statement.source)
    yield Piece("keyword", "to")
    yield from _action(statement)
    yield Piece("keyword", "in")
    yield from _location(statement.location)
    if statement.association is not None:
        yield Piece("keyword", "with")
        yield Piece("resource", statement.association.resource.text)
        yield Piece("keyword", "in")
        yield from _location(statement.association.location)
    if statement.condition is not None:
        yield Piece("keyword", "where")
        yield from _condition(statement.condition)


def _subject(subject: Subject) -> Iterator[Piece]:
    yield Piece("subject", subject.kind)
    for position, member in enumerate(subject.members):
        if position:
            yield _COMMA
        if isinstance(member, Ocid):
            yield Piece("keyword", "id")
            yield Piece(subject.kind, member.text)
        elif subject.kind == "resource":
            yield Piece("service", write_name(member.domain or ""))
            yield Piece("resource", write_name(member.text))
        else:
            yield from _name(member, subject.kind)


def _name(name: Name, role: str) -> Iterator[Piece]:
    if name.domain is None:
        yield Piece(role, write_name(name.text))
    else:
        yield Piece("domain", quote(name.domain))
        yield Piece("mark", "/", "")
        yield Piece(role, quote(name.text), "")


def _action(statement: Grant) -> Iterator[Piece]:
    if statement.verb is not None:
        yield Piece("verb", statement.verb)
    else:
        yield Piece("mark", "{")
        yield from _listed("permission", statement.permissions)
        yield Piece("mark", "}", "")
    for position, resource in enumerate(statement.resources):
        if position:
            yield _COMMA
        yield Piece("resource", resource.text)


def _listed(role: str, words: tuple[Word, ...]) -> Iterator[Piece]:
    for position, word in enumerate(words):
        if position:
            yield _COMMA
        yield Piece(role, word.text, " " if position else "")


def _location(location: Location) -> Iterator[Piece]:
    if location.scope == "compartment":
        yield Piece("location", "compartment")
        if location.id is not None:
            yield Piece("keyword", "id")
            yield Piece("compartment", location.id)
        for position, name in enumerate(location.path):
            if position:
                yield Piece("mark", ":", "")
            yield Piece("compartment", write_name(name), "" if position else " ")
        if location.tenancy is not None:
            yield Piece("keyword", "of")
            yield Piece("location", "tenancy")
    else:
        yield Piece("location", location.scope)
    if location.tenancy is not None:
        yield Piece("tenancy", write_name(location.tenancy))


def _condition(condition: Condition, space: str = " ") -> Iterator[Piece]:
    if isinstance(condition, Group):
        yield Piece("joined by", condition.mode, space)
        yield Piece("mark", "{")
        for position, item in enumerate(condition.items):
            if position:
                yield _COMMA
            yield from _condition(item, " " if position else "")
        yield Piece("mark", "}", "")
    elif isinstance(condition, Presence):
        if condition.negated:
            yield Piece("operator", "not", space)
        yield Piece("variable", condition.variable.text, " " if condition.negated else space)
    elif isinstance(condition, Call):
        yield from _call(condition, space)
    else:
        yield from _comparison(condition, space)


def _call(call: Call, space: str) -> Iterator[Piece]:
    yield Piece("function", call.function, space)
    yield Piece("mark", "(", "")
    for position, argument in enumerate(call.arguments):
        if position:
            yield _COMMA
        if isinstance(argument, tuple):
            yield from _values(argument, " " if position else "")
        else:
            yield _operand(argument, " " if position else "")
    yield Piece("mark", ")", "")


def _comparison(comparison: Comparison, space: str) -> Iterator[Piece]:
    yield Piece("variable", comparison.left.text, space)
    yield Piece("operator", comparison.operator)
    if comparison.operator in ("in", "not in"):
        yield from _values(comparison.right, " ")
        return
    for position, operand in enumerate(comparison.right):
        if position:
            yield Piece("keyword", "and")
        yield _operand(operand, " ")


def _values(operands: tuple[Operand, ...], space: str) -> Iterator[Piece]:
    yield Piece("mark", "(", space)
    for position, operand in enumerate(operands):
        if position:
            yield _COMMA
        yield _operand(operand, " " if position else "")
    yield Piece("mark", ")", "")


def _operand(operand: Operand, space: str) -> Piece:
    if isinstance(operand, Text):
        return Piece("value", quote(operand.text), space)
    if isinstance(operand, Pattern):
        return Piece("pattern", f"/{operand.text}/", space)
    assert isinstance(operand, Variable)
    return Piece("variable", operand.text, space)


_COMMA = Piece("mark", ",", "")
