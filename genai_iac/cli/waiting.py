"""What an apply says while nothing lands: that it goes on, with what, and for how long already."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from genai_iac.model import Address
from genai_iac.render.foreign import named
from genai_iac.render.words import count, elapsed_words

FIRST, AGAIN = 10.0, 30.0  # seconds until the first word, and between two


class Waiting:
    """Told again and again what is under way, it speaks up now and then."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._since: dict[Address, float] = {}
        self._next = clock() + FIRST

    def __call__(self, under_way: Sequence[Address]) -> None:
        """Say so when it is time; `under_way` are the changes that have begun and not ended, the oldest first."""
        now = self._clock()
        self._since = {address: self._since.get(address, now) for address in under_way}
        if now < self._next or not under_way:
            return
        self._next = now + AGAIN
        oldest, *others = under_way
        beside = f" and {count(len(others), 'other change')}" if others else ""
        waited = elapsed_words(timedelta(seconds=now - self._since[oldest]))
        self._say(f"  ... still at {named(oldest)}{beside}, for {waited}\n")
