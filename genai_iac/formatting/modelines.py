"""Modelines for editors: yaml-language-server checks a document by the `# yaml-language-server: $schema=…` in that very document.

A file whose first modeline names a schema gets the same line in each of its documents that are ours and have none.
"""

from __future__ import annotations

import re

from genai_iac.formatting.lines import FormattedLine

_MODELINE = re.compile(r"#\s*yaml-language-server:\s*\$schema=\S")


def complete_modelines(documents: list[list[FormattedLine]]) -> tuple[list[list[FormattedLine]], list[str]]:
    """The documents with the modeline in each, and the comments that were added."""
    found = next((line.text for document in documents for line in document if _is_modeline(line)), None)
    if found is None:
        return documents, []
    completed = [_with(document, found) if _lacks(document) else document for document in documents]
    return completed, [found] * sum(map(_lacks, documents))


def _is_modeline(line: FormattedLine) -> bool:
    return line.what == "comment" and _MODELINE.match(line.text) is not None


def _lacks(document: list[FormattedLine]) -> bool:
    ours = any(line.key == "apiVersion" and "genai-iac/" in line.text for line in document)
    return ours and not any(map(_is_modeline, document))


def _with(document: list[FormattedLine], modeline: str) -> list[FormattedLine]:
    """The modeline comes first, behind the document's separator."""
    at = max((number + 1 for number, line in enumerate(document) if line.what == "separator"), default=0)
    return [*document[:at], FormattedLine(modeline, "comment"), *document[at:]]
