"""Work counted, not timed: how many calls a function makes is the same on a busy machine. And a guard against what never ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

PATIENCE = 300.0  # seconds after which a test takes something to hang; nothing in the tests comes near it


def count_calls(function: Callable[[], object]) -> int:
    """How many functions, of Python and of C, are called while that one runs in this thread."""
    counted = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return counted


@contextmanager
def guard_against_hanging(seconds: float = 30.0) -> Iterator[None]:
    """Raises TimeoutError when the block takes that much of its own processor time: a hundred times what it needs, or it hangs.

    For what cannot be counted, such as a regular expression that goes back and forth. Other processes do not matter.
    """

    def give_up(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done after {seconds} s of processor time")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def forget_statements() -> None:
    """Empty what the parser, the templates and the resolver remember of texts, so that a run parses its own."""
    from genai_iac.iam_policy import parser, template
    from genai_iac.references import resolver

    for remembered in (parser.parse_once, template._read_template, resolver._template):
        remembered.cache_clear()
