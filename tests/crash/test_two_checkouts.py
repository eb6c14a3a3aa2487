"""Two machines with files of their own apply and rotate at once, some of them killed: nobody is left with a revoked value and no notice.

A value can be on one machine alone, so the other may have none. What must not be: a file that shows a value which does not
work while its own applies end well (seen: 401 for good, both exit 0), a second key, or a key whose values nobody has.
"""

from __future__ import annotations

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from figures import note_figure
from plan_apply.manifests import compartment, key, policy, stack
from plan_apply.sdk_helpers import keys

from .fixtures import APPLY, Sandbox, hold_back, serving
from .launching import Ended, Launcher
from .load_generator import probe
from .sink_setups import File
from .stacks import PAIR

RUNS = int(os.environ.get("GENAI_IAC_INTERLEAVINGS", "800"))
ROTATE = ("rotate", "ApiKey/chat", "--auto-approve")
_STACK = stack(
    compartment("home"),
    key(
        "chat",
        secrets=PAIR,
        deliverTo=[{"file": {"path": "secrets/chat.env"}}],
        rotation={"every": "60d", "overlap": "7d", "idle": "24h"},
    ),
    policy("chat", description="chat may call", grants=[{"apiKey": "chat", "apis": ["chat", "responses"]}]),
    name="reference",
)


@pytest.mark.parametrize("seed", [1])
def test_no_file_is_left_dead_in_silence(tmp_path: Path, launchers: list[Launcher], seed: int) -> None:
    _check(tmp_path / "run", launchers, seed)


@pytest.mark.matrix
@pytest.mark.parametrize("start", range(100, 100 + RUNS, 50))
def test_no_file_is_left_dead_in_many_interleavings(tmp_path: Path, launchers: list[Launcher], start: int) -> None:
    killed = sum(_check(tmp_path / str(seed), launchers, seed) for seed in range(start, start + 50))
    assert killed > 5, "hardly any run was killed"


def _check(home: Path, launchers: list[Launcher], seed: int) -> int:
    """First applies, then rotations that are due or asked for on both; how many runs were killed."""
    chance, killed = random.Random(f"checkouts {seed}"), 0
    with serving(home, launchers[0]) as sandbox:
        checkouts = [home / name for name in ("here", "there")]
        for checkout in checkouts:
            checkout.mkdir()
            (checkout / "stack.yaml").write_text(_STACK)
        for arguments in (APPLY, chance.choice((APPLY, ROTATE)), ROTATE):
            killed += _both(sandbox, launchers, checkouts, chance, arguments)
            _settle(sandbox, launchers, checkouts, f"seed {seed}, {arguments[0]}")
            sandbox.tenancy.advance("61d")
    note_figure(1, "interleavings of two checkouts with files of their own")
    note_figure(killed, "runs killed")
    return killed


def _both(
    sandbox: Sandbox,
    launchers: list[Launcher],
    checkouts: list[Path],
    chance: random.Random,
    arguments: tuple[str, ...],
) -> int:
    """Both at the same time, held back here and there, and in half of the cases one of them killed at a request."""
    hold_back(sandbox, chance, (20, 60))
    victim, nth, when = chance.choice((0, 1, None, None)), chance.randint(8, 24), chance.choice(("before", "after"))

    def run(number: int) -> Ended:
        def meet(pid: int) -> None:
            if number == victim:
                fault = {"operation": "*", "nth": nth, "when": when, "effect": {"kill": pid}}
                sandbox.tenancy.control("POST", "faults", fault)

        return launchers[number].run(arguments, checkouts[number], sandbox.environ, meet)

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, range(2)))
    sandbox.tenancy.control("DELETE", "faults")
    for one in ended:
        assert one.code in (0, 1, 3, 4, -signal.SIGKILL) and "Traceback" not in one.err, one
    return sum(one.code == -signal.SIGKILL for one in ended)


def _settle(sandbox: Sandbox, launchers: list[Launcher], checkouts: list[Path], where: str) -> None:
    """One more apply each, and then: one key, and each file works, is absent, or is what its own apply complains of."""
    for _ in range(2):  # the second sees what the other's first did
        ended = [one.run(APPLY, cwd, sandbox.environ) for one, cwd in zip(launchers, checkouts, strict=True)]
    assert len(keys(sandbox.tenancy)) == 1, where
    working = 0
    for one, checkout in zip(ended, checkouts, strict=True):
        file = File(checkout / "secrets/chat.env")
        said = " ".join((one.out + one.err).split())
        if file.text() and probe(file).status != 200:
            assert one.code == 4 and "shows a current value that no longer works" in said, f"{where}\n{one}"
            # as the message says
            again = launchers[0].run(ROTATE, checkout, sandbox.environ)
            assert again.code == 0 and probe(file).status == 200, f"{where}\n{again}"
        else:
            assert one.code == 0, f"{where}\n{one}"
        working += bool(file.text())
    assert working, f"{where}: nobody has a value"
