"""A walk: one step after the other on one tenancy, each drawn by chance or replayed, each held to the model and the promises.

A step is a rule's name and a number that all its choices come from, so that a list of steps says everything, and a step
left out changes no other.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from crash.load_generator import probe
from crash.sink_setups import File

from .clean_runs import CleanRuns
from .console_actions import CONSOLE_ACTIONS
from .faulty_runs import FaultyRuns
from .harness import Step
from .keys import readable, sinks_of
from .manifest_edits import EDITS
from .tenancy_snapshot import look

# a rule that finds nothing to do makes no step
WEIGHTS: dict[str, float] = {
    **dict.fromkeys(EDITS, 1.0),
    **dict.fromkeys(CONSOLE_ACTIONS, 0.6),
    "change_expiry": 1.5,
    "change_state": 2,
    "remove_key": 1.5,
    "tidy": 4,
    "put_mark_back": 4,
    "move_spoiled_away": 4,
    "state_by_hand": 0.4,
    "wait": 5,
    "call": 8,
    "apply": 14,
    "apply_saved": 2.5,
    "apply_stale": 2,
    "apply_accepting": 3,
    "apply_under_fire": 2,
    "apply_killed": 3,
    "apply_twice_at_once": 0.7,
    "rotate": 2,
    "rotate_killed": 1,
    "abort": 1.2,
    "leaked": 0.8,
    "adopt": 0.8,
    "apply_second_stack": 0.7,
    "rename_address": 1.5,
    "forget_previous_names": 1.5,
}


class StatefulRun(CleanRuns, FaultyRuns):
    """One tenancy, step after step."""

    def begin(self, number: int) -> None:
        """The first manifests. They are not applied yet."""
        self.manifests.begin(Random(number))
        self.write()

    def take(self, step: Step) -> bool:
        """One step. Answers whether the rule found anything to do; raises AssertionError where a promise is broken."""
        rule, number = step
        self.random = Random(f"{rule} {number}")
        self.tenancy.advance("3m")
        self.snapshot = look(self.tenancy)
        self.kept_before = {path: readable(self.project, path, self.traces) for path in self.manifests.sinks}
        done = self._act(rule)
        if done:
            self.tally.steps[rule] += 1
        return done

    def _act(self, rule: str) -> bool:
        if rule in EDITS or rule == "rename_address":
            return self.edit(rule)
        if rule in CONSOLE_ACTIONS:
            return self.by_hand(rule)
        act: Callable[[], bool | None] = getattr(self, rule)
        return act() is not False

    def wait(self) -> None:
        """Hours, days or weeks go by."""
        self.tenancy.advance(self.random.choice(["2h", "13h", "25h", "25h", "2d", "4d", "9d", "22d", "50d"]))
        self.promises.follow_console(look(self.tenancy))

    def call(self) -> bool:
        """Consumers read their sinks and call; whoever reads a value that works is served."""
        paths = [path for address in self.manifests.documents for path in sinks_of(self.manifests, address)]
        read = [(path, value) for path in paths if (value := self.promises.readable_value(path))]
        for path, value in read:
            status = probe(File(self.project / path)).status
            assert (status == 200) is (value[-4:] in self.snapshot.alive), f"{path} answered {status}"
        return bool(read)


def draw(chance: Random) -> Step:
    """The next step."""
    (rule,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
    return rule, chance.randrange(10**6)
