"""The canonical layout of a manifest file (`fmt`). Pure: text in, text out.

For: one order and indentation; comments, values, quotes and line breaks inside values are kept.
In: YAML text. Out: YAML text that means the same, or an error; the result is read again and compared.
Must not know: kinds, the tenancy.

- Documents begin with apiVersion, kind, metadata, spec; two spaces a level, lists one level below their key; one `---` between
  documents, at most one blank line in a row. A key takes the comments above it along.
- Modelines for editors: yaml-language-server checks a document by the `# yaml-language-server: $schema=…` in that very document. A
  file whose first modeline names a schema gets the same line in each of its documents that are manifests and have none.
"""

from __future__ import annotations

import re

from genai_iac.core.errors import IacError, ManifestError
from genai_iac.formatting.lines import FormattedLine, find_comments, format_lines, read_tokens
from genai_iac.manifest.yaml_nodes import to_data
from genai_iac.manifest.yaml_reader import read_yaml

__all__ = ["format_text"]

# As in Kubernetes manifests; other keys follow in the order in which they were written.
_ORDER = ("apiVersion", "kind", "metadata", "spec")


def split_documents(lines: list[FormattedLine]) -> list[list[FormattedLine]]:
    """The lines of each document that says something; comments of one that says nothing go to the next.

    Returns:
        Lists that are not empty; their separators are left out, except a `---` with content
            on its line.
    """
    documents: list[list[FormattedLine]] = [[]]
    for line in lines:
        if line.what == "end" or (line.what == "separator" and line.text == "---"):
            if any(one.what in ("content", "inside", "separator") for one in documents[-1]):
                documents.append([])
            continue
        if line.what == "separator" and documents[-1]:
            documents.append([])
        documents[-1].append(line)
    return [document for document in documents if document]


def join_documents(documents: list[list[FormattedLine]]) -> str:
    """The text of the file, ending in one line feed; empty when nothing is in it."""
    texts = []
    for number, document in enumerate(documents):
        lines = _without_blanks(_in_order(document))
        if number and lines and lines[0].what != "separator":
            texts.append("---")
        texts.extend(line.text for line in lines)
    return "\n".join(texts) + "\n" if texts else ""


def _in_order(document: list[FormattedLine]) -> list[FormattedLine]:
    starts = [number for number, line in enumerate(document) if line.key is not None]
    if not starts:
        return document
    heads = [_begin(document, number) for number in starts]
    first = starts[0]
    last = _end(document)
    # What stands above the first key belongs to the document and not to the key: it stays
    # first.
    bounds = [first, *heads[1:], last]
    blocks = {
        str(document[start].key): document[bounds[index] : bounds[index + 1]] for index, start in enumerate(starts)
    }
    names = [name for name in _ORDER if name in blocks] + [name for name in blocks if name not in _ORDER]
    return [*document[:first], *(line for name in names for line in blocks[name]), *document[last:]]


def _begin(document: list[FormattedLine], key: int) -> int:
    """Where the comments begin that stand right above a key, at its own column."""
    while key and document[key - 1].what in ("comment", "blank") and not document[key - 1].text.startswith(" "):
        key -= 1
    return key


def _end(document: list[FormattedLine]) -> int:
    """Where the comments begin that end the document, at its own column."""
    return _begin(document, len(document))


def _without_blanks(lines: list[FormattedLine]) -> list[FormattedLine]:
    """No blank line at either end, and no two in a row; inside a value they are text."""
    kept: list[FormattedLine] = []
    for line in lines:
        if line.what != "blank" or (kept and kept[-1].what not in ("blank", "separator")):
            kept.append(line)
    while kept and kept[-1].what == "blank":
        kept.pop()
    return kept


def format_text(text: str, file: str, *, modelines: bool = True) -> str:
    """The text in canonical layout. Raises ManifestError for what the strict reader refuses, IacError when it cannot be kept as it is.

    Args:
        text: without a byte order mark.
        file: name for messages.
        modelines: whether documents that lack the file's modeline get it.

    Raises:
        ManifestError: the strict reader refuses the text.
        IacError: the result would mean something else; nothing is changed then.
    """
    reading = read_yaml(text, file)
    if reading.problems:
        raise ManifestError(reading.problems)
    crlf = _ends_lines_with_crlf(text)
    text = text.replace("\r\n", "\n")
    tokens = read_tokens(text)  # once: the scanner that gives exact columns is most of the work
    documents, added = split_documents(format_lines(text, tokens)), list[str]()
    if modelines:
        documents, added = complete_modelines(documents)
    laid_out = join_documents(documents)
    if laid_out == text:
        return _with_line_ends(text, crlf)
    # The result is read and compared, values and comments: a defect of the layout must
    # never reach the file.
    again = read_yaml(laid_out, file)
    same = [to_data(one.root) for one in reading.documents] == [to_data(one.root) for one in again.documents]
    if (
        again.problems
        or not same
        or sorted([*find_comments(text, tokens), *added]) != sorted(find_comments(laid_out, read_tokens(laid_out)))
    ):
        raise IacError(f"{file} cannot be laid out without changing what it says", hint="format it manually")
    return _with_line_ends(laid_out, crlf)


def _with_line_ends(text: str, crlf: bool) -> str:
    return text.replace("\n", "\r\n") if crlf else text


def _ends_lines_with_crlf(text: str) -> bool:
    """Whether the file is one of a Windows checkout: line endings are git's business, not ours."""
    found = text.count("\r\n")
    return found > 0 and found * 2 >= text.count("\n")


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
