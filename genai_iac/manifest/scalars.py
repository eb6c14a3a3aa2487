"""What a plain YAML scalar means: the core tags of YAML 1.2, kept to what JSON can say. `no`, `on`, `010`, `1:30` and dates are strings."""

from __future__ import annotations

import math
import re

from genai_iac.manifest.nodes import Plain

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("-+.0123456789")
MAYBE_SPECIAL = _NUMBER_STARTS | {word[:1] for word in _WORDS}  # what begins otherwise is a string
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LARGEST = 2**63 - 1


def read_plain(text: str) -> Plain:
    """The value of an unquoted scalar. Raises ValueError for a number that JSON has not or that needs more than 64 bits."""
    if text in _WORDS:
        return _WORDS[text]
    return _read_number(text) if text[0] in _NUMBER_STARTS else text


def _read_number(text: str) -> Plain:
    if _INTEGER.fullmatch(text):
        return _within(text, 10)
    if _BASED.fullmatch(text):
        return _within(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            return number
        raise ValueError("a number that is too large")
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("infinity and not-a-number are not values here")
    return text


def _within(text: str, base: int) -> int:
    if len(text) <= 24:  # int() on thousands of digits is slow, and Python refuses it
        number = int(text, base)
        if -_LARGEST - 1 <= number <= _LARGEST:
            return number
    raise ValueError("a number that needs more than 64 bits")
