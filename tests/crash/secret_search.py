"""Looks for secret values in anything: as they are, in base64 at any offset, hex, percent or backslash escapes, whole or a piece."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator

PIECE = 12  # characters in a row of the random part: no other text has them by chance
_PREFIX = "sk-"
_PLAIN = re.compile(rb"[A-Za-z0-9]{12,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F][ :]?){24,}")
_ESCAPES = {"percent": re.compile(rb"%([0-9a-fA-F]{2})"), "backslash": re.compile(rb"\\(?:x|u00)([0-9a-fA-F]{2})")}


class SearchedValues:
    """The pieces of some values."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._pieces: set[bytes] = set()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """One more value to look for."""
        self._pieces.update(_pieces(value.removeprefix(_PREFIX).encode()))

    def find(self, data: bytes) -> str | None:
        """The form in which one of the values is in there, or None."""
        return next((form for form, text in _readings(data) if self._has_piece(text)), None)

    def _has_piece(self, text: bytes) -> bool:
        return not all(self._pieces.isdisjoint(_pieces(run)) for run in set(_PLAIN.findall(text)))


def _pieces(text: bytes) -> Iterator[bytes]:
    return (text[start : start + PIECE] for start in range(len(text) - PIECE + 1))


def _readings(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The data, and what is in it for one who decodes it."""
    yield "as it is", data
    for form, escape in _ESCAPES.items():
        if escape.search(data):
            yield form, escape.sub(lambda found: bytes.fromhex(found[1].decode()), data)
    for run in set(_HEX.findall(data)):
        digits = re.sub(rb"[ :]", b"", run).decode()
        yield "hex", bytes.fromhex(digits[: len(digits) // 2 * 2])
        yield "hex", bytes.fromhex(digits[1 : 1 + (len(digits) - 1) // 2 * 2])
    for run in set(_BASE64.findall(data)):
        for skipped in range(4):  # where a group of four begins is not known
            group = run[skipped:].translate(bytes.maketrans(b"-_", b"+/"))
            yield "base64", base64.b64decode(group + b"A" * (-len(group) % 4))
