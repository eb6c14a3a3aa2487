"""Carrying out a plan: what needs nothing goes first and at once, a failure stops only what depended on it, each outcome is told as it lands."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from genai_iac.delivery import Desk
from genai_iac.errors import IacError
from genai_iac.model import Address, Change, Live, Outcome, Owner, Plan, Resource, Status
from genai_iac.perform import Performer
from genai_iac.provider import Provider


@dataclass
class Site:
    """What an apply works with: the connection, the manifests, the reading that the plan was made on."""

    provider: Provider
    owner: Owner
    resources: Mapping[Address, Resource]
    live: Live
    desk: Desk
    parallelism: int = 10
    stop: threading.Event = field(default_factory=threading.Event)  # set: nothing new is begun


def apply_plan(plan: Plan, site: Site) -> Iterator[Outcome]:
    """Make the plan's calls, yielding each outcome as it lands; what depended on a failure is skipped and told too.

    Before the first write every sink that will be needed is proved. Raises SinkError when one is not usable: then nothing was written.
    """
    _prove_sinks(plan, site)
    performer = Performer(site.provider, site.owner, site.resources, site.live, site.desk, site.stop.is_set)
    waiting = {change.address: set(change.needs) for change in plan.changes}
    todo = list(plan.changes)
    failed: set[Address] = set()
    running: dict[Future[Outcome], Change] = {}
    with ThreadPoolExecutor(max_workers=site.parallelism, thread_name_prefix="apply") as pool:
        while todo or running:
            if site.stop.is_set():
                yield from (Outcome(change, Status.SKIPPED, note="interrupted before it began") for change in todo)
                todo.clear()
            ready, todo = _split(todo, waiting, failed)
            for change in ready:
                blockers = failed & set(change.needs)
                if blockers:
                    failed.add(change.address)
                    yield Outcome(change, Status.SKIPPED, note=f"depends on {', '.join(map(str, sorted(blockers)))}")
                else:
                    running[pool.submit(_timed, performer, change)] = change
            if not running:
                continue
            done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                change = running.pop(future)
                outcome = future.result()
                if not outcome:
                    failed.add(change.address)
                for needs in waiting.values():
                    needs.discard(change.address)
                yield outcome


def _prove_sinks(plan: Plan, site: Site) -> None:
    for change in plan.changes:
        if change.deliver and change.address in site.resources:
            site.desk.prove(site.resources[change.address])


def _split(
    todo: list[Change], waiting: Mapping[Address, set[Address]], failed: set[Address]
) -> tuple[list[Change], list[Change]]:
    ready = [change for change in todo if waiting[change.address] <= failed]
    return ready, [change for change in todo if not waiting[change.address] <= failed]


def _timed(performer: Performer, change: Change) -> Outcome:
    began = time.monotonic()
    try:
        id, note = performer.perform(change)
    except IacError as error:
        return Outcome(change, Status.FAILED, change.id, str(error), time.monotonic() - began)
    return Outcome(change, Status.DONE, id, note, time.monotonic() - began)
