"""JSON Schema's patterns are ECMAScript's: `$` is the very end, `\\d` is ASCII. With Python's a trailing line break slips through."""

from __future__ import annotations

import re
from functools import cache

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


@cache
def compile_ecma(pattern: str) -> re.Pattern[str]:
    """The pattern as JSON Schema means it. Raises re.error."""
    return re.compile(_TOKEN.sub(lambda token: r"\Z" if token[0] == "$" else token[0], pattern), re.ASCII)
