"""From the nodes of a document to plain data: every `${…}` read, every reference remembered with its place."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice
from typing import Any

from genai_iac.core import InterpolatedText, Path, Reference, Source
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.placeholders import PlaceholderErrors, Scope, Unknown, interpolate, interpolate_statement
from genai_iac.manifest.yaml_nodes import MapNode, Node, Scalar, Written, to_data

BROKEN = InterpolatedText("", ())  # stands where a hole could not be read; nothing more is said about it

_SIGN = re.compile(r"\$?\$\{")


class Interpolation:
    """The values of one document. `references` are those its holes name, with their places; `broken` says that a hole could not be read.

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
        for name, target in value.holes:
            if isinstance(target, Reference):
                number = len(_SIGN.findall(text, 0, text.index(f"${{{name}}}")))
                self.references.append((target, self._place(node, number)))

    def _place(self, node: Scalar, number: int) -> Source:
        """Where the string's `${` of that number stands in the file; where the string begins when escapes hide it."""
        text = self._written.text
        sign = next(islice(_SIGN.finditer(text, node.start, node.end), number, None), None)
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
