"""What the YAML parser complains of, in our words: libyaml and the Python parser speak differently, and both quote the file."""

from __future__ import annotations

TOO_DEEP = ("lists and mappings are nested more than 32 deep", "write it flatter")
# Parts of the parsers' messages, in lower case; the first match wins.
_WORDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("tab character", "'\\t'"), "a tab where YAML wants spaces", "indent with spaces"),
    (("cannot start any token",), "a value cannot begin with this character", "put quotes around the value"),
    (
        ("expected ',' or",),
        "this list or mapping in brackets is not closed, or a comma is missing",
        "close it, or put quotes around values with , : ? [ ] { }",
    ),
    (("unclosed",), "a bracket is not closed", "close it"),
    (("find expected ':'",), "a key without its colon", "write key: value"),
    (
        ("mapping values are not allowed", "found unexpected ':'"),
        "a colon that begins no value here",
        "put quotes around text with a colon in it",
    ),
    (
        ("mapping keys are not allowed", "sequence entries are not allowed"),
        "this does not fit the lines before it",
        "check the indentation",
    ),
    (
        ("expected <block end>", "expected key", "expected '-' indicator"),
        "this does not fit the lines before it",
        "check the indentation",
    ),
    (("<document start>",), "text after the end of a document", "begin the next document with ---"),
    (("end of stream",), "the file ends inside a quoted text", "close the quotes"),
    (("document separator", "document indicator"), "a document ends inside a quoted text", "close the quotes"),
    (
        ("escape", "hexdecimal", "hexadecimal"),
        "an escape that YAML does not know",
        "use single quotes, or double the backslash",
    ),
    (
        ("chomping", "indentation indicator", "comment or a line break", "comment or line break"),
        "a block text (| or >) with something else on its first line",
        "begin the text on the next line",
    ),
    (("tag", "'!'", "uri"), "a tag (!) that cannot be read", "remove it"),
    (("directive", "version", "%"), "a directive (%) that cannot be read", "remove it"),
    (("node content",), "a value is missing here", "write one, or put quotes around the text"),
    (
        ("alphabetic or numeric",),
        "an anchor or alias (& or *) that cannot be read",
        "put quotes around text that begins with & or *",
    ),
)


def is_nesting_limit(problem: str) -> bool:
    """Whether the parser refuses how deep lists and mappings are nested (libyaml since PyYAML 6.0.4).

    Args:
        problem: the parser's message.
    """
    return "nesting" in problem.lower()


def translate_parser_error(problem: str) -> tuple[str, str]:
    """What is wrong and what to do, for a parser's complaint.

    Parsers quote the file in their messages, and a file may hold a value, so their text is
    never shown.
    """
    complaint = problem.lower()
    if is_nesting_limit(problem):
        return TOO_DEEP
    for signs, message, hint in _WORDS:
        if any(sign in complaint for sign in signs):
            return message, hint
    return "this is not YAML", "check the indentation and the quotes"
