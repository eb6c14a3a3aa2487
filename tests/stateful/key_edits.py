"""Edits of API keys: their secrets, where these go, how they rotate."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from plan_apply.manifests import Document, key
from plan_apply.sdk_helpers import REGION

from .manifest_set import ManifestSet, base, pick

KEYS = {"k0": 1, "k1": 2, "k2": 2}  # how many secrets each has; OCI cannot change that
_ROTATIONS = (
    {"every": "20d", "overlap": "2d", "idle": "24h"},
    {"every": "30d", "overlap": "5d", "idle": "12h", "verify": {"model": "xai.grok-4"}},
    {"every": "10d", "overlap": "1d", "retire": "revoke"},
)
_LIVES = ("40d", "60d", "90d")


class KeyEdits(ManifestSet):
    """Each edit answers whether there was anything to do; what is kept is left alone."""

    def add_key(self, random: Random, kept: frozenset[str]) -> bool:
        absent = self.absent("ApiKey", KEYS)
        if not absent or not self.of("Compartment"):
            return False
        self.put(self.new_key(random, random.choice(absent)))
        return True

    def rename_key(self, random: Random, kept: frozenset[str]) -> bool:
        return self._set_on_key(random, kept, "displayName", random.choice("xyz"))

    def move_key(self, random: Random, kept: frozenset[str]) -> bool:
        return self._set_on_key(random, kept, "compartment", random.choice([*self.of("Compartment"), "tenancy"]))

    def move_key_far(self, random: Random, kept: frozenset[str]) -> bool:
        """Into a compartment that the stack does not own."""
        return self._set_on_key(random, kept, "compartment", "/far")

    def change_region(self, random: Random, kept: frozenset[str]) -> bool:
        """Of one key."""
        return self._set_on_key(random, kept, "region", random.choice([REGION, "us-ashburn-1"]))

    def change_stack_region(self, random: Random, kept: frozenset[str]) -> bool:
        """Of every key that names none."""
        if any(address.startswith("ApiKey/") for address in kept):
            return False
        self.stack_region = random.choice([REGION, "us-ashburn-1"])
        return True

    def change_expiry(self, random: Random, kept: frozenset[str]) -> bool:
        """A date on a key without rotation, or another life."""
        name = pick(random, self.free("ApiKey", kept))
        if name is None:
            return False
        spec = self.spec(f"ApiKey/{name}")
        date = (self.now + timedelta(days=random.choice([-3, 20, 45, 90, 200, 400]))).strftime("%Y-%m-%dT00:00:00Z")
        lives = [*_LIVES, *([] if "rotation" in spec else [date])]
        random.choice(spec["secrets"])["expires"] = random.choice(lives)
        return True

    def change_state(self, random: Random, kept: frozenset[str]) -> bool:
        """Of a secret of a key without rotation."""
        still = [name for name in self.free("ApiKey", kept) if "rotation" not in self.spec(f"ApiKey/{name}")]
        name = pick(random, still)
        if name is None:
            return False
        states = ["active", "active", "inactive", "inactive", "revoked"]
        random.choice(self.spec(f"ApiKey/{name}")["secrets"])["state"] = random.choice(states)
        return True

    def change_sinks(self, random: Random, kept: frozenset[str]) -> bool:
        name = pick(random, self.free("ApiKey", kept))
        if name is None:
            return False
        self.spec(f"ApiKey/{name}")["deliverTo"] = self._sinks(random, name)
        return True

    def turn_rotation(self, random: Random, kept: frozenset[str]) -> bool:
        """On or off."""
        name = pick(random, [name for name in self.free("ApiKey", kept) if KEYS[base(name)] == 2])
        if name is None:
            return False
        spec = self.spec(f"ApiKey/{name}")
        if spec.pop("rotation", None) is None:
            _rotate(random, spec)
        return True

    def _set_on_key(self, random: Random, kept: frozenset[str], field: str, value: str) -> bool:
        name = pick(random, self.free("ApiKey", kept))
        if name is None:
            return False
        self.spec(f"ApiKey/{name}")[field] = value
        return True

    def new_key(self, random: Random, name: str) -> Document:
        """Its document."""
        secrets = [{"name": one, "expires": random.choice(_LIVES)} for one in ("one", "two")[: KEYS[name]]]
        spec: dict[str, Any] = {"displayName": random.choice("xyz"), "deliverTo": self._sinks(random, name)}
        made = key(name, compartment=random.choice(self.of("Compartment")), secrets=secrets, **spec)
        if KEYS[name] == 2 and random.random() < 0.7:
            _rotate(random, made["spec"])
        return made

    def _sinks(self, random: Random, name: str) -> list[Document]:
        paths = random.sample(
            [f"secrets/{base(name)}.env", f"secrets/{base(name)}.json", f"secrets/deep/{base(name)}.env"], 2
        )
        chosen = paths[: random.choice([1, 1, 2])]
        self.sinks.update(chosen)
        return [{"file": {"path": path, "format": "json" if path.endswith("json") else "dotenv"}} for path in chosen]


def _rotate(random: Random, spec: dict[str, Any]) -> None:
    spec["rotation"] = random.choice(_ROTATIONS)
    for secret in spec["secrets"]:
        secret.pop("state", None)
        if secret["expires"] not in _LIVES:
            secret["expires"] = random.choice(_LIVES)
