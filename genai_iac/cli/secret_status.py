"""The secrets of a stack, read for `status` and `expiry`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from genai_iac.analysis.secret_status import SecretStatus, list_secrets
from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.session import open_session
from genai_iac.delivery import read_sink_states


@dataclass(frozen=True, slots=True)
class StackSecrets:
    """One reading: the tenancy's clock and every secret."""

    stack: str  # its name
    now: datetime  # the service's clock, in UTC
    entries: tuple[SecretStatus, ...]  # by address and name


def read_stack_secrets(flags: GlobalOptions, path: str) -> StackSecrets:
    """Read the tenancy and the sinks. Raises ManifestError, ServiceFailure, SinkError."""
    with open_session(flags, path) as workspace:
        live = workspace.read()
        resources = workspace.manifest.resources
        held = read_sink_states(workspace.desk_for(live), resources, live)
        places = {address: tuple(sink.place for sink in workspace.desk.sinks(resources[address])) for address in held}
        return StackSecrets(workspace.owner.name, live.now, list_secrets(resources, live, held, places))
