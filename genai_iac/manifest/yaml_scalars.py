"""Free-form tags, which all kinds have: the Stack's, then the resource's own. OCI's limits leave room for the ownership tag."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from genai_iac.core import Document
from genai_iac.core.ownership import OWNERSHIP_TAG
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.yaml_nodes import Plain
from genai_iac.schema import show

# YAML 1.2's core schema. `yes`, `no`, `on` and `off` are strings, so a tag `no: Norway`
# stays one.
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
    """The value of an unquoted scalar. Raises ValueError for a number that JSON has not or that needs more than 64 bits.

    Args:
        text: without quotes.
    """
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
    """An integer of at most 64 bits."""
    if len(text) <= 24:  # int() on thousands of digits is slow, and Python refuses it
        number = int(text, base)
        if -_LARGEST - 1 <= number <= _LARGEST:
            return number
    raise ValueError("a number that needs more than 64 bits")


MOST = 9  # OCI takes ten; one is the ownership tag
MOST_BYTES = 4_700  # OCI takes 5 KB of JSON; the rest is for the ownership tag


def merge_tags(shared: Mapping[str, Any], document: Document, notes: FileDiagnostics) -> Mapping[str, Any]:
    """The tags of a resource; what OCI would not take is noted.

    Args:
        shared: the Stack's tags.
        document: whose own tags win.
    """
    tags = {**shared, **document.spec.get("tags", {})}
    check_tags(document, tags, notes)
    return tags


def check_tags(document: Document, tags: Mapping[str, Any], notes: FileDiagnostics) -> None:
    """Note tags that are too many, too long together, or ours alone.

    Args:
        tags: merged.
    """
    if OWNERSHIP_TAG in tags:
        notes.add(
            document.place("spec", "tags", OWNERSHIP_TAG, "~key"),
            f"the tag {OWNERSHIP_TAG} is the ownership tag, which only this tool writes",
            "remove it",
        )
    if len(tags) > MOST:
        message = f"{len(tags)} tags, those of the Stack included; OCI allows ten, one of which is the ownership tag"
        notes.add(document.place("spec", "tags"), message, f"keep {MOST}")
    elif sum(len(f"{key}{value}".encode()) + 6 for key, value in tags.items()) > MOST_BYTES:
        longest = max(tags, key=lambda key: len(str(tags[key])))
        notes.add(
            document.place("spec", "tags"),
            "the tags are longer together than the 5 KB that OCI takes",
            f"shorten {show(longest)}",
        )
