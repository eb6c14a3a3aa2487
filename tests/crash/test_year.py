"""A year of daily applies, some of them killed: rotate to nobody ever reads a secret that no longer works, and every keys when it should.

A few brisk keys for some weeks go with every test run; all of them for 400 days with `-m matrix`.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from figures import note_figure
from plan_apply.sdk_helpers import REGION, client, keys
from sinks.fake_hashicorp import TOKEN, FakeHashicorp
from sinks.fake_kubernetes import FakeKubernetes, kubeconfig

from .fixtures import APPLY, Sandbox, serving
from .launching import Ended, Here, Launcher
from .load_generator import Probe, calling, probe
from .programs import dotenv_at, write_program
from .runs import HABITS, Entry, Habit, Secret, find_breaches, find_rotations, manifests
from .sink_setups import Fetched, File, Place, VaultSecret, read_key

DAYS = int(os.environ.get("GENAI_IAC_DAYS", "400"))
_DAY = 24 * 3600 + 60  # seconds: the timer is a little later each day, so what is due that day is due when it runs
KILLED = 0.05  # of the runs, at least
_ACCOMPANIED = 0.05  # of the runs: clients call without a pause while it goes on
_JUMPED = 0.1  # of the days: the clock jumps to the next run, or runs are missed
_JUMPS = (60, 12 * 3600, 30 * 3600, 40 * 3600)  # seconds
_TRAPPED = 0.25  # of the runs: a kill waits for one of their requests, and about a third of them come so far
_REQUESTS = 28  # of a run that turns several keys; one with nothing to do makes six


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    with Launcher(tmp_path_factory.mktemp("launcher")) as started:
        yield started


def test_weeks_pass(tmp_path: Path, launcher: Launcher) -> None:
    year = Year(tmp_path, launcher, HABITS[:3], seed=1)
    year.pass_by(24)
    assert year.killed and year.rotations > 7


@pytest.mark.matrix
@pytest.mark.parametrize("seed", range(3))
def test_a_year_passes(tmp_path: Path, launcher: Launcher, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    year = Year(tmp_path, launcher, HABITS, seed)
    year.pass_by(DAYS)
    with capsys.disabled():
        print(
            f"\n{DAYS} days, {year.killed} runs killed, {year.rotations} rotations, {len(year.probes)} probes, none failed"
        )
    assert year.killed >= DAYS * KILLED
    assert year.rotations > 120 * DAYS / 400


class Year:
    """One tenancy on its way through time."""

    def __init__(self, home: Path, launcher: Launcher, habits: tuple[Habit, ...], seed: int) -> None:
        self._home, self._launcher, self._habits = home, launcher, habits
        self._chance = random.Random(seed)
        self._entries: dict[str, list[Entry]] = {habit.name: [] for habit in habits}
        self._hashicorp, self._kubernetes = FakeHashicorp(), FakeKubernetes()
        self.killed = 0
        self.probes: list[Probe] = []

    @property
    def rotations(self) -> int:
        return sum(len(find_rotations(entries)) for entries in self._entries.values())

    def pass_by(self, days: int) -> None:
        """Day by day: the clock goes on, clients call, apply runs, clients call; in the end the logs are checked."""
        with serving(self._home, Here()) as sandbox:
            sandbox.write(manifests(self._habits, self._serve_sinks(sandbox)))
            (sandbox.project / "program").mkdir()
            write_program(sandbox.project / "deliver.sh", dotenv_at("$1"))
            sandbox.apply()
            self._note(sandbox, _now(sandbox), killed=False)
            for day in range(days):
                jumps = self._chance.random() < _JUMPED
                sandbox.tenancy.advance(f"{self._chance.choice(_JUMPS) if jumps else _DAY}s")
                self._call(sandbox, day)
                began = _now(sandbox)
                killed = self._apply(sandbox, day)
                self._note(sandbox, began, killed=killed)
                self._call(sandbox, day)
        breaches = [breach for habit in self._habits for breach in find_breaches(habit, self._entries[habit.name])]
        assert breaches == []
        note_figure(days, "daily runs")
        note_figure(self.killed, "runs killed")
        note_figure(len(self.probes), "calls, none failed")

    def _serve_sinks(self, sandbox: Sandbox) -> dict[str, Any]:
        """Start the services of networked sinks, and say what manifests have to name of them."""
        self._hashicorp.start()
        self._kubernetes.start()
        config = self._home / "kubeconfig"
        config.write_text(kubeconfig(self._kubernetes.url))
        config.chmod(0o600)
        allowed = {"VAULT_TOKEN": TOKEN, "KUBECONFIG": str(config), "GENAI_IAC_ALLOW_SINK_HOST": "127.0.0.1"}
        sandbox.of_sinks = allowed
        self._vault = sandbox.vault
        self._bundles = client(sandbox.tenancy, "secrets", REGION)
        return {
            "hashicorp": {"address": self._hashicorp.url},
            "kubernetes": {"namespace": "chat"},
            "vault": {**sandbox.vault, "compartment": "home"},
        }

    def _apply(self, sandbox: Sandbox, day: int) -> bool:
        """The run of a day; whether it was killed."""
        if self._chance.random() < _TRAPPED:
            return self._apply_in_trap(sandbox, day)
        together = self._chance.random() < _ACCOMPANIED
        with calling(self._sinks(sandbox)) if together else nullcontext() as history:
            ended = sandbox.run(*APPLY)
        _check_done(ended, day)
        if history is not None:
            self._check_probes(history.probes, day)
        return False

    def _apply_in_trap(self, sandbox: Sandbox, day: int) -> bool:
        nth, when = self._chance.randint(1, _REQUESTS), self._chance.choice(("before", "after"))
        point = {"operation": "*", "nth": nth, "when": when}

        def arm(pid: int) -> None:
            sandbox.tenancy.control("POST", "faults", {**point, "effect": {"kill": pid}})

        ended = self._launcher.run(APPLY, sandbox.project, sandbox.environ, arm)
        sandbox.tenancy.control("DELETE", "faults")
        if ended.code != -signal.SIGKILL:
            _check_done(ended, day)
            return False
        self.killed += 1
        return True

    def _call(self, sandbox: Sandbox, day: int) -> None:
        self._check_probes([probe(sink) for sink in self._sinks(sandbox)], day)

    def _check_probes(self, probes: list[Probe], day: int) -> None:
        assert [one for one in probes if one.status != 200] == [], f"day {day}"
        self.probes.extend(probes)

    def _sinks(self, sandbox: Sandbox) -> list[Place]:
        return [self._place(sandbox, sink) for habit in self._habits for sink in habit.sinks]

    def _place(self, sandbox: Sandbox, sink: str) -> Place:
        service, _, name = sink.partition("/")
        match service:
            case "hashicorp":
                return Fetched(sink, lambda: self._hashicorp.newest(f"secret/data/{name}"))
            case "kubernetes":
                return Fetched(sink, lambda: self._kubernetes.data("chat", name))
            case "vault":
                return VaultSecret(self._bundles, self._vault["vault"], name)
        return File(sandbox.project / sink)

    def _note(self, sandbox: Sandbox, at: datetime, *, killed: bool) -> None:
        live = {key.display_name: key for key in keys(sandbox.tenancy).values()}
        for habit in self._habits:
            shown = read_key(self._place(sandbox, habit.sinks[0]))
            assert shown
            secrets = [_read_secret(item, shown[1]) for item in live[habit.name].keys]
            self._entries[habit.name].append(Entry(at, (secrets[0], secrets[1]), killed))


def _now(sandbox: Sandbox) -> datetime:
    return datetime.fromisoformat(sandbox.tenancy.control("GET", "clock")["now"])


def _check_done(ended: Ended, day: int) -> None:
    assert ended.code == 0, f"day {day}: exit {ended.code}\n{ended.out}\n{ended.err}"


def _read_secret(item: Any, shown: str) -> Secret:
    return Secret(item.key_name, item.state, item.time_created, item.time_expiry, item.key_mask[-4:] == shown[-4:])
