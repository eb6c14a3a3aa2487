"""What a walk stands on: a tenancy, its manifests, all that is known beside them; and what is asked of every run of the tool."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import oci
from crash.fixtures import APPLY, Sandbox
from crash.launching import Ended, Launcher
from plan_apply.sdk_helpers import REGION

from .console_actions import ConsoleActions
from .manifest_edits import ManifestEdits
from .promises import Promises
from .reference_model import Forecast, Model
from .tenancy_snapshot import AWAY, FAR, RENAMES, Kept, look
from .yaml_edits import Traces

Step = tuple[str, int]
PLAN = ("plan", "--format", "json")


@dataclass
class Tally:
    """What happened on one or many walks."""

    steps: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.steps += other.steps
        self.ends += other.ends
        self.writes += other.writes


class Harness:
    """One tenancy, its manifests, and all that is known beside them."""

    def __init__(self, sandbox: Sandbox, launchers: list[Launcher]) -> None:
        self.sandbox, self._launchers = sandbox, launchers
        self.tenancy, self.project = sandbox.tenancy, sandbox.project
        self.manifests, self.traces = ManifestEdits(), Traces()
        self.tally = Tally()
        for name in ("p0", "p1", "p2"):
            self.tenancy.control("POST", "principals", {"name": f"reader-{name}", "groups": [f"readers-{name}"]})
        self.tenancy.settings(subscribedRegions=[AWAY, REGION], homeRegion=AWAY)
        self._let_everybody_call()
        details = {"compartment_id": self.tenancy.tenancy, "name": FAR, "description": "Theirs"}
        self.tenancy.client("identity").create_compartment(oci.identity.models.CreateCompartmentDetails(**details))
        self.snapshot = look(self.tenancy)
        self._initial = set(self.snapshot.things)
        self.promises = Promises(self)
        self.random = Random(0)
        self.notices: list[dict[str, Any]] = []  # of the last plan
        self.kept_before: dict[str, list[Kept]] = {}  # what the files held before this step

    def _let_everybody_call(self) -> None:
        """So that a value is refused for one reason only: that it does not work."""
        statements = [
            f"allow any-user to {verb} in tenancy"
            for verb in ("use generative-ai-chat", "manage generative-ai-response")
        ]
        details = {
            "compartment_id": self.tenancy.tenancy,
            "name": "everybody",
            "description": "Theirs",
            "statements": statements,
        }
        self.tenancy.client("identity").create_policy(oci.identity.models.CreatePolicyDetails(**details))

    def model(self) -> Model:
        return Model(self.manifests, self.snapshot, self.project, self.traces)

    def predict(self) -> Forecast:
        """What an apply must come to now."""
        return self.model().predict()

    def edit(self, rule: str) -> bool:
        """The author changes the manifests; not what has lost its tag, which somebody has to correct first."""
        self.manifests.now = self.snapshot.now
        done: bool = getattr(self.manifests, rule)(self.random, frozenset(self.traces.stripped))
        self.write()
        return done

    def write(self) -> None:
        """The manifests as the author has them."""
        RENAMES.clear()
        RENAMES.update(self.manifests.renames)
        self.traces.regrouped = {RENAMES.get(address, address) for address in self.traces.regrouped}
        self.sandbox.write(self.manifests.text)

    def forget_previous_names(self) -> bool:
        """Once a rename was applied, the manifests need not tell of it any more; the next plan shows no difference for it."""
        tagged = {one.tagged for one in self.snapshot.things.values()}
        renamed = [one for one in self.manifests.documents.values() if "previousNames" in one["metadata"]]
        done = [
            one for one in renamed if not tagged & {f"{one['kind']}/{old}" for old in one["metadata"]["previousNames"]}
        ]
        for one in done:
            del one["metadata"]["previousNames"]
        self.write()
        return bool(done)

    def by_hand(self, rule: str) -> bool:
        """Somebody does something by hand, unless OCI refuses it."""
        foreign = self.promises.foreign - self._initial
        console = ConsoleActions(
            self.tenancy, self.project, self.manifests, self.snapshot, self.traces, self.random, foreign
        )
        try:
            done: bool = getattr(console, rule)()
        except oci.exceptions.ServiceError as refused:
            if refused.status >= 500:
                raise
            done = False
        self.promises.follow_console(look(self.tenancy))
        return done

    def plan(self, forecast: Forecast, flags: Iterable[str]) -> dict[str, Any] | None:
        """The plan as data, which is as the forecast; None when there can be none."""
        self.tenancy.forget_calls()
        ran = self.sandbox.run(*PLAN, *flags)
        assert self.tenancy.writes() == [], "plan writes nothing"
        if forecast.errors:
            self.check_ended(ran, 1, forecast.errors)
            return None
        if forecast.crossing and ran.code == 1 and "wait for each other in a cycle" in " ".join(ran.err.split()):
            return None
        if ran.code == 1 and any(path in ran.err for path in forecast.unusable):
            # the plan already has to know what a new key would be written over
            self.check_ended(ran, 1, forecast.unusable)
            return None
        assert ran.code == 0, f"exit {ran.code}, foreseen: {forecast}\n{ran.err}"
        document: dict[str, Any] = json.loads(ran.out)
        planned = {change["address"]: Counter(change["calls"]) for change in document["changes"]}
        for address in {*planned, *forecast.calls}:
            calls = planned.get(address, Counter())
            assert forecast.allows(address, calls), (
                f"{address}: planned {dict(calls)}, foreseen {forecast.calls.get(address)} {forecast.loose.get(address)}\n"
                f"{json.dumps(document['changes'], indent=1)}\n{document['notices']}"
            )
        self.notices = document["notices"]
        return document

    def ran(self, *arguments: str) -> Ended:
        self.tenancy.forget_calls()
        return self.sandbox.run(*arguments)

    def refused(self, ran: Ended, code: int, why: list[str]) -> None:
        """It ended with that code, said why, and wrote nothing."""
        cycle = code == 1 and not why
        self.check_ended(ran, code, why or ["a cycle"])
        assert not cycle or "cycle" in ran.err
        assert self.tenancy.writes() == [], f"{why}: {self.tenancy.writes()}"
        self.promises.keep(look(self.tenancy), ran, settled=False)

    def check_ended(self, ran: Ended, code: int, why: list[str]) -> None:
        assert ran.code == code, f"exit {ran.code} and not {code}, foreseen: {why}\n{ran.out}\n{ran.err}"
        assert_clear(ran)
        self.tally.ends[f"exit {code}"] += 1

    def carried_out(self, ran: Ended, document: dict[str, Any], forecast: Forecast) -> None:
        """The calls of the plan and no others; 4 when OCI was bound to refuse one, or a file is left with a value that no longer works."""
        outcomes = [json.loads(line) for line in ran.out.splitlines()]
        failed = [one for one in outcomes if one["type"] == "change_complete" and one["status"] != "done"]
        assert ran.code == (4 if failed or shows_outdated_value(document) else 0), (
            f"exit {ran.code}\n{ran.out}\n{ran.err}"
        )
        if forecast.stuck:
            assert failed, f"foreseen: {forecast.stuck}\n{ran.out}"
        elif not forecast.crossing:
            assert not failed, f"{failed}\n{forecast}"
        if not failed:
            self.made(document)
        self.end(ran, forecast)

    def made(self, document: dict[str, Any]) -> None:
        writes = Counter(self.tenancy.writes())
        assert writes == Counter(call for change in document["changes"] for call in change["calls"])
        self.traces.regrouped.clear()  # a policy that names a group made again was written
        self.tally.writes += writes

    def end(self, ran: Ended, forecast: Forecast) -> None:
        self.tally.ends[f"exit {ran.code}"] += 1
        after = look(self.tenancy)
        settled = ran.code == 0 and not self.promises.rolls_back()
        self.promises.keep(after, ran, settled=settled)
        if settled:
            again = self.ran(*APPLY)
            assert (again.code, self.tenancy.writes()) == (0, []), f"a second apply: {again.out}\n{again.err}"


def shows_outdated_value(document: dict[str, Any]) -> bool:
    """Whether the plan says that a file is left with a value that does not work: apply then ends with 4."""
    return any("shows a current value that no longer works" in one["text"] for one in document["notices"])


def assert_clear(ran: Ended) -> None:
    """What went wrong is said in sentences."""
    assert "Error: " in ran.err, ran.err
    assert "Traceback" not in ran.err and "defect" not in ran.err, ran.err
