"""The shelf of kinds: every file in this folder that does not begin with `_` holds one `KIND`. Nothing else lists them."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from genai_iac.kinds._expiry import read_duration
from genai_iac.kinds._kind import Facts, Kind, Listing, Step, Telling, Wish, declared_tags
from genai_iac.kinds._position import find_position
from genai_iac.kinds._rotation import Rotation, idle_time
from genai_iac.kinds._secrets import declared_secrets

__all__ = [
    "KINDS",
    "Facts",
    "Kind",
    "Listing",
    "Rotation",
    "Step",
    "Telling",
    "Wish",
    "declared_secrets",
    "declared_tags",
    "find_position",
    "idle_time",
    "read_duration",
]


def _read_shelf() -> Mapping[str, Kind]:
    shelf: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        kind: Kind = import_module(f"{__name__}.{module.name}").KIND
        if kind.name in shelf:
            raise TypeError(f"two files on the shelf of kinds are called {kind.name}")
        shelf[kind.name] = kind
    return shelf


KINDS: Mapping[str, Kind] = _read_shelf()
