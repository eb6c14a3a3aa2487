"""The secrets of a stack, read for `status` and `expiry`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from genai_iac.cli.flags import Flags
from genai_iac.cli.workspace import open_workspace
from genai_iac.delivery import read_held
from genai_iac.inventory import Entry, list_secrets


@dataclass(frozen=True, slots=True)
class Inventory:
    """One reading: the tenancy's clock and every secret."""

    stack: str
    now: datetime
    entries: tuple[Entry, ...]


def read_inventory(flags: Flags, path: str) -> Inventory:
    """Read the tenancy and the sinks. Raises ManifestError, ServiceFailure, SinkError."""
    with open_workspace(flags, path) as workspace:
        live = workspace.read()
        resources = workspace.manifest.resources
        held = read_held(workspace.desk_for(live), resources, live)
        places = {address: tuple(sink.place for sink in workspace.desk.sinks(resources[address])) for address in held}
        return Inventory(workspace.owner.name, live.now, list_secrets(resources, live, held, places))
