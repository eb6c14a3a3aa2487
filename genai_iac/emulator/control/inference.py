"""Control routes for scripted answers of the inference endpoints."""

from typing import Any

from genai_iac.emulator.control.request import ControlRequest
from genai_iac.emulator.services.inference.scripted_answers import add_scripts, list_scripts, remove_scripts


def show_scripts(visit: ControlRequest) -> list[dict[str, Any]]:
    """All rules in order, with how often each has answered."""
    return list_scripts(visit.connection)


def post_scripts(visit: ControlRequest) -> list[dict[str, Any]]:
    """Add one rule or a list of them; all rules that are there then."""
    add_scripts(visit.connection, visit.value)
    return list_scripts(visit.connection)


def delete_scripts(visit: ControlRequest) -> None:
    """Remove all rules."""
    remove_scripts(visit.connection)
