"""The author of the manifests: edits drawn by chance from pools so small that names and places collide.

What is written is always valid by itself; whether the tenancy lets it be so is for the forecast to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from plan_apply.manifests import compartment, policy

from .key_edits import KEYS, KeyEdits
from .manifest_set import base, pick

_COMPARTMENTS = ("c0", "c1", "c2", "c3")
_POLICIES = ("p0", "p1", "p2")
_NAMES = ("n0", "n1", "n2", "n3", "n4", "n5")
_POLICY_NAMES = ("q0", "q1", "q2", "q3")

EDITS = (
    "add_compartment", "rename_compartment", "move_compartment", "remove_compartment", "add_policy", "rewrite_policy",
    "rename_policy", "remove_policy", "add_key", "rename_key", "move_key", "remove_key", "describe", "tag", "protect",
    "change_expiry", "change_state", "change_sinks", "turn_rotation", "move_key_far", "change_region",
    "change_stack_region",
)  # fmt: skip


class ManifestEdits(KeyEdits):
    """The manifests as they stand, and what somebody may do to them. An edit answers whether there was anything to do."""

    def begin(self, random: Random) -> None:
        """A first stack, so that a walk does not begin in the void."""
        for name in _COMPARTMENTS[:2]:
            self.put(compartment(name, name=name.replace("c", "n"), parent="tenancy"))
        for name in random.sample(sorted(KEYS), 2):
            self.put(self.new_key(random, name))
        self.add_policy(random, frozenset())

    # Each kind: one more, one less, elsewhere, otherwise called

    def add_compartment(self, random: Random, kept: frozenset[str]) -> bool:
        absent = self.absent("Compartment", _COMPARTMENTS)
        if not absent:
            return False
        name, parent = random.choice(absent), random.choice([*self.of("Compartment"), "tenancy"])
        called = self._free_name(random, parent, name)
        self.put(compartment(name, name=called, parent=parent))
        return True

    def rename_compartment(self, random: Random, kept: frozenset[str]) -> bool:
        name = pick(random, self.free("Compartment", kept))
        if name is None:
            return False
        spec = self.spec(f"Compartment/{name}")
        spec["name"] = self._free_name(random, spec["parent"], name)
        return True

    def move_compartment(self, random: Random, kept: frozenset[str]) -> bool:
        name = pick(random, self.free("Compartment", kept))
        if name is None:
            return False
        spec = self.spec(f"Compartment/{name}")
        open_to_it = [one for one in self.of("Compartment") if name not in self._lineage(one)]
        spec["parent"] = random.choice([*open_to_it, "tenancy"])
        if self._is_taken(spec["parent"], spec["name"], name):
            spec["name"] = self._free_name(random, spec["parent"], name)
        return True

    def remove_compartment(self, random: Random, kept: frozenset[str]) -> bool:
        used = {str(self.spec(address).get("parent")) for address in self.documents}
        used |= {str(self.spec(address).get("compartment")) for address in self.documents}
        text = " ".join(str(self.spec(f"Policy/{name}").get("statements")) for name in self.of("Policy"))
        unused = [name for name in self.free("Compartment", kept) if name not in used and f"/{name}." not in text]
        name = pick(random, unused)
        return name is not None and self.drop(f"Compartment/{name}")

    def add_policy(self, random: Random, kept: frozenset[str]) -> bool:
        absent = self.absent("Policy", _POLICIES)
        if not absent or not self.of("Compartment"):
            return False
        name = random.choice(absent)
        self.put(policy(name, name=self._free_policy_name(random, name), compartment="tenancy", statements=[]))
        return self._rewrite(random, name)

    def rewrite_policy(self, random: Random, kept: frozenset[str]) -> bool:
        """Other statements, maybe attached elsewhere, which replaces it."""
        name = pick(random, self.free("Policy", kept))
        return name is not None and self._rewrite(random, name)

    def rename_policy(self, random: Random, kept: frozenset[str]) -> bool:
        name = pick(random, self.free("Policy", kept))
        if name is None:
            return False
        self.spec(f"Policy/{name}")["name"] = self._free_policy_name(random, name)
        return True

    def remove_policy(self, random: Random, kept: frozenset[str]) -> bool:
        name = pick(random, self.free("Policy", kept))
        return name is not None and self.drop(f"Policy/{name}")

    def remove_key(self, random: Random, kept: frozenset[str]) -> bool:
        name = pick(random, self.free("ApiKey", kept))
        if name is None:
            return False
        for one in self.of("Policy"):
            spec = self.spec(f"Policy/{one}")
            if any(grant["apiKey"] == name for grant in spec.get("grants", ())):
                self._rewrite(random, one, granting=False)
        return self.drop(f"ApiKey/{name}")

    def rename_address(self, random: Random, kept: frozenset[str]) -> bool:
        """Another metadata.name, with the previous one told."""
        if kept:
            return False
        address = pick(random, sorted(self.documents))
        if address is None:
            return False
        name = address.partition("/")[2]
        self.rename(
            address, random.choice([one for one in (base(name), f"{base(name)}-r", f"{base(name)}-s") if one != name])
        )
        return True

    # What their specs say

    def describe(self, random: Random, kept: frozenset[str]) -> bool:
        address = pick(random, [address for address in self.documents if address not in kept])
        if address is None:
            return False
        self.spec(address)["description"] = random.choice(["One", "Two"])
        return True

    def tag(self, random: Random, kept: frozenset[str]) -> bool:
        address = pick(random, [address for address in self.documents if address not in kept])
        if address is None:
            return False
        self.spec(address)["tags"] = {"cost": random.choice("12")}
        return True

    def protect(self, random: Random, kept: frozenset[str]) -> bool:
        """What is to become of it once nothing declares it."""
        address = pick(random, [address for address in self.documents if address not in kept])
        if address is None:
            return False
        self.spec(address)["deletion"] = random.choice(["delete", "delete", "retain", "forbid"])
        return True

    def _lineage(self, name: str) -> Iterable[str]:
        while name != "tenancy":
            yield name
            name = self.spec(f"Compartment/{name}")["parent"]

    def _is_taken(self, parent: str, called: str, name: str) -> bool:
        others = (self.spec(f"Compartment/{one}") for one in self.of("Compartment") if one != name)
        return any((spec["parent"], spec["name"]) == (parent, called) for spec in others)

    def _free_name(self, random: Random, parent: str, name: str) -> str:
        return random.choice([called for called in _NAMES if not self._is_taken(parent, called, name)])

    def _free_policy_name(self, random: Random, name: str) -> str:
        taken = {self.spec(f"Policy/{one}")["name"] for one in self.of("Policy") if one != name}
        return random.choice([called for called in _POLICY_NAMES if called not in taken])

    def _rewrite(self, random: Random, name: str, *, granting: bool = True) -> bool:
        """Attached to the tenancy it may name any compartment, elsewhere it names its own; by OCID or by path."""
        spec = self.spec(f"Policy/{name}")
        about = random.choice(self.of("Compartment"))
        spec["compartment"] = random.choice([about, "tenancy"])
        place = random.choice([f"id ${{Compartment/{about}.id}}", f"${{Compartment/{about}.path}}"])
        verb = random.choice(["inspect", "read"])
        spec["statements"] = [f"allow group readers-{base(name)} to {verb} policies in compartment {place}"]
        spec.pop("grants", None)
        if granting and spec["compartment"] == "tenancy" and self.of("ApiKey") and random.random() < 0.4:
            spec["grants"] = [{"apiKey": random.choice(self.of("ApiKey")), "apis": ["chat"]}]
        return True
