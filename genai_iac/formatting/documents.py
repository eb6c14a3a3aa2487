"""The documents of a file: what separates them, and the order of their keys. Each key takes the comments above it along."""

from __future__ import annotations

from genai_iac.formatting.lines import FormattedLine

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
