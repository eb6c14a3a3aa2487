"""From the bytes of a file to its text: UTF-8, a byte order mark left away, and without characters that a reader cannot see or trust."""

from __future__ import annotations

import re

from genai_iac.core import Source
from genai_iac.core.errors import Problem

MAX_BYTES = 1024 * 1024  # of one file
MAX_TOTAL = 32 * MAX_BYTES  # of all files together, or of standard input, which cannot be split: 40,000 resources or so
STDIN = "-"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_MARKS = ((b"\xff\xfe", "UTF-16 or UTF-32"), (b"\xfe\xff", "UTF-16"))
_BREAKS = r"\x85\u2028\u2029"  # line breaks for YAML 1.1, none for YAML 1.2 and editors
_BIDI = r"\u202a-\u202e\u2066-\u2069"  # make a line read otherwise than it is
# A character that changes how a line looks, or where it ends, would let a reviewer
# approve another text than the one that is read.
UNTRUSTED = re.compile(
    rf"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x84\x86-\x9f{_BREAKS}{_BIDI}\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)"
)


def decode(data: bytes, file: str) -> str | Problem:
    """The text, or what is wrong with it and where.

    Args:
        data: whole content of a file.
        file: as messages call it.

    Returns:
        The text, or the first problem: nothing after it can be trusted to have a position.
    """
    if file == STDIN and len(data) > MAX_TOTAL:
        hint = "give fewer manifests: every Stack is planned by itself"
        return Problem(Source(file, 1, 1), "standard input is larger than 32 MiB", hint)
    if file != STDIN and len(data) > MAX_BYTES:
        return Problem(
            Source(file, 1, 1), "the file is larger than 1 MiB", "split it; every file of the directory is read"
        )
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Problem(Source(file, 1, 1), f"the file is {name}", "save it as UTF-8 without a byte order mark")
    try:
        text = data.removeprefix(BYTE_ORDER_MARK).decode()  # Windows editors write it; it says nothing
    except UnicodeDecodeError as error:
        return Problem(_place(file, data[: error.start].decode()), "this is not UTF-8", "save the file as UTF-8")
    if found := UNTRUSTED.search(text):
        return Problem(
            _place(file, text[: found.start()]),
            f"the invisible character {name_character(found[0])} may not stand here",
            "remove it; inside a description write what it is meant to say",
        )
    return text


def name_character(character: str) -> str:
    """`U+001B`: how an invisible character is called in a message.

    Args:
        character: printed by its code point, because the character itself may be invisible.
    """
    return f"U+{ord(character[0]):04X}"


def _place(file: str, before: str) -> Source:
    """The position behind the text that was read so far."""
    return Source(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
