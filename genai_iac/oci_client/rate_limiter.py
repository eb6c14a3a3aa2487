"""The pace of all calls of one client: a 429 that one call receives slows down every other call too.

Each call retried by itself, and ten threads went on asking a service that had refused nine of them. Now the first 429 holds
back all calls (for as long as its Retry-After says), afterwards calls start apart from each other, and each success brings
the full speed closer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 8.0  # seconds in which no call starts, after a 429 that does not say how long
_FIRST_GAP, _LONGEST_GAP = 0.02, 1.0  # seconds between the starts of two calls
_LONGEST_WAIT = 120.0  # seconds of a Retry-After that are waited for
_RECOVERY = 0.8  # what a success leaves of the gap
_NO_GAP = 0.002  # seconds; below it calls start when they like


class RateLimiter:
    """Says when the next call may start. Safe to share between threads; times are seconds of `clock`.

    Args:
        clock: seconds; tests give their own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._not_before = 0.0  # no call starts earlier
        self._gap = 0.0  # between two calls
        self._pause = _FIRST_PAUSE
        self._since = 0.0  # when the present pace was chosen: a 429 to a call that started before says nothing new

    @property
    def gap(self) -> float:
        """The seconds between the starts of two calls; 0 at full speed."""
        return self._gap

    def reserve(self) -> float:
        """Take the next free start; answers for how many seconds to wait until it.

        The caller sleeps; the limiter never does.
        """
        with self._lock:
            now = self._clock()
            start = max(now, self._not_before)
            if self._gap:
                self._not_before = start + self._gap
            return start - now

    def slow_down(self, began: float, retry_after: float | None) -> None:
        """A call that started at `began` was answered 429. Several at once count as one; the longest Retry-After holds.

        Args:
            began: `clock` time at which the refused call was sent.
            retry_after: seconds from the header, None without one; more than 120 are cut.
        """
        with self._lock:
            now = self._clock()
            if retry_after is not None:
                self._not_before = max(self._not_before, now + min(retry_after, _LONGEST_WAIT))
            if began < self._since:
                return
            self._since = now
            self._gap = min(max(self._gap * 2, _FIRST_GAP), _LONGEST_GAP)
            if retry_after is None:
                self._not_before = max(self._not_before, now + self._pause)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def speed_up(self) -> None:
        """A call was answered otherwise: some of the pace comes back.

        Called for errors other than 429 too: the service was not busy.
        """
        if not self._gap and self._pause == _FIRST_PAUSE:
            return
        with self._lock:
            self._gap = self._gap * _RECOVERY if self._gap * _RECOVERY > _NO_GAP else 0.0
            self._pause = max(self._pause / 2, _FIRST_PAUSE)
