"""Makes foreign text safe to print: names, descriptions, tags and messages that a colleague or a service wrote.

Promise: the result is one line of printable characters; nothing in it moves the cursor, reorders or hides text, or commands a runner.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from genai_iac.core.address import Address

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}  # escapes that people know
# printable by Unicode's book, but nothing is seen: fillers, joiners, blank braille, variation selectors
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Latin letters, dashes, quotation marks and arrows: where they are printable nothing in them hides or combines
_PLAIN_TEXT = re.compile("[\x20-\u02ff\u2010-\u2027\u2190-\u21ff]*")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z]+/[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # `Kind/name` as manifests allow it
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")  # attribute names that need no quotes
# GitHub Actions takes `::command::` at the start of a line, also behind colours.
_COMMAND_AT_START = re.compile(r"^((?:\x1b\[[0-9;]*m|\s)*)::", re.MULTILINE)
_MARKS_IN_A_ROW = 2  # enough for every living script; more is there to paint over the neighbours


def escape_control(text: str, limit: int | None = None) -> str:
    """The text with everything unsafe as a visible escape (`\\x1b`, `\\u202e`); past `limit` characters it says how many more there are.

    Args:
        text: foreign text.
        limit: characters that are kept; None: all.
    """
    text, rest = (
        (text, "")
        if limit is None or len(text) <= limit
        else (text[:limit], f"... (+{len(text) - limit:,} characters)")
    )
    if not (text.isprintable() and (text.isascii() or _PLAIN_TEXT.fullmatch(text))):
        text = "".join(_escape_unsafe(text))
    # the Actions runner takes `##[command]` from anywhere in a line (actions/runner, ActionCommand.TryParse)
    return text.replace("##[", "#\\x23[") + rest


def quoted(text: str, limit: int | None = None) -> str:
    """The text between double quotes, unambiguous: its own quotes and backslashes are escaped too.

    Args:
        text: foreign text.
        limit: characters that are kept; None: all.
    """
    text, rest = (
        (text, "")
        if limit is None or len(text) <= limit
        else (text[:limit], f"... (+{len(text) - limit:,} characters)")
    )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escape_control(escaped)}"{rest}'


def named(address: Address) -> str:
    """The address as it is when it has the form of one, quoted otherwise (an address may come from a live tag)."""
    text = str(address)
    return text if _PLAIN_ADDRESS.fullmatch(text) else quoted(text, 120)


def dotted(path: tuple[str, ...]) -> str:
    """A path into attributes, `secrets.key-one.expires`; a part that is not a plain word is quoted."""
    return ".".join(part if _PLAIN_KEY.fullmatch(part) else quoted(part, 120) for part in path)


def guard_lines(text: str) -> str:
    """The text with no line that a CI runner takes for a command: `::` at the start of a line loses its first colon to an escape."""
    return _COMMAND_AT_START.sub(r"\1\\x3a:", text)


def columns(text: str) -> int:
    """How many terminal columns a visible text takes.

    Args:
        text: without control characters.
    """
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def _escape_unsafe(text: str) -> list[str]:
    out: list[str] = []
    marks = _MARKS_IN_A_ROW  # a mark at the very start would sit on what stands before the value
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me") else 0
        hidden = marks > _MARKS_IN_A_ROW or _UNSEEN.match(character) or not character.isprintable()
        out.append(_escape(character) if hidden else character)
    return out


def _escape(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@lru_cache(maxsize=4096)
def _columns_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
