"""Doors that tell how the tenancy is, what was called, and that empty it."""

from typing import Any

from genai_iac.emulator.bootstrap import reset
from genai_iac.emulator.call_log import clear_calls, list_calls
from genai_iac.emulator.control.visit import Visit
from genai_iac.emulator.vault.vaults import built_in
from genai_iac.emulator.world import read_world


def show_health(visit: Visit) -> dict[str, Any]:
    """The tenancy's OCID, its home region, and the vault and key of each region."""
    world = read_world(visit.connection)
    return {"status": "ok", "tenancy": world.tenancy, "homeRegion": world.home, "vaults": built_in(visit.connection)}


def show_calls(visit: Visit) -> dict[str, Any]:
    """`{"calls": […]}`."""
    return {"calls": list_calls(visit.connection)}


def forget_calls(visit: Visit) -> None:
    """Empty the log; the next call is number 1."""
    clear_calls(visit.connection)


def empty(visit: Visit) -> None:
    """Back to a new tenancy with the same administrator."""
    reset(visit.connection, visit.home_region)
