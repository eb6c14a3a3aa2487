"""What OCI's own inference actions have in common: a compartment, a serving mode, and a signed caller."""

from genai_iac.emulator.http.errors import invalid
from genai_iac.emulator.http.request_fields import choice, part, text
from genai_iac.emulator.services.inference.callers import SignedCaller
from genai_iac.emulator.services.inference.models import check_capability, check_name
from genai_iac.emulator.services.operation_context import OperationContext

_ENDPOINT = "ocid1.generativeaiendpoint."


def admit_native(call: OperationContext, capability: str) -> str:
    """The model (or the dedicated endpoint's OCID) of a native call that a policy admits; else 400 or 404."""
    compartment = text(call.body, "compartmentId")
    mode = part(call.body, "servingMode")
    dedicated = choice(mode, "servingType", ("ON_DEMAND", "DEDICATED")) == "DEDICATED"
    model = text(mode, "endpointId" if dedicated else "modelId")
    if dedicated and not model.startswith(_ENDPOINT):
        raise invalid(f"endpointId must be the OCID of an endpoint, {_ENDPOINT}…")
    check_name(model)
    SignedCaller(call, compartment).use(model)
    check_capability(call, model, capability)
    return model
