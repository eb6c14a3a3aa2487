"""A terminal as a value: how wide it is, whether it shows colours and more than ASCII. Turns texts into lines that fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from genai_iac.render.common.sanitize import columns, guard_lines

# what a text means, not which colour it has
Tone = Literal["add", "change", "remove", "danger", "deliver", "dim", "strong"]
_SGR: dict[Tone, str] = {  # parameters of ANSI's "select graphic rendition"
    "add": "32",
    "change": "33",
    "remove": "31",
    "danger": "1;31",
    "deliver": "36",
    "dim": "2",
    "strong": "1",
}
# A command to its end, or to that of its clause: what follows the verb may be words of the sentence or values.
_COMMAND = re.compile(
    r"genai-iac (?:--[a-z][^;]*? )?(?:access|apply|completion|destroy|doctor|drift|expiry|export|fmt|graph|import|init|lint|local|"
    r"output|permissions|plan|report|rotate|schema|show|snapshot|stacks|status|test|validate|version)\b[^;]*"
)
_JOINED = "\0"  # stands for a space at which no line ends; no safe text has it
# A whole OCID, whose last part has 60 characters, or an opc-request-id: up to three parts of 32 hex digits
_IDENTIFIER = re.compile(r"ocid1\.[\w.-]*\w{40}|[0-9A-Fa-f]{32}(/[0-9A-Za-z_-]{1,64}){0,2}")
_LONGEST_IDENTIFIER = 300  # columns, with quotes and brackets; OCI allows 255
_NARROWEST = 40  # columns; narrower terminals get lines that are too long


class Terminal(Struct, frozen=True):
    """Where text goes. The default is what a file or a pipe gets."""

    width: int = 80  # columns
    colour: bool = False  # ANSI escapes may be written
    unicode: bool = True  # False: ASCII only

    def paint(self, text: str, tone: Tone | None) -> str:
        """The text in that tone, when there are colours."""
        return f"\x1b[{_SGR[tone]}m{text}\x1b[0m" if self.colour and tone and text else text

    def glyph(self, rich: str, plain: str) -> str:
        """The rich sign, or its ASCII stand-in."""
        return rich if self.unicode else plain

    @property
    def arrow(self) -> str:
        return self.glyph("→", "->")

    def wrap(self, text: str, first: str = "", rest: str = "", tone: Tone | None = None, longest: int = 0) -> list[str]:
        """The text in lines that fit, the first after `first`, the others after `rest`.

        Words longer than a line are broken, or left whole up to `longest` columns. An OCID and a command of this tool stay on one
        line, in a pipe too: they are copied, and searched for.

        Args:
            text: one line, safe already.
            first: before the first line.
            rest: before every other line.
            tone: of the text, not of what is before it.
            longest: columns of a word that is not broken, such as an address.
        """
        space = max(self.width, _NARROWEST)
        if len(first) + len(text) <= space and text.isascii() and first.isascii():  # most fit
            return [first + self.paint(text, tone)]
        words = _COMMAND.sub(lambda found: found[0].replace(" ", _JOINED), text).split(" ")
        lines = _fill(words, space - columns(first), space - columns(rest), longest)
        return [
            (rest if index else first) + self.paint(line.replace(_JOINED, " "), tone)
            for index, line in enumerate(lines)
        ]

    def elide(self, text: str, space: int) -> str:
        """An OCID or a path shortened in its middle, so that both ends stay to be compared.

        Args:
            text: safe already.
            space: columns; below 12 nothing is shortened.
        """
        if columns(text) <= space or space < 12:
            return text
        end = self.glyph("…", "..") + text[-8:]
        return _cut(text, space - columns(end)) + end

    def join(self, lines: Iterable[str]) -> str:
        """The lines as one text that ends its last line; where only ASCII can be shown, the rest stands as escapes."""
        text = guard_lines("\n".join(line.rstrip(" ") for line in lines) + "\n")
        return text if self.unicode else text.encode("ascii", "backslashreplace").decode("ascii")


def _fill(words: Iterable[str], first: int, rest: int, longest: int) -> Iterator[str]:
    line, used, space = "", 0, first
    started = False
    for word in words:
        size = columns(word)
        if started and used + 1 + size <= space:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if started:
            yield line
            space = rest
        started = True
        while size > max(space, longest) and not _is_whole(word, size):
            piece = _cut(word, space)
            yield piece
            word, space = word[len(piece) :], rest
            size = columns(word)
        line, used = word, size
    yield line


def _is_whole(word: str, size: int) -> bool:
    return _JOINED in word or (size <= _LONGEST_IDENTIFIER and _IDENTIFIER.search(word) is not None)


def _cut(word: str, space: int) -> str:
    if word.isascii():
        return word[: max(space, 1)]
    used = 0
    for index, character in enumerate(word):
        used += columns(character)
        if used > space:
            # At least one character, or a width below one would never end.
            return word[:index] or character
    return word
