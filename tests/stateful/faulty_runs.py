"""Runs that are ended or hit half-way, and rotations that a person asks for: bounded by the promises, not foreseen."""

from __future__ import annotations

from typing import Any

from crash.fixtures import APPLY
from crash.launching import Ended

from .harness import Harness, assert_clear
from .reference_model import Forecast
from .tenancy_snapshot import look

FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 500, "code": "InternalServerError", "message": "Try again."},
    {"status": 400, "code": "InvalidParameter", "message": "Not like that."},
    {"status": 409, "code": "IncorrectState", "message": "Not now."},
    {"drop": True},
    {"truncate": True},
)


class FaultyRuns(Harness):
    """Faults, kills, requests for a rotation."""

    def apply_under_fire(self) -> None:
        """One answer is wrong, late or lost."""
        operation = self.random.choice(["*", "*", "CreateApiKey", "RenewApiKey", "CreateCompartment", "UpdatePolicy"])
        fault = {
            "operation": operation,
            "nth": self.random.randint(1, 14 if operation == "*" else 1),
            "when": self.random.choice(["before", "after"]),
            "effect": self.random.choice(FAULTS),
        }
        self.tenancy.settings(retryTokenReplay=self.random.choice(["full", "masked", "invalidate"]))
        self.tenancy.control("POST", "faults", fault)
        ran = self.ran(*APPLY)
        self.tenancy.control("DELETE", "faults")
        assert ran.code in (0, 1, 3, 4) and "Traceback" not in ran.err and "defect" not in ran.out + ran.err, ran
        assert ran.code not in (1, 3) or self.tenancy.writes() == [], f"exit {ran.code}: {ran.err}"
        self._disturbed(ran)

    def apply_killed(self) -> None:
        self._killed(APPLY)

    def rotate_killed(self) -> bool:
        address = self._rotating()
        return bool(address) and self._killed(("rotate", address, "--auto-approve"))

    def _killed(self, arguments: tuple[str, ...]) -> bool:
        point = {
            "operation": "*",
            "nth": self.random.randint(1, 24),
            "when": self.random.choice(["before", "after"]),
        }

        def arm(pid: int) -> None:
            self.tenancy.control("POST", "faults", {**point, "effect": {"kill": pid}})

        ran = self._launchers[0].run(arguments, self.project, self.sandbox.environ, arm)
        self.tenancy.control("DELETE", "faults")
        self._disturbed(ran)
        return True

    def _disturbed(self, ran: Ended) -> None:
        self.traces.regrouped.clear()  # it may have been written, or not yet
        self.tally.ends["killed" if ran.code < 0 else f"disturbed, exit {ran.code}"] += 1
        self.promises.keep(look(self.tenancy), ran, settled=False, whole=False)

    def _rotating(self) -> str:
        """A key that rotates and lives."""
        found = [
            address
            for address in self.manifests.documents
            if "rotation" in self.manifests.spec(address) and len(self.snapshot.marked(address)) == 1
        ]
        return self.random.choice(found) if found else ""

    def rotate(self) -> bool:
        """Begun early; a key that stands still turns at once."""
        address = self._rotating()
        forecast = self.predict()
        if not address:
            return False
        (live,) = self.snapshot.marked(address)
        still = self.model().rotates_next(address, live) is not None
        self.promises.requested = address
        ran = self._requested(forecast, "rotate", address, "--auto-approve")
        self.promises.requested = ""
        if still and not forecast.errors and not forecast.unusable and ran.code != 3:
            leaves = live.region != self.manifests.region(address)  # the region: then another key takes its place
            assert ("CreateApiKey" if leaves else "RenewApiKey") in self.tenancy.writes(), ran.out
        return True

    def abort(self) -> bool:
        address = self._rotating()
        if address:
            self.promises.aborted = True
            self._requested(self.predict(), "rotate", address, "--abort", "--auto-approve")
            self.promises.aborted = False
        return bool(address)

    def leaked(self) -> bool:
        """The leaked one is refused at the end, or the output says why not."""
        address = self._rotating()
        if not address:
            return False
        (live,) = self.snapshot.marked(address)
        secret = self.random.choice(live.secrets)
        self.promises.leaked = {secret.mask[-4:]}
        ran = self._requested(self.predict(), "rotate", address, "--leaked", secret.name, "--auto-approve")
        if ran.code == 0:
            assert secret.mask[-4:] not in look(self.tenancy).alive, ran.out
        self.promises.leaked = set()
        return True

    def _requested(self, forecast: Forecast, *arguments: str) -> Ended:
        """A rotation that a person asks for: what it comes to is bounded by the promises, not foreseen."""
        ran = self.ran(*arguments)
        wanted = (1,) if forecast.errors else (0, 1, 3)
        assert ran.code in wanted, f"exit {ran.code}, foreseen {forecast}\n{ran.out}\n{ran.err}"
        self.tally.ends[f"{arguments[0]} {' '.join(arguments[2:3])} exit {ran.code}"] += 1
        if ran.code:
            assert self.tenancy.writes() == [], ran.err
            assert_clear(ran)
        self.promises.keep(look(self.tenancy), ran, settled=False)
        return ran

    def adopt(self) -> bool:
        """What lost its tag is imported again."""
        if not self.traces.stripped:
            return False
        address = self.random.choice(sorted(self.traces.stripped))
        id, _ = self.traces.stripped[address]
        if id not in self.snapshot.things or self.snapshot.marked(address):
            return False
        ran = self.ran("import", address, id)
        assert ran.code == 0 and len(self.tenancy.writes()) == 1, f"{ran.code} {ran.err}"
        del self.traces.stripped[address]
        self.promises.follow_console(look(self.tenancy))
        return True
