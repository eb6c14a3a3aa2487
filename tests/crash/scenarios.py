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
from .fixtures import APPLY, Bench, copied, serving
from .launching import Here, Launcher
from .stacks import KEYS, moved, pruned, reference, vaulted

MODES = ("full", "masked", "invalidate")  # how the tenancy answers a retry token that it has seen


@dataclass(frozen=True)
class Ground:
    """A prepared tenancy with its project: what is done on a copy of another one, or on nothing."""

    prepare: Callable[[Bench], object]
    base: str | None = None


@dataclass(frozen=True)
class Story:
    """A run on a ground; `keys` are there after it, `callers` are keys that are called with all the time."""

    ground: str
    arguments: tuple[str, ...] = APPLY
    keys: tuple[str, ...] = KEYS
    callers: tuple[str, ...] = KEYS


def _write(text: Callable[[], str]) -> Callable[[Bench], None]:
    return lambda bench: bench.write(text())


def _write_vaulted(bench: Bench) -> None:
    bench.write(vaulted(**bench.vault))


def _turn(bench: Bench) -> None:
    """The standby has taken over, and the overlap is over."""
    bench.apply()
    bench.tenancy.advance("8d")


def _fail_the_proof(bench: Bench) -> None:
    """A rotation that stopped half-way: the new value is in the sinks and did not pass its call."""
    effect = {"status": 400, "code": "InvalidParameter", "message": "not today"}
    bench.tenancy.control("POST", "faults", {"operation": "ChatCompletions", "effect": effect})
    assert bench.run(*APPLY).code == 4
    bench.tenancy.control("DELETE", "faults")


def _make_by_hand(bench: Bench) -> None:
    """A key that somebody made in the Console, and the manifests that are to take it over."""
    details = {"compartmentId": bench.tenancy.tenancy, "displayName": "found", "keyDetails": [{"keyName": "only"}]}
    client(bench.tenancy, "generative_ai", REGION).create_api_key(details)
    bench.write(stacks.watched(**bench.vault, found=True))


def _rename(bench: Bench) -> None:
    """The manifests with other words, and with a policy that names groups."""
    details = {"compartmentId": bench.tenancy.tenancy, "name": "callers", "description": "Those who call"}
    details["matchingRule"] = "ALL {resource.type = 'instance'}"
    client(bench.tenancy, "identity").create_dynamic_group(details)
    grouped = policy(
        "grouped",
        compartment="platform",
        statements=[
            "allow group Administrators to inspect compartments in compartment id ${Compartment/platform.id}",
            "allow dynamic-group callers to inspect compartments in compartment id ${Compartment/platform.id}",
        ],
    )
    more = yaml.safe_dump(grouped, sort_keys=False)
    bench.write(f"{(bench.project / 'stack.yaml').read_text().replace('A team', 'Another team')}---\n{more}")


def _crowd(bench: Bench) -> None:
    """The Vault secret has versions that nobody needs, and the next rotation is due."""
    for _ in range(3):
        bench.tenancy.advance("61d")
        bench.apply()
        bench.tenancy.advance("8d")
        bench.apply()
    bench.tenancy.advance("61d")


def _end(bench: Bench) -> None:
    """Everything is destroyed, and the Vault secret waits to be deleted."""
    ended = bench.run("destroy", "--auto-approve")
    assert ended.code == 0, ended.out


GROUNDS = {
    "new": Ground(_write(reference)),
    "made": Ground(Bench.apply, "new"),
    "moving": Ground(_write(moved), "made"),
    "new, placed": Ground(_write(lambda: stacks.placed("team"))),
    "placed": Ground(Bench.apply, "new, placed"),
    "another place": Ground(_write(lambda: stacks.placed("app")), "placed"),
    "another region": Ground(_write(lambda: stacks.placed("team", region=ASHBURN)), "placed"),
    "pruning": Ground(_write(pruned), "made"),
    "new, rotating": Ground(_write(lambda: reference(rotating=True))),
    "rotating": Ground(Bench.apply, "new, rotating"),
    "due": Ground(lambda bench: bench.tenancy.advance("61d"), "rotating"),
    "overlapping": Ground(_turn, "due"),
    "new, project": Ground(_write(stacks.projected)),
    "project": Ground(Bench.apply, "new, project"),
    "project, changed": Ground(_write(lambda: stacks.projected(changed=True)), "project"),
    "project, pruned": Ground(_write(lambda: stacks.projected(pruned=True)), "project"),
    "new in a vault": Ground(_write_vaulted),
    "in a vault": Ground(Bench.apply, "new in a vault"),
    "due in a vault": Ground(lambda bench: bench.tenancy.advance("61d"), "in a vault"),
    "overlapping in a vault": Ground(_turn, "due in a vault"),
    "renamed": Ground(_rename, "made"),
    "crowded vault": Ground(_crowd, "watched"),
    "new rooted vault": Ground(lambda bench: bench.write(stacks.rooted(**bench.vault))),
    "rooted vault": Ground(Bench.apply, "new rooted vault"),
    "rooted vault, gone": Ground(_end, "rooted vault"),
    "watched new": Ground(watched.prepare),
    "watched": Ground(Bench.apply, "watched new"),
    "watched due": Ground(lambda bench: bench.tenancy.advance("61d"), "watched"),
    "watched pending": Ground(_fail_the_proof, "watched due"),
    "watched overlapping": Ground(_turn, "watched due"),
    "watched stranger": Ground(_make_by_hand, "watched"),
}
_VAULTED = {"keys": ("app",), "callers": ("app",)}
STORIES = {
    "apply": Story("new", callers=()),
    "rotation": Story("due"),
    "retirement": Story("overlapping"),
    "incident": Story("rotating", ("rotate", "ApiKey/batch", "--leaked", "key-one", "--revoke", "--auto-approve")),
    "leak": Story("rotating", ("rotate", "ApiKey/batch", "--leaked", "key-one", "--auto-approve")),
    "move": Story("moving"),
    "move of a grant": Story("another place", keys=("chat",), callers=("chat",)),
    "region": Story("another region", keys=("chat",), callers=()),
    "prune": Story("pruning", keys=("chat",), callers=("chat",)),
    "vault apply": Story("new in a vault", keys=("app",), callers=()),
    "vault rotation": Story("due in a vault", **_VAULTED),
    "vault retirement": Story("overlapping in a vault", **_VAULTED),
    "vault incident": Story(
        "in a vault", ("rotate", "ApiKey/app", "--leaked", "key-one", "--revoke", "--auto-approve"), **_VAULTED
    ),
}


class Workshop:
    """Grounds, each prepared when first asked for, and one fresh copy at a time to run on."""

    def __init__(self, home: Path, launcher: Launcher | Here) -> None:
        self._home, self._launcher = home, launcher
        self._port = _find_port()

    @contextmanager
    def bench(self, ground: str) -> Iterator[Bench]:
        """A fresh copy of a ground."""
        with copied(self._ground(ground), self._home / "run", self._launcher, self._port) as bench:
            yield bench

    def _ground(self, name: str) -> Path:
        place, ground = self._home / name, GROUNDS[name]
        if not place.exists():
            if ground.base is not None:
                shutil.copytree(self._ground(ground.base), place)
            with serving(place, self._launcher, self._port) as bench:
                ground.prepare(bench)
        return place


def _find_port() -> int:
    """A free port below those that the system hands out by itself: nobody takes it between one server and the next."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
