"""Executes a plan: changes without unmet `needs` run concurrently; a failure skips only what depends on it.

A generator, so that the caller prints each outcome when it happens and tests can stop anywhere.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from msgspec import Struct, field

from genai_iac.core import Address, Change, Live, Outcome, Owner, Plan, Resource, Status
from genai_iac.core.address import making_change_of
from genai_iac.core.cancellation import CancelToken
from genai_iac.core.errors import IacError
from genai_iac.delivery import DeliveryService
from genai_iac.execute import ApplyContext, ChangeExecutor
from genai_iac.iam_policy import Directory
from genai_iac.oci_client import OciClient


class ApplyRequest(Struct):
    """Inputs of an apply: the client, the resources, and the `Live` that the plan was made from.

    Collected by `cli/run_apply.py` and by the Python API.
    """

    provider: OciClient  # safe to use from several threads
    owner: Owner
    resources: Mapping[Address, Resource]
    live: Live  # the reading that the plan was made from
    deliveries: DeliveryService  # writes the sinks
    directory: Directory  # who knows the tenancy's groups
    parallelism: int = 10  # changes at once; 1 applies them in the plan's order
    stop: CancelToken = field(default_factory=CancelToken)  # set: nothing new is begun
    waiting: Callable[[Sequence[Address]], None] = lambda _: None  # called with what is running while no change ends
    starting: Callable[[Change], None] = lambda _: None  # called with each change as it begins


def apply_plan(plan: Plan, request: ApplyRequest) -> Iterator[Outcome]:
    """Make the plan's calls; yields the Outcome of each change when it ends, and a skipped one for what depends on a failure.

    Checks every sink that will be needed before the first write: raises SinkError when one is not usable, and then nothing was
    written. Else a full disk would be found only after a value was created, when it is too late to store it.

    Args:
        plan: ordered, as made by `make_plan` and filtered by targets.
        request: client, sinks and the reading that the plan was made from.

    Yields:
        One Outcome per change, in the order in which they end; more for duplicates that
            were deleted.

    The caller must exhaust the generator: closing it early waits for running changes, and
    their outcomes are not reported.
    """
    progress = ApplyContext(
        request.provider,
        request.owner,
        request.resources,
        request.live,
        request.deliveries,
        request.directory,
        request.stop,
    )
    performer = ChangeExecutor(progress, frozenset(needed for change in plan.changes for needed in change.needs))
    for planned in plan.changes:
        # All sinks before the first call: tests/crash/test_disk.py and
        # tests/sinks/test_contract.py.
        performer.prove(planned)
    queue = _Queue(plan.changes)
    yield from _run_queue(queue, performer, request)
    yield from progress.duplicates.part()
    yield from (Outcome(change, Status.SKIPPED, note="interrupted before it began") for change in queue.rest())


def _run_queue(queue: _Queue, performer: ChangeExecutor, request: ApplyRequest) -> Iterator[Outcome]:
    """Run what is ready, up to the request's parallelism at once, until nothing runs and nothing more may begin."""
    outcomes: SimpleQueue[Outcome] = SimpleQueue()
    running: list[Address] = []
    with ThreadPoolExecutor(max_workers=request.parallelism, thread_name_prefix="apply") as pool:
        while True:
            yield from _start_ready(
                request, queue, running, lambda change: pool.submit(_perform, performer, change, outcomes)
            )
            if not running:
                break
            try:
                outcome = outcomes.get(timeout=0.5)  # seconds; Python handles signals only between waits
            except Empty:
                request.waiting(running)
                continue
            # The worker has put its outcome, so its thread is free for the next change.
            running.remove(outcome.change.address)
            queue.finish(outcome.change, succeeded=bool(outcome))
            yield outcome


class _Queue:
    """Changes in plan order; each is returned once everything it needs has ended, well or not.

    Used by one thread only; workers report through the queue of outcomes.
    """

    def __init__(self, changes: tuple[Change, ...]) -> None:
        self._left = {change.address: len(change.needs) for change in changes}
        self._changes = {change.address: change for change in changes}
        self._dependents: dict[Address, list[Address]] = {}
        for change in changes:
            for needed in change.needs:
                self._dependents.setdefault(needed, []).append(change.address)
        self._ready = deque(change for change in changes if not change.needs)
        self._failed: set[Address] = set()

    def take(self) -> Change | None:
        """The next change that may begin, or None."""
        if not self._ready:
            return None
        change = self._ready.popleft()
        del self._changes[change.address]
        return change

    def blocker(self, change: Change) -> Address | None:
        """A change that it needs and that did not complete, or None."""
        return next((needed for needed in change.needs if needed in self._failed), None)

    def finish(self, change: Change, *, succeeded: bool) -> None:
        """Mark the change as ended; what waited only for it becomes ready."""
        if not succeeded:
            self._failed.add(change.address)
        for address in self._dependents.get(change.address, ()):
            self._left[address] -= 1
            if not self._left[address]:
                self._ready.append(self._changes[address])

    def rest(self) -> Iterator[Change]:
        """The changes that were never returned by `take`."""
        yield from self._changes.values()


def _start_ready(
    request: ApplyRequest, queue: _Queue, running: list[Address], start: Callable[[Change], object]
) -> Iterator[Outcome]:
    """Start what is ready, up to `parallelism`, and add it to `running`; yields what a failure skips."""
    while len(running) < request.parallelism and not request.stop.is_set():
        change = queue.take()
        if change is None:
            return
        # A skipped change counts as failed for those that need it, so a failure skips the whole
        # branch and nothing else.
        if blocker := queue.blocker(change):
            queue.finish(change, succeeded=False)
            yield Outcome(change, Status.SKIPPED, note=f"depends on {blocker}")
            continue
        request.starting(change)
        start(change)
        running.append(change.address)


def _perform(performer: ChangeExecutor, change: Change, outcomes: SimpleQueue[Outcome]) -> None:
    """Run one change in a worker thread and put its Outcome.

    Never raises: an exception in a pool's thread would be silent.
    """
    began = time.monotonic()
    try:
        with making_change_of(change.address):
            id, note = performer.perform(change)
        outcome = Outcome(change, Status.DONE, id, note)
    except IacError as error:
        outcome = Outcome(change, Status.FAILED, change.id, str(error))
    except (
        Exception
    ) as error:  # a defect of ours: a failure of this change only. Its text may quote a value, so only its type
        outcome = Outcome(change, Status.FAILED, change.id, f"unexpected {type(error).__name__}; please report it")
    outcomes.put(Outcome(outcome.change, outcome.status, outcome.id, outcome.note, time.monotonic() - began))
