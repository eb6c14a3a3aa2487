"""Cooperative cancellation for all sleeps, so that an interrupted run never waits for a retry.

Every wait of a run goes through `CancelToken.rest`. A plain `time.sleep` in a retry loop would hold an interrupted apply for minutes
(tests/plan_apply/test_interruption.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

# A request that failed once may hold a value that was just created. Two seconds let it
# be repeated before the run ends.
_GRACE = 2.0  # seconds in which the request in hand may still be tried again
_SLICE = 0.1  # seconds


class CancelToken:
    """Set once, from any thread or a signal handler; read by everything that waits."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._since = 0.0

    def set(self) -> None:
        """Ask the run to end.

        Only the first call counts: a second signal does not start the two seconds again.
        """
        if not self._event.is_set():
            self._since = time.monotonic()
            self._event.set()

    def is_set(self) -> bool:
        """Whether the run is to end: nothing new is started."""
        return self._event.is_set()

    def rest(self, seconds: float) -> bool:
        """Sleep `seconds`. Returns False when cancelled, at most two seconds after `set`.

        Args:
            seconds: by the monotonic clock; 0 or less returns at once.

        Returns:
            True when the whole time has passed, so the caller may try again.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._is_over():
                return False
            # Short sleeps instead of `Event.wait`: a wait that `set` ends at once would not leave
            # the two seconds.
            time.sleep(min(left, _SLICE))
        return not self._is_over()

    def pauses(self, limit: float, *, first: float = 0.1, longest: float = 5.0) -> Iterator[bool]:
        """True after each pause before another read of something that changes by itself; ends after `limit` seconds, or when cancelled.

        Args:
            limit: seconds in all, by the monotonic clock.
            first: the first pause, in seconds; each is half as long again as the one before.
            longest: no pause is longer.
        """
        began, pause = time.monotonic(), first
        while time.monotonic() - began < limit and self.rest(pause):
            yield True
            pause = min(pause * 1.5, longest)

    def _is_over(self) -> bool:
        return self._event.is_set() and time.monotonic() - self._since > _GRACE
