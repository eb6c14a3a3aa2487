"""What kind of token each hole of a template is part of, told from where its character ended up in the tree."""

from collections.abc import Iterator
from typing import Literal

from .cut import hole_numbers
from .tree import (
    Call,
    Comparison,
    Condition,
    Definition,
    Group,
    Location,
    Ocid,
    Operand,
    Pattern,
    Statement,
    Subject,
    Text,
)

HoleKind = Literal["name", "path", "ocid", "value", "pattern", "variable", "permission", "verb", "resource"]


def find_kinds(tree: Statement, names: tuple[str, ...]) -> dict[int, HoleKind]:
    """The kind of every hole. One that alone is a step of a compartment's path takes a path if its name ends in ``.path``."""
    kinds: dict[int, HoleKind] = {}
    for kind, text in _leaves(tree):
        for number in hole_numbers(text):
            takes_path = kind == "path" and len(text) == 1 and names[number].endswith(".path")
            kinds[number] = "name" if kind == "path" and not takes_path else kind
    return kinds


Leaf = tuple[HoleKind, str]


def _leaves(tree: Statement) -> Iterator[Leaf]:
    if isinstance(tree, Definition):
        yield "name", tree.name.domain or ""
        yield "name", tree.name.text
        yield "ocid", tree.id
        return
    yield from _subject(tree.subject)
    yield "verb", tree.verb or ""
    for resource in tree.resources:
        yield "resource", resource.text
    for permission in tree.permissions:
        yield "permission", permission.text
    yield from _location(tree.location)
    if tree.source is not None:
        yield from _location(tree.source)
    if tree.association is not None:
        yield "resource", tree.association.resource.text
        yield from _location(tree.association.location)
    if tree.condition is not None:
        yield from _condition(tree.condition)


def _subject(subject: Subject) -> Iterator[Leaf]:
    for member in subject.members:
        if isinstance(member, Ocid):
            yield "ocid", member.text
        else:
            yield "name", member.domain or ""
            yield "resource" if subject.kind == "resource" else "name", member.text


def _location(location: Location) -> Iterator[Leaf]:
    yield "ocid", location.id or ""
    yield "name", location.tenancy or ""
    for name in location.path:
        yield "path", name


def _condition(condition: Condition) -> Iterator[Leaf]:
    if isinstance(condition, Group):
        for item in condition.items:
            yield from _condition(item)
    elif isinstance(condition, Comparison):
        yield "variable", condition.left.text
        yield from map(_operand, condition.right)
    elif isinstance(condition, Call):
        for argument in condition.arguments:
            yield from map(_operand, argument if isinstance(argument, tuple) else (argument,))
    else:
        yield "variable", condition.variable.text


def _operand(operand: Operand) -> Leaf:
    if isinstance(operand, Text):
        return "value", operand.text
    return "pattern" if isinstance(operand, Pattern) else "variable", operand.text
