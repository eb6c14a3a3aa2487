"""Tabs between YAML's tokens: libyaml takes some, the Python parser none, an editor shows neither. Here they are a mistake."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

_SIGN = re.compile(r"[\t#]")


def find_stray_tab(text: str, quoted: Sequence[tuple[int, int]]) -> int | None:
    """The index of the first tab outside comments and outside the `quoted` spans (in order, not overlapping), or None."""
    starts = [start for start, _ in quoted]

    def is_quoted(index: int) -> bool:
        span = bisect_right(starts, index) - 1
        return span >= 0 and index < quoted[span][1]

    here = 0
    while sign := _SIGN.search(text, here):
        index = here = sign.start()
        here += 1
        if is_quoted(index):
            continue
        if sign[0] == "\t":
            return index
        if index == 0 or text[index - 1].isspace():
            here = text.find("\n", index) + 1 or len(text)
    return None
