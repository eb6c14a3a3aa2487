"""Cooperative cancellation for all sleeps, so that an interrupted run never waits for a retry."""

from __future__ import annotations

import threading
import time

_GRACE = 2.0  # seconds in which the request in hand may still be tried again
_SLICE = 0.1  # seconds


class CancelToken:
    """Set once, from any thread or a signal handler; read by everything that waits."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._since = 0.0

    def set(self) -> None:
        """Ask the run to end."""
        if not self._event.is_set():
            self._since = time.monotonic()
            self._event.set()

    def is_set(self) -> bool:
        """Whether the run is to end: nothing new is started."""
        return self._event.is_set()

    def rest(self, seconds: float) -> bool:
        """Sleep `seconds`. Returns False when cancelled, at most two seconds after `set`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._is_over():
                return False
            time.sleep(min(left, _SLICE))
        return not self._is_over()

    def _is_over(self) -> bool:
        return self._event.is_set() and time.monotonic() - self._since > _GRACE
