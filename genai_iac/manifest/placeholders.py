"""Placeholders, `${…}` in strings: reading them, and the value that a string has once variables are known. References stay references.

A document's nodes become plain data here: every placeholder is read, and every reference is remembered with its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias

from msgspec import Struct

from genai_iac.core import Address, InterpolatedText, Path, Reference, Source, StatementText
from genai_iac.core.errors import join_or, show, suggest, suggest_or_list
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.yaml_nodes import MapNode, Node, Scalar, Written, to_data

VariableValue: TypeAlias = str | int | float | bool
PlaceholderValue: TypeAlias = VariableValue | Reference

_SIGN = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_VARIABLE = re.compile(r"var\.([A-Za-z_][A-Za-z0-9_-]*)")
_REFERENCE = re.compile(r"([A-Za-z]+)/([a-z0-9-]+)\.([A-Za-z]+)")
_FORMS = "write ${var.NAME}, ${Kind/NAME.id}, ${Compartment/NAME.name}, ${Compartment/NAME.path} or ${Stack.name}; $${ is a literal ${"
_LITERAL = "a literal ${ cannot be combined with placeholders in a policy statement"
_UNCLOSED = "${"  # no placeholder can say that: its text holds no brace
_MOST_ERRORS = 20  # of one string


class PlaceholderError(ValueError):
    """A placeholder that says nothing. `number` counts the `${` of the string from 0.

    Args:
        number: which `${` of the string.
        message: what is wrong.
        hint: what to write.
    """

    def __init__(self, number: int, message: str, hint: str) -> None:
        super().__init__(message)
        self.number, self.message, self.hint = number, message, hint


class PlaceholderErrors(Exception):
    """Everything that is wrong with the placeholders of one string."""

    def __init__(self, errors: Iterable[PlaceholderError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(map(str, self.errors)))


class TextPart(Struct, frozen=True):
    """A part of a string: literal text, or what stands in a placeholder. `number` counts the `${` of the string from 0."""

    text: str
    is_placeholder: bool
    number: int


class Scope(Struct, frozen=True):
    """What placeholders may name. `variables` None: the Stack could not be read, so no variable is known to be wrong."""

    stack: str | None  # its name; None: not known
    variables: Mapping[str, VariableValue] | None
    # kind to the fields that a reference may end in
    kinds: Mapping[str, Collection[str]]  # with what a reference to each may end in
    references: bool = True  # whether references may stand here


class Unknown(Exception):
    """The value depends on something that is wrong elsewhere and was said there."""


def interpolate(text: str, scope: Scope) -> PlaceholderValue | InterpolatedText:
    """The value of a string. Raises PlaceholderErrors, Unknown.

    A string that is one placeholder has its value, whatever its type; one with references becomes an InterpolatedText
    that keeps every placeholder as written.

    Args:
        text: with at least one `${`.
        scope: what may be named.
    """
    pieces = list(_split(text))
    values = _read_all(pieces, scope)
    if len(pieces) == 1:
        return values[0]
    if any(isinstance(value, Reference) for value in values):
        return InterpolatedText(text, _keep(pieces, values))
    return "".join(map(_write, values))


def interpolate_statement(text: str, scope: Scope) -> str | StatementText:
    """A policy statement keeps every placeholder, so that a value can only ever be a token of it. Raises PlaceholderErrors, Unknown.

    Args:
        text: a policy statement.
        scope: what may be named.
    """
    pieces = list(_split(text))
    values = _read_all(pieces, scope)
    if not any(piece.is_placeholder for piece in pieces):
        return "".join(map(_write, values))
    literals = (piece for piece in pieces if not piece.is_placeholder and "${" in piece.text)
    if errors := [PlaceholderError(piece.number, _LITERAL, "remove it") for piece in literals]:
        raise PlaceholderErrors(errors)
    return StatementText(text, _keep(pieces, values))


def _read_all(pieces: Iterable[TextPart], scope: Scope) -> list[PlaceholderValue]:
    """The value of each part. All errors of a string are collected before one is raised."""
    values: list[PlaceholderValue] = []
    errors: list[PlaceholderError] = []
    unknown = False
    for piece in pieces:
        try:
            values.append(_read(piece, scope) if piece.is_placeholder else piece.text)
        except PlaceholderError as error:
            errors.append(error)
        except Unknown:
            unknown = True
    if errors:
        raise PlaceholderErrors(errors[:_MOST_ERRORS])
    if unknown:
        raise Unknown
    return values


def _keep(pieces: Iterable[TextPart], values: Iterable[PlaceholderValue]) -> tuple[tuple[str, str | Reference], ...]:
    """Each placeholder with its text or reference, by its text between the braces."""
    placeholders = {piece.text: value for piece, value in zip(pieces, values, strict=True) if piece.is_placeholder}
    return tuple(
        (name, value if isinstance(value, Reference) else _write(value)) for name, value in placeholders.items()
    )


def _write(value: PlaceholderValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _split(text: str) -> Iterator[TextPart]:
    """Literal parts and placeholders, in order. `$${` becomes a literal `${`."""
    here = 0
    for number, sign in enumerate(_SIGN.finditer(text)):
        if sign.start() > here:
            yield TextPart(text[here : sign.start()], False, number)
        here = sign.end()
        if sign[0] == "$${":
            yield TextPart("${", False, number)
        elif sign[1] is None:
            yield TextPart(_UNCLOSED, True, number)
        else:
            yield TextPart(sign[1], True, number)
    if here < len(text):
        yield TextPart(text[here:], False, -1)


def _read(piece: TextPart, scope: Scope) -> PlaceholderValue:
    """What one placeholder stands for."""
    if piece.text == _UNCLOSED:
        raise PlaceholderError(piece.number, "a ${ without its }", _FORMS)
    if piece.text == "Stack.name":
        if scope.stack is None:
            raise Unknown
        return scope.stack
    if variable := _VARIABLE.fullmatch(piece.text):
        return _read_variable(piece, variable[1], scope)
    if reference := _REFERENCE.fullmatch(piece.text):
        return _read_reference(piece, reference, scope)
    raise PlaceholderError(piece.number, "this ${…} is not one that manifests know", _FORMS)


def _read_variable(piece: TextPart, name: str, scope: Scope) -> VariableValue:
    """The value of a variable. Raises Unknown when the Stack could not be read."""
    if scope.variables is None:
        raise Unknown
    if name not in scope.variables:
        hint = suggest_or_list(name, scope.variables) or "the Stack declares no variables"
        raise PlaceholderError(piece.number, f"no variable {show(name)} is declared in the Stack", hint)
    return scope.variables[name]


def _read_reference(piece: TextPart, match: re.Match[str], scope: Scope) -> Reference:
    """A reference to a resource. Whether it is declared is checked later, when all documents are read."""
    kind, name, field = match.groups()
    if not scope.references:
        raise PlaceholderError(
            piece.number,
            "references cannot stand here: this must be known before the resources are",
            "write the value, or ${var.NAME}",
        )
    if kind not in scope.kinds:
        raise PlaceholderError(
            piece.number, f"no kind of resource is called {show(kind)}", suggest_or_list(kind, scope.kinds)
        )
    fields = scope.kinds[kind]
    if field not in fields:
        hint = suggest(field, fields) or f"write ${{{kind}/{show(name)}.{join_or(fields)}}}"
        raise PlaceholderError(piece.number, f"a reference to {kind} cannot end in .{show(field)}", hint)
    return Reference(Address(kind, name), field)  # type: ignore[arg-type]  # the field is one of the three


BROKEN = InterpolatedText("", ())  # stands where a placeholder could not be read; nothing more is said about it

_PLACEHOLDER_SIGN = re.compile(r"\$?\$\{")


class Interpolation:
    """The values of one document. `references` are those that its placeholders name, with their places; `broken`: one could not be read.

    Args:
        written: the document; its text gives positions of placeholders.
        scope: what placeholders may name.
        notes: gets the problems.
    """

    def __init__(self, written: Written, scope: Scope, notes: FileDiagnostics) -> None:
        self._written, self._scope, self._notes = written, scope, notes
        self.references: list[tuple[Reference, Source]] = []
        self.broken = False

    def read_spec(self, node: Node, statement_fields: Collection[str] = (), literal: Collection[str] = ()) -> Any:
        """The value of a whole `spec`; strings below `statement_fields` are policy statements, what is below `literal` is left alone.

        Args:
            node: below `spec`.
            statement_fields: keys of lists of policy statements.
            literal: keys whose texts are taken as they are.
        """
        if not isinstance(node, MapNode):
            return self._read(node, False)
        return {
            key: (to_data(value) if key in literal else self._read(value, key in statement_fields))
            for key, (_, value) in node.entries.items()
        }

    def _read(self, node: Node, statement: bool) -> Any:
        if isinstance(node, Scalar):
            value = node.value
            return self._fill(node, value, statement) if isinstance(value, str) and "${" in value else value
        if isinstance(node, MapNode):
            return {key: self._read(value, statement) for key, (_, value) in node.entries.items()}
        return [self._read(item, statement) for item in node.items]

    def _fill(self, node: Scalar, text: str, statement: bool) -> Any:
        """The value of one string with placeholders; BROKEN when one of them is wrong."""
        try:
            value = interpolate_statement(text, self._scope) if statement else interpolate(text, self._scope)
        except PlaceholderErrors as errors:
            for error in errors.errors:
                self._notes.add(self._place(node, error.number), error.message, error.hint)
            self.broken = True
            return BROKEN
        except Unknown:
            self.broken = True
            return BROKEN
        if isinstance(value, Reference):
            self.references.append((value, self._place(node, 0)))
        elif isinstance(value, InterpolatedText):
            self._remember(node, text, value)
        return value

    def _remember(self, node: Scalar, text: str, value: InterpolatedText) -> None:
        """Keep each reference of a text with the position of its placeholder."""
        for name, target in value.placeholders:
            if isinstance(target, Reference):
                number = len(_PLACEHOLDER_SIGN.findall(text, 0, text.index(f"${{{name}}}")))
                self.references.append((target, self._place(node, number)))

    def _place(self, node: Scalar, number: int) -> Source:
        """Where the string's `${` of that number stands in the file; where the string begins when escapes hide it."""
        text = self._written.text
        sign = next(islice(_PLACEHOLDER_SIGN.finditer(text, node.start, node.end), number, None), None)
        if sign is None:
            return self._written.place(node)
        lines = text.count("\n", node.start, sign.start())
        column = sign.start() - (text.rfind("\n", 0, sign.start()) if lines else node.start - node.column)
        return Source(self._written.file, node.line + lines, column)


def find_broken(value: Any, path: Path = ()) -> list[Path]:
    """Where BROKEN stands in a value.

    Args:
        value: a spec with BROKEN in it.
    """
    if value is BROKEN:
        return [path]
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in find_broken(item, (*path, key))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in find_broken(item, (*path, index))]
    return []
