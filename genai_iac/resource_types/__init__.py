"""The registry of resource types: every module here whose name does not begin with `_` defines one `KIND`. Nothing else lists them.

For: what is special about a kind: its schema, how it is read, compared, created, updated and deleted.
In: declared and live resources, a `DiffContext`. Out: `Step`s (calls, reasons, expirations, a delivery plan).
Must not know: other kinds, the order of changes, the SDK, how a plan is shown.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from genai_iac.core.step import DiffContext, RotationRequest, Step, declared_tags
from genai_iac.resource_types._api_key_secrets import region_of_endpoint
from genai_iac.resource_types._base import NOT_DECLARED, Listing, ManifestContext, ResourceType
from genai_iac.rotation.block import Rotation, idle_time, read_duration
from genai_iac.rotation.declared_states import declared_secrets
from genai_iac.rotation.state import HandEdit, derive_state, find_hand_edits, telling_sinks

__all__ = [
    "NOT_DECLARED",
    "RESOURCE_TYPES",
    "DiffContext",
    "HandEdit",
    "Listing",
    "ManifestContext",
    "ResourceType",
    "Rotation",
    "RotationRequest",
    "Step",
    "declared_secrets",
    "declared_tags",
    "derive_state",
    "find_hand_edits",
    "idle_time",
    "read_duration",
    "region_of_endpoint",
    "telling_sinks",
]


def _read_registry() -> Mapping[str, ResourceType]:
    # A module without KIND is an error at import: a forgotten registration is noticed by
    # every test.
    registry: dict[str, ResourceType] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        kind: ResourceType = import_module(f"{__name__}.{module.name}").KIND
        if kind.name in registry:
            raise TypeError(f"two resource types are called {kind.name}")
        registry[kind.name] = kind
    return registry


RESOURCE_TYPES: Mapping[str, ResourceType] = _read_registry()
