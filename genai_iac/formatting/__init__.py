"""The canonical layout of a manifest file (`fmt`). Pure: text in, text out.

For: one order and indentation; comments, values, quotes and line breaks inside values are kept.
In: YAML text. Out: YAML text that means the same, or an error; the result is read again and compared.
Must not know: kinds, the tenancy.
Documents begin with apiVersion, kind, metadata, spec; two spaces a level, lists one level below their key; one `---` between
documents, at most one blank line in a row. A modeline for editors is completed: each document gets that of the file's first.
"""

from __future__ import annotations

from genai_iac.core.errors import IacError, ManifestError
from genai_iac.formatting.documents import join_documents, split_documents
from genai_iac.formatting.lines import find_comments, format_lines, read_tokens
from genai_iac.formatting.modelines import complete_modelines
from genai_iac.manifest.yaml_nodes import to_data
from genai_iac.manifest.yaml_reader import read_yaml

__all__ = ["format_text"]


def format_text(text: str, file: str) -> str:
    """The text in canonical layout. Raises ManifestError for what the strict reader refuses, IacError when it cannot be kept as it is.

    Args:
        text: without a byte order mark.
        file: name for messages.

    Raises:
        ManifestError: the strict reader refuses the text.
        IacError: the result would mean something else; nothing is changed then.
    """
    reading = read_yaml(text, file)
    if reading.problems:
        raise ManifestError(reading.problems)
    crlf = _ends_lines_with_crlf(text)
    text = text.replace("\r\n", "\n")
    tokens = read_tokens(text)  # once: the scanner that tells exact columns is most of the work
    documents, added = complete_modelines(split_documents(format_lines(text, tokens)))
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
