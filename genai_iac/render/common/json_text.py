"""JSON as text that any terminal, log and parser takes: pure ASCII, values as they are once parsed."""

from __future__ import annotations

import json
from typing import Any


def write_json(value: Any, indent: int | None = None) -> str:
    """The value as JSON. Everything but printable ASCII is an escape; a lone surrogate, which no parser must take, is U+FFFD.

    Args:
        value: of JSON's types; keys are texts.
        indent: spaces of a level; None: one line without spaces.

    Raises:
        ValueError: NaN or an infinite number, which JSON does not have.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, indent=indent, separators=separators, allow_nan=False)
    if "\\ud" in text:  # a pair of surrogates, or one that lacks its partner
        text = json.dumps(_encodable(value), indent=indent, separators=separators, allow_nan=False)
    # a CI runner takes `##[command]` from anywhere in a line
    return text.replace("##[", "#\\u0023[")


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, (list, tuple)) else value
