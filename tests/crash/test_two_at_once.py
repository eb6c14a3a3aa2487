"""Two applies at once: both end, one key survives for each address, its values are in the sinks.

On one machine the second waits for the first, and callers notice nothing. From two machines requests meet; they are held
back here and there by a seeded chance, so that each run is another interleaving. Some always; many with `-m matrix`.
"""

from __future__ import annotations

import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from figures import note_figure
from plan_apply.manifests import compartment, key, policy, stack
from plan_apply.sdk_helpers import compartments, keys, policies

from .fixtures import APPLY, Sandbox, check_whole, hold_back, serving
from .launching import Ended, Launcher
from .load_generator import calling
from .programs import check_of, recorded_at, write_program
from .stacks import PAIR, reference

RUNS = int(os.environ.get("GENAI_IAC_INTERLEAVINGS", "200"))
_STACK = stack(
    compartment("home"),
    key(
        "chat",
        secrets=PAIR,
        deliverTo=[{"exec": {"command": ["./deliver.sh"], "check": ["./check.sh"]}}],
        rotation={"every": "60d"},
    ),
    policy("chat", description="chat may call", grants=[{"apiKey": "chat", "apis": ["chat", "responses"]}]),
    name="reference",
)


def test_on_one_machine_the_second_waits_and_finds_it_done(tmp_path: Path, launchers: list[Launcher]) -> None:
    with serving(tmp_path, launchers[0]) as sandbox:
        sandbox.write(reference(rotating=True))
        first = _both(sandbox, launchers, [sandbox.project] * 2, seed=1)
        sandbox.tenancy.advance("61d")
        with calling(sandbox.sinks("chat", "batch")) as history:
            second = _both(sandbox, launchers, [sandbox.project] * 2, seed=2)
        assert history.failed == []
        for ended in (first, second):
            assert [one.code for one in ended] == [0, 0]
            assert sum("Another apply is at work" in one.err for one in ended) == 1
            assert sum("No changes." in one.out for one in ended) == 1
        check_whole(sandbox, ("chat", "batch"), tuple(one.out + one.err for one in (*first, *second)))


@pytest.mark.parametrize("seed", range(3))
def test_from_two_machines_one_key_is_left(tmp_path: Path, launchers: list[Launcher], seed: int) -> None:
    _check_machines(tmp_path / "run", launchers, seed)


@pytest.mark.matrix
def test_from_two_machines_in_many_interleavings(tmp_path: Path, launchers: list[Launcher]) -> None:
    races = sum(_check_machines(tmp_path / str(seed), launchers, seed) for seed in range(100, 100 + RUNS))
    assert races > RUNS / 10, "hardly ever did both make a key"


def _check_machines(home: Path, launchers: list[Launcher], seed: int) -> bool:
    """First applies, then rotations, from two checkouts that deliver to one place. Whether both had made a key."""
    with serving(home, launchers[0]) as sandbox:
        checkouts = [_checkout(home, name) for name in ("here", "there")]
        _fair(_both(sandbox, launchers, checkouts, seed))
        raced = "DeleteApiKey" in sandbox.tenancy.writes()
        _settle(sandbox, launchers[0], checkouts[0])
        sandbox.tenancy.advance("61d")
        _fair(_both(sandbox, launchers, checkouts, seed + 1))
        _settle(sandbox, launchers[0], checkouts[0])
    note_figure(1, "interleavings of two machines")
    return raced


def _checkout(home: Path, name: str) -> Path:
    checkout, place = home / name, home / "place"
    checkout.mkdir()
    place.mkdir(exist_ok=True)
    (checkout / "stack.yaml").write_text(_STACK)
    write_program(checkout / "deliver.sh", recorded_at(f"{place}/value"))
    write_program(checkout / "check.sh", check_of(f"{place}/value"))
    return checkout


def _settle(sandbox: Sandbox, launcher: Launcher, checkout: Path) -> None:
    """One more apply, and then: one of everything, and the place holds the value of a secret that works."""
    ended = launcher.run(APPLY, checkout, sandbox.environ)
    assert ended.code == 0, ended.out + ended.err
    again = launcher.run(("plan", "--detailed-exitcode"), checkout, sandbox.environ)
    assert again.code == 0, again.out + again.err
    (key,) = keys(sandbox.tenancy).values()
    assert len(compartments(sandbox.tenancy)) == len(policies(sandbox.tenancy)) == 1
    record, value = (sandbox.home / "place/value").read_text().splitlines()
    held = json.loads(record)
    assert held["id"] == key.id
    working = {secret.key_name: secret.key_mask for secret in key.keys if secret.state == "ACTIVE"}
    assert working[held["secret"]] == held["mask"]
    assert value.endswith(held["mask"][-4:])


def _both(sandbox: Sandbox, launchers: list[Launcher], checkouts: list[Path], seed: int) -> list[Ended]:
    """Two applies at the same time."""
    hold_back(sandbox, random.Random(seed), (20, 60, 150))
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(one.run, APPLY, cwd, sandbox.environ) for one, cwd in zip(launchers, checkouts, strict=True)
        ]
        ended = [run.result() for run in runs]
    sandbox.tenancy.control("DELETE", "faults")
    return ended


def _fair(ended: list[Ended]) -> None:
    """Each is done or partly applied, or had its plan grow stale before the first write."""
    for one in ended:
        stale = one.code == 1 and "plan again" in one.out + one.err
        assert one.code in (0, 4) or stale, f"exit {one.code}\n{one.out}\n{one.err}"
