"""The searcher for leaked values finds every form of one, and nothing where there is none."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest

from .secret_search import PIECE, SearchedValues

CHANCE = random.Random("needles")
VALUE, OTHER = ("sk-" + "".join(CHANCE.choices(string.ascii_letters + string.digits, k=48)) for _ in range(2))

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "url": lambda text: quote(text, safe=""),
    "percent": lambda text: "".join(f"%{ord(character):02x}" for character in text),
    "percent in part": lambda text: "".join(f"%{ord(c):02X}" if c in "aeiouAEIOU" else c for c in text),
    "unicode escapes": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "bytes": lambda text: "".join(f"\\x{ord(character):02x}" for character in text),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex with spaces": lambda text: text.encode().hex(" "),
    "hex after a digit": lambda text: f"0{text.encode().hex()}",
    **{
        f"base64 after {before} bytes": lambda text, before=before: base64.b64encode(b"x" * before + text.encode()).decode()
        for before in range(4)
    },
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"??>>{text}".encode()).decode(),
    "base64 in a longer word": lambda text: f"Basic_x-y{base64.b64encode(text.encode()).decode()}",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("piece", [slice(None), slice(7, 7 + PIECE), slice(-PIECE, None)])
def test_a_planted_value_is_found(form: str, piece: slice) -> None:
    planted = f"error: cannot read '{FORMS[form](VALUE[piece])}' at line 3\n".encode()
    assert SearchedValues([OTHER, VALUE]).find(planted)
    assert SearchedValues([OTHER]).find(planted) is None


def test_masks_and_short_pieces_are_no_leak() -> None:
    assert SearchedValues([VALUE]).find(f"{VALUE[:5]}****{VALUE[-4:]} {VALUE[3 : 3 + PIECE - 1]}-".encode()) is None


def test_a_value_between_bytes_that_are_no_text_is_found() -> None:
    assert SearchedValues([VALUE]).find(b"\xff\x00" + VALUE.encode() + b"\x00\xfe") == "as it is"
