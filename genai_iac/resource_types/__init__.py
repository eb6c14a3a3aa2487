"""The shelf of kinds: every file in this folder that does not begin with `_` holds one `KIND`. Nothing else lists them."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from genai_iac.core.step import DiffContext, RotationRequest, Step, declared_tags
from genai_iac.resource_types._api_key_callers import region_of_endpoint
from genai_iac.resource_types._base import Listing, ManifestContext, ResourceType
from genai_iac.rotation.block import Rotation, idle_time
from genai_iac.rotation.declared_states import declared_secrets
from genai_iac.rotation.expiry import read_duration
from genai_iac.rotation.state import derive_state

__all__ = [
    "RESOURCE_TYPES",
    "DiffContext",
    "Listing",
    "ManifestContext",
    "ResourceType",
    "Rotation",
    "RotationRequest",
    "Step",
    "declared_secrets",
    "declared_tags",
    "derive_state",
    "idle_time",
    "read_duration",
    "region_of_endpoint",
]


def _read_shelf() -> Mapping[str, ResourceType]:
    shelf: dict[str, ResourceType] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        kind: ResourceType = import_module(f"{__name__}.{module.name}").KIND
        if kind.name in shelf:
            raise TypeError(f"two files on the shelf of kinds are called {kind.name}")
        shelf[kind.name] = kind
    return shelf


RESOURCE_TYPES: Mapping[str, ResourceType] = _read_shelf()
