"""Doors to the settings and the faults."""

from typing import Any

from genai_iac.emulator.control.faults import add_faults, list_faults, remove_faults
from genai_iac.emulator.control.request import ControlRequest
from genai_iac.emulator.control.settings import apply_changes, encode_settings
from genai_iac.emulator.services.registry import OPERATION_NAMES
from genai_iac.emulator.services.vault.vaults import built_in, seed_vaults
from genai_iac.emulator.storage.call_log import clear_calls, list_calls
from genai_iac.emulator.storage.seed import reset
from genai_iac.emulator.storage.tenancy_state import read_tenancy_state, store_settings


def show_health(visit: ControlRequest) -> dict[str, Any]:
    """The tenancy's OCID, its home region, and the vault and key of each region.

    The only route that needs no token: scripts wait for it.
    """
    world = read_tenancy_state(visit.connection)
    return {"status": "ok", "tenancy": world.tenancy, "homeRegion": world.home, "vaults": built_in(visit.connection)}


def show_calls(visit: ControlRequest) -> dict[str, Any]:
    """`{"calls": […]}`."""
    return {"calls": list_calls(visit.connection)}


def forget_calls(visit: ControlRequest) -> None:
    """Empty the log; the next call is number 1."""
    clear_calls(visit.connection)


def post_reset(visit: ControlRequest) -> None:
    """Back to a new tenancy with the same administrator."""
    reset(visit.connection, visit.home_region)


def show_settings(visit: ControlRequest) -> dict[str, Any]:
    """All settings, durations as text."""
    return encode_settings(read_tenancy_state(visit.connection).settings)


def change_settings(visit: ControlRequest) -> dict[str, Any]:
    """Change those that the body names; all settings as they are then."""
    settings = apply_changes(read_tenancy_state(visit.connection).settings, visit.value)
    store_settings(visit.connection, settings)
    # A newly subscribed region gets its vault and key.
    seed_vaults(visit.connection, read_tenancy_state(visit.connection))
    return encode_settings(settings)


def show_faults(visit: ControlRequest) -> list[dict[str, Any]]:
    """All armed faults."""
    return list_faults(visit.connection)


def post_faults(visit: ControlRequest) -> list[dict[str, Any]]:
    """Arm one fault or a list of them; all that are armed then."""
    add_faults(visit.connection, visit.value, OPERATION_NAMES, allow_kill=visit.allow_kill)
    return list_faults(visit.connection)


def delete_faults(visit: ControlRequest) -> None:
    """Remove all faults."""
    remove_faults(visit.connection)
