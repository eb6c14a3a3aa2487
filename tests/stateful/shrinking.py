"""The fewest steps that still fail, found by leaving out ever smaller pieces."""

from __future__ import annotations

from collections.abc import Callable

from .harness import Step

_MOST = 60  # tries: each takes the whole walk anew


def shorten(steps: list[Step], fails: Callable[[list[Step], int], bool]) -> list[Step]:
    """Leave out halves, then quarters, at last single steps. `fails` is given the steps and the number of the try."""
    tries, size = 0, len(steps) // 2
    while size and tries < _MOST:
        start = 0
        while start < len(steps) and tries < _MOST:
            fewer = steps[:start] + steps[start + size :]
            tries += 1
            if fails(fewer, tries):
                steps = fewer
            else:
                start += size
        size //= 2
    return steps
