"""JSON from a file that somebody else may have written: a regular file, of bounded size and depth, that means one thing only."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from genai_iac.core.errors import UsageError
from genai_iac.core.input_files import InputFileError, read_input_file

MOST_BYTES = 64 * 1024 * 1024  # a plan of 10,000 changes has some 30 MiB
MOST_LEVELS = 64  # a plan has eight, and what policies and tags bring
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def read_regular_file(file: Path, flag: str) -> bytes:
    """The bytes of a regular file. Raises UsageError that names the flag: for a FIFO, a device, a directory, too many bytes.

    A link is followed: CI systems mount files as links.
    """
    try:
        return read_input_file(file, MOST_BYTES)
    except InputFileError as error:
        raise UsageError(f"{flag} {file}: {error}") from error


def parse_json(data: bytes) -> Any:
    """The document. Raises ValueError for what is not JSON, is nested too deep, names a key twice or has a number that is none."""
    if _depth(data) > MOST_LEVELS:
        raise ValueError(f"it is nested deeper than {MOST_LEVELS} levels")
    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=_unique,
        parse_constant=_no_number,
        parse_float=_finite,
        parse_int=_short,
    )


def _depth(data: bytes) -> int:
    """The number of brackets open at once, at most; counted beforehand, because parsers differ in what they survive."""
    level = deepest = 0
    for match in _BRACKETS.finditer(data):
        if match[0] in b"[{":
            level += 1
            deepest = max(deepest, level)
            if deepest > MOST_LEVELS:
                break
        elif match[0] in b"]}":
            level -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number in it is too large")
    return number


def _short(text: str) -> int:
    if len(text) > 32:
        raise ValueError("a number in it is too long")
    return int(text)
