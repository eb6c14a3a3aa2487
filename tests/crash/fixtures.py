"""Prepared tenancies with their projects, copied for each run, and what must hold after one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from conftest import SUBSCRIBED, Tenancy
from plan_apply.sdk_helpers import ASHBURN, REGION, client, compartments, keys, policies

from genai_iac.core import OWNERSHIP_TAG
from genai_iac.emulator import running

from .launching import Ended, Here, Launcher
from .load_generator import probe
from .sink_setups import File, Place, VaultSecret
from .stacks import SINKS, VAULTED

APPLY = ("apply", "--auto-approve")
_VALUE = re.compile(r"sk-[A-Za-z0-9]{20,}")
_MASK = re.compile(r"\"mask\": ?\"([^\"]+)\"")

OPERATIONS_OF_TWO = ("CreateApiKey", "CreateCompartment", "ListApiKeys", "GetApiKey", "RenewApiKey", "SetApiKeyState")


@dataclass
class Sandbox:
    """A project in a directory of its own, a tenancy that is being served, and the command line."""

    home: Path
    tenancy: Tenancy
    launcher: Launcher | Here
    of_sinks: Mapping[str, str] = field(default_factory=dict)  # what networked sinks read of the environment

    @property
    def project(self) -> Path:
        return self.home / "project"

    def write(self, text: str) -> None:
        """Change the manifests."""
        self.project.mkdir(parents=True, exist_ok=True)
        (self.project / "stack.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, meet: Any = lambda pid: None, broken: str = "") -> Ended:
        """Run genai-iac in the project, in a process of its own; `broken`: how its standard output cannot be written."""
        return self.launcher.run(arguments, self.project, self.environ, meet, broken)

    def apply(self) -> Ended:
        """Apply, which must go well."""
        ended = self.run(*APPLY)
        assert ended.code == 0, f"exit {ended.code}\n{ended.out}\n{ended.err}"
        return ended

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            "GENAI_IAC_ENDPOINT": self.tenancy.url,
            "GENAI_IAC_CONFIG_FILE": str(self.tenancy.config_file),
            "HOME": str(self.home),
            **self.of_sinks,
        }

    @property
    def vault(self) -> Mapping[str, str]:
        """The OCIDs of the region's own `vault` and `key`."""
        found: Mapping[str, str] = self.tenancy.control("GET", "health")["vaults"][REGION]
        return found

    def files(self, *names: str) -> list[Path]:
        """The files that those keys are delivered to."""
        return [self.project / path for name in names for path in SINKS[name]]

    def sinks(self, *names: str) -> list[Place]:
        """Every place that those keys are delivered to."""
        bundles = client(self.tenancy, "secrets", REGION)
        secrets = [VaultSecret(bundles, self.vault["vault"], name) for name in names if name in VAULTED]
        return [*map(File, self.files(*names)), *secrets]


@contextmanager
def serving(home: Path, launcher: Launcher | Here, port: int = 0) -> Iterator[Sandbox]:
    """The tenancy in that directory, always at the same port: sinks tell consumers where to call."""
    home.mkdir(parents=True, exist_ok=True)
    with running(home / "local.db", port, oci_dir=home / "oci", allow_kill=True) as server:
        tenancy = Tenancy(server.url, Path(server.config_file), server.tenancy)
        tenancy.settings(subscribedRegions=SUBSCRIBED)
        yield Sandbox(home, tenancy, launcher)


@contextmanager
def copied(start: Path, home: Path, launcher: Launcher | Here, port: int) -> Iterator[Sandbox]:
    """A copy of a prepared tenancy and its project, gone at the end."""
    shutil.copytree(start, home)
    try:
        with serving(home, launcher, port) as sandbox:
            sandbox.tenancy.control("DELETE", "calls")
            yield sandbox
    finally:
        shutil.rmtree(home)


def hold_back(sandbox: Sandbox, chance: Random, delays: Sequence[int]) -> None:
    """Have about half of the requests of two runs answered later, by one of those milliseconds, before or after the commit."""
    for operation in OPERATIONS_OF_TWO:
        for nth in range(1, 5):
            if chance.random() < 0.5:
                effect = {"delay": f"{chance.choice(delays)}ms"}
                when = chance.choice(("before", "after"))
                fault = {"operation": operation, "nth": nth, "when": when, "effect": effect}
                sandbox.tenancy.control("POST", "faults", fault)


def check_whole(sandbox: Sandbox, names: tuple[str, ...], texts: tuple[str, ...] = ()) -> None:
    """Nothing is lost, doubled, unowned or left over: every promise about the state after an apply."""
    ended = sandbox.run("plan", "--detailed-exitcode")
    assert ended.code == 0, f"there is something left to do\n{ended.out}\n{ended.err}"
    live = keys(sandbox.tenancy, REGION, ASHBURN)
    assert sorted(key.display_name.replace("chat_app", "chat") for key in live.values()) == sorted(names)
    owned = [*live.values(), *compartments(sandbox.tenancy).values(), *policies(sandbox.tenancy).values()]
    assert [one.id for one in owned if not one.freeform_tags.get(OWNERSHIP_TAG, "").startswith("reference/")] == []
    for name, key in ((key.display_name.replace("chat_app", "chat"), key) for key in live.values()):
        working = {secret.key_mask for secret in key.keys if secret.state == "ACTIVE"}
        assert working, f"{name} has no working secret"
        for place in sandbox.sinks(name):
            assert working <= set(_MASK.findall(place.text() or "")), f"{place.name} lacks a value of {name}"
            assert probe(place).status == 200, f"what {place.name} shows does not work"
    declared = set(sandbox.files(*SINKS))
    files = [path for path in sandbox.project.rglob("*") if path.is_file()]
    assert [path for path in files if path.name.startswith(".genai-iac-")] == []
    assert [path for path in files if path not in declared and _VALUE.search(path.read_text("utf-8", "replace"))] == []
    assert [path for path in declared if path.exists() and path.stat().st_mode & 0o077] == []
    assert not any(map(_VALUE.search, texts))
