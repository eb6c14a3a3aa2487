"""The runs that are ended: what leads to each, its arguments, and who calls meanwhile."""

from __future__ import annotations

import random
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from plan_apply.manifests import policy
from plan_apply.sdk_helpers import ASHBURN, REGION, client

from . import file_hooks as watched
from . import stacks
from .fixtures import APPLY, Sandbox, copied, serving
from .launching import Here, Launcher
from .stacks import KEYS, moved, pruned, reference, vaulted

MODES = ("full", "masked", "invalidate")  # how the tenancy answers a retry token that it has seen


@dataclass(frozen=True)
class StartState:
    """A prepared tenancy with its project: what is done on a copy of another one, or on nothing."""

    prepare: Callable[[Sandbox], object]
    base: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A run on a start state; `keys` are there after it, `callers` are keys that are called with all the time."""

    start: str
    arguments: tuple[str, ...] = APPLY
    keys: tuple[str, ...] = KEYS
    callers: tuple[str, ...] = KEYS


def _write(text: Callable[[], str]) -> Callable[[Sandbox], None]:
    return lambda sandbox: sandbox.write(text())


def _write_vaulted(sandbox: Sandbox) -> None:
    sandbox.write(vaulted(**sandbox.vault))


def _finish_overlap(sandbox: Sandbox) -> None:
    """The standby has taken over, and the overlap is over."""
    sandbox.apply()
    sandbox.tenancy.advance("8d")


def _fail_the_proof(sandbox: Sandbox) -> None:
    """A rotation that stopped half-way: the new value is in the sinks and did not pass its call."""
    effect = {"status": 400, "code": "InvalidParameter", "message": "not today"}
    sandbox.tenancy.control("POST", "faults", {"operation": "ChatCompletions", "effect": effect})
    assert sandbox.run(*APPLY).code == 4
    sandbox.tenancy.control("DELETE", "faults")


def _make_by_hand(sandbox: Sandbox) -> None:
    """A key that somebody made in the Console, and the manifests that are to take it over."""
    details = {"compartmentId": sandbox.tenancy.tenancy, "displayName": "found", "keyDetails": [{"keyName": "only"}]}
    client(sandbox.tenancy, "generative_ai", REGION).create_api_key(details)
    sandbox.write(stacks.watched(**sandbox.vault, found=True))


def _rename(sandbox: Sandbox) -> None:
    """The manifests with other words, and with a policy that names groups."""
    details = {"compartmentId": sandbox.tenancy.tenancy, "name": "callers", "description": "Those who call"}
    details["matchingRule"] = "ALL {resource.type = 'instance'}"
    client(sandbox.tenancy, "identity").create_dynamic_group(details)
    grouped = policy(
        "grouped",
        compartment="platform",
        statements=[
            "allow group Administrators to inspect compartments in compartment id ${Compartment/platform.id}",
            "allow dynamic-group callers to inspect compartments in compartment id ${Compartment/platform.id}",
        ],
    )
    more = yaml.safe_dump(grouped, sort_keys=False)
    sandbox.write(f"{(sandbox.project / 'stack.yaml').read_text().replace('A team', 'Another team')}---\n{more}")


def _crowd(sandbox: Sandbox) -> None:
    """The Vault secret has versions that nobody needs, and the next rotation is due."""
    for _ in range(3):
        sandbox.tenancy.advance("61d")
        sandbox.apply()
        sandbox.tenancy.advance("8d")
        sandbox.apply()
    sandbox.tenancy.advance("61d")


def _end(sandbox: Sandbox) -> None:
    """Everything is destroyed, and the Vault secret waits to be deleted."""
    ended = sandbox.run("destroy", "--auto-approve")
    assert ended.code == 0, ended.out


START_STATES = {
    "new": StartState(_write(reference)),
    "made": StartState(Sandbox.apply, "new"),
    "moving": StartState(_write(moved), "made"),
    "new, placed": StartState(_write(lambda: stacks.placed("team"))),
    "placed": StartState(Sandbox.apply, "new, placed"),
    "another place": StartState(_write(lambda: stacks.placed("app")), "placed"),
    "another region": StartState(_write(lambda: stacks.placed("team", region=ASHBURN)), "placed"),
    "pruning": StartState(_write(pruned), "made"),
    "new, rotating": StartState(_write(lambda: reference(rotating=True))),
    "rotating": StartState(Sandbox.apply, "new, rotating"),
    "due": StartState(lambda sandbox: sandbox.tenancy.advance("61d"), "rotating"),
    "overlapping": StartState(_finish_overlap, "due"),
    "new, project": StartState(_write(stacks.projected)),
    "project": StartState(Sandbox.apply, "new, project"),
    "project, changed": StartState(_write(lambda: stacks.projected(changed=True)), "project"),
    "project, pruned": StartState(_write(lambda: stacks.projected(pruned=True)), "project"),
    "new in a vault": StartState(_write_vaulted),
    "in a vault": StartState(Sandbox.apply, "new in a vault"),
    "due in a vault": StartState(lambda sandbox: sandbox.tenancy.advance("61d"), "in a vault"),
    "overlapping in a vault": StartState(_finish_overlap, "due in a vault"),
    "renamed": StartState(_rename, "made"),
    "crowded vault": StartState(_crowd, "watched"),
    "new rooted vault": StartState(lambda sandbox: sandbox.write(stacks.rooted(**sandbox.vault))),
    "rooted vault": StartState(Sandbox.apply, "new rooted vault"),
    "rooted vault, gone": StartState(_end, "rooted vault"),
    "watched new": StartState(watched.prepare),
    "watched": StartState(Sandbox.apply, "watched new"),
    "watched due": StartState(lambda sandbox: sandbox.tenancy.advance("61d"), "watched"),
    "watched pending": StartState(_fail_the_proof, "watched due"),
    "watched overlapping": StartState(_finish_overlap, "watched due"),
    "watched stranger": StartState(_make_by_hand, "watched"),
}
_VAULTED = {"keys": ("app",), "callers": ("app",)}
SCENARIOS = {
    "apply": Scenario("new", callers=()),
    "rotation": Scenario("due"),
    "retirement": Scenario("overlapping"),
    "incident": Scenario("rotating", ("rotate", "ApiKey/batch", "--leaked", "key-one", "--revoke", "--auto-approve")),
    "leak": Scenario("rotating", ("rotate", "ApiKey/batch", "--leaked", "key-one", "--auto-approve")),
    "move": Scenario("moving"),
    "move of a grant": Scenario("another place", keys=("chat",), callers=("chat",)),
    "region": Scenario("another region", keys=("chat",), callers=()),
    "prune": Scenario("pruning", keys=("chat",), callers=("chat",)),
    "vault apply": Scenario("new in a vault", keys=("app",), callers=()),
    "vault rotation": Scenario("due in a vault", **_VAULTED),
    "vault retirement": Scenario("overlapping in a vault", **_VAULTED),
    "vault incident": Scenario(
        "in a vault", ("rotate", "ApiKey/app", "--leaked", "key-one", "--revoke", "--auto-approve"), **_VAULTED
    ),
}


class Workshop:
    """Grounds, each prepared when first asked for, and one fresh copy at a time to run on."""

    def __init__(self, home: Path, launcher: Launcher | Here) -> None:
        self._home, self._launcher = home, launcher
        self._port = _find_port()

    @contextmanager
    def sandbox(self, start: str) -> Iterator[Sandbox]:
        """A fresh copy of a start state."""
        with copied(self._prepared(start), self._home / "run", self._launcher, self._port) as sandbox:
            yield sandbox

    def _prepared(self, name: str) -> Path:
        place, start = self._home / name, START_STATES[name]
        if not place.exists():
            if start.base is not None:
                shutil.copytree(self._prepared(start.base), place)
            with serving(place, self._launcher, self._port) as sandbox:
                start.prepare(sandbox)
        return place


def _find_port() -> int:
    """A free port below those that the system hands out by itself: nobody takes it between one server and the next."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
