"""Doors to the settings and the faults."""

from typing import Any

from genai_iac.emulator.control.visit import Visit
from genai_iac.emulator.faults import arm_faults, disarm_faults, list_faults
from genai_iac.emulator.settings import apply_changes, encode_settings
from genai_iac.emulator.vault.vaults import furnish_vaults
from genai_iac.emulator.world import read_world, store_settings


def show_settings(visit: Visit) -> dict[str, Any]:
    """All settings, durations as text."""
    return encode_settings(read_world(visit.connection).settings)


def change_settings(visit: Visit) -> dict[str, Any]:
    """Change those that the body names; all settings as they are then."""
    settings = apply_changes(read_world(visit.connection).settings, visit.value)
    store_settings(visit.connection, settings)
    furnish_vaults(visit.connection, read_world(visit.connection))
    return encode_settings(settings)


def show_faults(visit: Visit) -> list[dict[str, Any]]:
    """All armed faults."""
    return list_faults(visit.connection)


def arm(visit: Visit) -> list[dict[str, Any]]:
    """Arm one fault or a list of them; all that are armed then."""
    arm_faults(visit.connection, visit.value)
    return list_faults(visit.connection)


def disarm(visit: Visit) -> None:
    """Remove all faults."""
    disarm_faults(visit.connection)
