"""Retry policy: which failures are temporary, how long to retry, and the pace of all calls of one client.

The SDK's own strategy waits about 90 s before it reports a permanent conflict, ignores Retry-After, and knows nothing of eventual
consistency: a child of a compartment made seconds ago is answered 404. So calls are made without it, and this module decides (facts: the
Go SDK opens a window of 240 s after each Identity write; the retryable statuses are those of the SDK's default strategy).

Each call once retried by itself, and ten threads went on asking a service that had refused nine of them. Now the first 429 holds back all
calls (for as long as its Retry-After says), afterwards calls start apart from each other, and each success brings the full speed closer.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct, field

from genai_iac.core.errors import ServiceFailure

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


WINDOW = 240.0  # seconds after an Identity write in which others may not know it yet
_ATTEMPTS = 8  # about a minute with the pauses below
_ATTEMPTS_THROTTLED = (
    16  # of a call that is answered 429: with 30 % of all calls refused, none of 10,000 is refused so often
)
_ATTEMPTS_UNREACHED = 4  # when nobody listens at the address, or it has none: seldom a passing thing
_LONGEST = 30.0  # seconds between two attempts
_CONSISTENCY = {
    (400, "RelatedResourceNotAuthorizedOrNotFound"),
    (400, "InsufficientServicePermissions"),
    (400, "ResourceDisabled"),
    (404, "NotAuthorizedOrNotFound"),
    (409, "NotAuthorizedOrResourceAlreadyExists"),
}
# Texts of CreatePolicy and UpdatePolicy for a compartment that the policy service does
# not know yet.
_UNKNOWN_NAME = (
    "does not exist or is not part of the policy compartment subtree",
    "does not exist under current compartment hierarchy",
)
# 409s that end when another operation on the object has ended
_TRANSIENT_CONFLICTS = {"IncorrectState", "LockConflict"}

T = TypeVar("T")


class ConsistencyWindow(Struct):
    """The time after a creation in which other services may still answer 404. Shared by all calls of a client."""

    closes: float = 0.0  # monotonic time
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, age: float = 0.0) -> None:
        """Note that something was created `age` seconds ago.

        Args:
            age: 0 for something that was just created; more for what an interrupted run left.
        """
        with self._lock:
            self.closes = max(self.closes, time.monotonic() + WINDOW - age)

    @property
    def is_open(self) -> bool:
        """Whether a 404 may still mean that the service does not know the new resource yet."""
        return time.monotonic() < self.closes


def is_transient(failure: ServiceFailure) -> bool:
    """Whether to retry the same request: no response, 429, 5xx, or a conflict that ends by itself.

    501 is no such failure: the service will not implement the operation meanwhile.
    """
    if failure.status is None:
        return not failure.final
    if failure.status == 409:
        return failure.code in _TRANSIENT_CONFLICTS
    return failure.status == 429 or (failure.status >= 500 and failure.status != 501)


def is_consistency_error(failure: ServiceFailure) -> bool:
    """Whether the error is what a service returns for a resource that it does not know yet.

    The same error is permanent when the window is closed: a wrong OCID, or a missing right.
    """
    if (failure.status, failure.code) in _CONSISTENCY:
        return True
    return failure.status == 400 and any(text in failure.message for text in _UNKNOWN_NAME)


def call_with_retry(
    attempt: Callable[[], T],
    window: ConsistencyWindow | None = None,
    rest: Callable[[float], object] = time.sleep,
    limiter: RateLimiter | None = None,
    waiting: Callable[[ServiceFailure, float], object] | None = None,
) -> tuple[T, ServiceFailure | None]:
    """Call until it succeeds or fails for good; returns the result and the last failure on the way whose effect is not known.

    `window` is given for calls that may be ahead of consistency (writes): then what `is_consistency_error` is tried again while it is
    open. `rest` waits; it answers False when there is no time for another attempt. `limiter`: shared by all calls, so that a 429
    to one of them slows down all. `waiting` is called once, with the first failure that is retried for the window's sake, and for how
    many seconds it will be. Raises the ServiceFailure that ended it, with `uncertain` set when an earlier attempt may have had
    its effect, and `waited` when it was retried because of the window.

    Args:
        attempt: one request; raises ServiceFailure.
    """
    # `doubt`: an attempt whose response was lost. A later "already exists" or "etag differs" may then be our own success, which
    # the caller checks; without it the same error is somebody else's doing.
    tries, doubt = 0, None
    limiter, budget = limiter or RateLimiter(), _RetryBudget(window, waiting)
    while True:
        wait = limiter.reserve()
        if wait > 0:
            rest(wait)  # when it is cut short, the attempt is still made: whoever asked for the end ends between calls
        began = time.monotonic()
        try:
            answer = attempt()
        except ServiceFailure as failure:
            tries += 1
            if failure.status == 429:
                limiter.slow_down(began, failure.retry_after)
            waits = budget.covers(failure, doubt)
            if failure.uncertain:
                doubt = failure
            enough = _most_attempts(failure)
            ends = not waits and (not is_transient(failure) or tries >= enough)
            if ends or rest(_pause(tries, failure)) is False:
                failure.uncertain = doubt is not None
                raise
        else:
            limiter.speed_up()
            return answer, doubt


class _RetryBudget:
    """Decides for one call whether the window lets it wait, notifies the first time, and notes how long it waited."""

    def __init__(
        self, window: ConsistencyWindow | None, notify: Callable[[ServiceFailure, float], object] | None
    ) -> None:
        self._window, self._notify = window, notify
        self._since: float | None = None

    def covers(self, failure: ServiceFailure, doubt: ServiceFailure | None) -> bool:
        """Whether to try again because the service may not know yet what was made."""
        if self._window is None or not is_consistency_error(failure) or _is_done(failure, doubt):
            return False
        now, is_open = time.monotonic(), self._window.is_open
        if is_open and self._since is None:
            self._since = now
            if self._notify is not None:
                self._notify(failure, self._window.closes - now)
        if self._since is not None:
            failure.waited = now - self._since
        return is_open


def _most_attempts(failure: ServiceFailure) -> int:
    """How often to try, by the kind of failure."""
    if failure.unreached:
        return _ATTEMPTS_UNREACHED
    return _ATTEMPTS_THROTTLED if failure.status == 429 else _ATTEMPTS


def _is_done(failure: ServiceFailure, doubt: ServiceFailure | None) -> bool:
    """Whether an attempt whose answer was lost deleted it, so that waiting for it would never end."""
    return failure.status == 404 and doubt is not None and failure.operation.startswith("Delete")


def _pause(tries: int, failure: ServiceFailure) -> float:
    """Seconds until the next attempt: Retry-After, else exponential with jitter, at most 30."""
    # OCI's own Retry-After, but bounded, so that a wrong header does not stop a run for hours
    if failure.retry_after is not None:
        return min(failure.retry_after, 4 * _LONGEST)
    longest: float = min(0.25 * 2.0**tries, _LONGEST)
    return random.uniform(longest / 2, longest)  # noqa: S311  # spreads clients apart, hides nothing
