"""Directories for tests: one that knows every name there could be, one that knows a small tree."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

HERE = "ocid1.tenancy.oc1..here"


@dataclass(frozen=True)
class EveryName:
    """Every name is there; of another generation every OCID is another."""

    generation: int = 1

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        return self._ocid("compartment", "/".join(path))

    def contains(self, ancestor: str, compartment: str) -> bool:
        return True

    def group(self, name: str, domain: str | None) -> str | None:
        return self._ocid("group", f"{domain or 'default'}/{name}")

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        return self._ocid("dynamicgroup", f"{domain or 'default'}/{name}")

    def _ocid(self, kind: str, name: str) -> str:
        return f"ocid1.{kind}.oc1..{hashlib.sha256(f'{self.generation} {name.lower()}'.encode()).hexdigest()[:40]}"


@dataclass(frozen=True)
class SmallTree:
    """Compartments by their path from the tenancy, groups and dynamic groups by name; OCIDs are spelt from the names."""

    paths: tuple[tuple[str, ...], ...]
    groups: frozenset[str] = frozenset()
    dynamic_groups: frozenset[str] = frozenset()
    ocids: Mapping[tuple[str, ...], str] = field(init=False)

    def __post_init__(self) -> None:
        ocids = {path: f"ocid1.compartment.oc1..{'-'.join(path)}" for path in self.paths}
        object.__setattr__(self, "ocids", {(): HERE} | ocids)

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        start = next((known for known, ocid in self.ocids.items() if ocid == attached), None)
        if start is None:
            return None
        wanted = tuple(name.lower() for name in path)
        starts = [start] + ([start[:-1]] if start and start[-1] == wanted[0] else [])
        return next((self.ocids[(*base, *wanted)] for base in starts if (*base, *wanted) in self.ocids), None)

    def contains(self, ancestor: str, compartment: str) -> bool:
        by_ocid = {ocid: path for path, ocid in self.ocids.items()}
        if ancestor not in by_ocid or compartment not in by_ocid:
            return False
        return by_ocid[compartment][: len(by_ocid[ancestor])] == by_ocid[ancestor]

    def group(self, name: str, domain: str | None) -> str | None:
        return f"ocid1.group.oc1..{name.lower()}" if name.lower() in self.groups else None

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        return f"ocid1.dynamicgroup.oc1..{name.lower()}" if name.lower() in self.dynamic_groups else None
