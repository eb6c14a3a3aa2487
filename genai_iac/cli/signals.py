"""Ctrl-C, SIGTERM, SIGHUP and SIGQUIT: before the first write they end the run at once; after it what is under way is finished first.

A terminal that is closed sends SIGHUP, and Ctrl-\\ SIGQUIT: both would end the process between an answer that shows a value and the
sink that keeps it, the second with an image of its memory on disk.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from genai_iac.core.cancellation import CancelToken

# SIGTERM is what CI systems send before they kill a job.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# Bytes, ready before the signal: the handler must not allocate or use a buffered
# stream.
_NEWS = b"\nInterrupt received; finishing running operations...\n"


class SignalHandler:
    """How signals are met during one run."""

    def __init__(self) -> None:
        # Shared with every worker thread; set once and never cleared.
        self.stop = CancelToken()
        self.began = False  # something may have been changed
        self._finishing = False

    @classmethod
    def of_run(cls) -> SignalHandler:
        """Those of the command that is running."""
        context = click.get_current_context(silent=True)
        found = context.find_object(cls) if context else None
        return found or cls()

    @contextmanager
    def handled(self) -> Iterator[None]:
        """While this is open a signal sets `stop` and raises KeyboardInterrupt."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may say how signals are met
            return
        # `nohup` has SIGHUP ignored, and that is what was asked for
        met = [number for number in _SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, self._note) for number in met}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def finishing_first(self) -> Iterator[CancelToken]:
        """While this is open a signal only sets `stop`: nothing new is begun, and the block ends by itself."""
        self._finishing = self.began = True
        try:
            yield self.stop
        finally:
            self._finishing = False

    def _note(self, number: int, frame: Any) -> None:
        del number, frame
        first = not self.stop.is_set()
        self.stop.set()
        # Later signals are ignored: the run ends by itself as soon as what is under way has ended.
        if not first:
            return
        if not self._finishing:
            raise KeyboardInterrupt
        with suppress(OSError):  # a hang-up takes standard error away
            os.write(2, _NEWS)  # a handler may have come in the middle of a buffered write
