"""What the body of a call names beside the resource itself: a compartment."""

from genai_iac.emulator.http.errors import related_not_found
from genai_iac.emulator.services.operation_context import OperationContext


def enter_related(call: OperationContext, compartment: str) -> str:
    """A compartment the body names: unknown or not alive is 400 for those who may do this at all."""
    path = call.directory.path_of(compartment)
    if not path and call.caller.administrator:
        raise related_not_found()
    call.enter(compartment)
    if compartment != call.world.tenancy:
        found = call.resources.find("compartment", compartment, call.hidden_after)
        if found is None or found.state not in ("CREATING", "ACTIVE"):
            raise related_not_found()
    return compartment
