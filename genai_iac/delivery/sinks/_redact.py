"""Foreign text made fit to be quoted: no value in it in any form a program may have turned it into, and nothing that drives a terminal."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from genai_iac.core import Secret

_PIECE = 6  # characters in a row that give a value away
_COVER = "[secret]"


def redact_text(text: str, value: Secret | None) -> str:
    """The text with every piece of the value covered: plain, base64 at any offset, hex, URL or JSON form, in either case, whole or cut."""
    plain = "".join(character if character.isprintable() or character == "\n" else " " for character in text)
    return _cover(plain, _pieces(value)) if value else plain


def _pieces(value: Secret) -> frozenset[str]:
    return frozenset(
        form[start : start + _PIECE]
        for form in map(str.casefold, _forms(value))
        for start in range(max(1, len(form) - _PIECE + 1))
    )


def _forms(value: Secret) -> Iterator[str]:
    plain, raw = value.reveal(), value.reveal().encode()
    yield from (plain, plain[::-1], quote(plain, safe=""), quote_plus(plain), json.dumps(plain)[1:-1])
    yield from (raw.hex(), raw.hex(" "), raw.hex(":"))
    for before in range(3):
        # the first characters mix with whatever precedes the value, and so do the last with what follows
        encoded = base64.b64encode(b"\0" * before + raw).decode()[before + 1 if before else 0 :].rstrip("=")
        yield from (encoded, encoded.translate(str.maketrans("+/", "-_")))


def _cover(text: str, pieces: frozenset[str]) -> str:
    folded = "".join(character if len(character.casefold()) != 1 else character.casefold() for character in text)
    hidden = bytearray(len(text))
    for length in {len(piece) for piece in pieces}:
        for start in range(len(text) - length + 1):
            if folded[start : start + length] in pieces:
                hidden[start : start + length] = b"\1" * length
    return "".join(_runs(text, hidden))


def _runs(text: str, hidden: bytearray) -> Iterator[str]:
    for index, character in enumerate(text):
        if not hidden[index]:
            yield character
        elif not index or not hidden[index - 1]:
            yield _COVER
