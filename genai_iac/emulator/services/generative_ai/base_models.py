"""The base models as the control plane lists them, with the day on which their on-demand serving ends.

They are those of the table of `genai_iac.vocabulary`, under the OCIDs that it gives them.
"""

import hashlib
from base64 import b32encode
from typing import Any

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.responses import Answer, answer_page, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.vocabulary import Model, models


def catalog() -> tuple[Model, ...]:
    """Every base model, in the order of the table; also those that are retired."""
    return tuple(models().values())


def ocid_of(model: Model, region: str) -> str:
    """The model's OCID in a region: the same in every tenancy and at every time."""
    digest = hashlib.sha256(f"{region}/{model.name}".encode()).digest() + model.name.encode().ljust(8, b"-")[:8]
    return f"ocid1.generativeaimodel.oc1.{region}.amaaaaaa{b32encode(digest).decode().lower().rstrip('=')[:52]}"


def find_model(name: str, region: str = "") -> Model | None:
    """The model of that name, or of that OCID in the region."""
    if region and name.startswith("ocid1."):
        return next((model for model in catalog() if ocid_of(model, region) == name), None)
    return models().get(name)


_STATES = ("ACTIVE", "CREATING", "DELETING", "DELETED", "FAILED")
_CREATED = "2025-01-01T00:00:00Z"  # of all of them: the real days are not published


@operation("generative-ai", "ListModels", "GET /20231130/models")
def list_models(call: OperationContext) -> Answer:
    """ListModels: the base models of the region; there are no custom ones."""
    call.enter(call.request.required("compartmentId"))
    request = call.request
    state = request.one_of("lifecycleState", _STATES)
    wanted = {name: request.one(name) for name in ("displayName", "vendor", "id")}
    capabilities = request.query.get("capability", [])
    order = request.one_of("sortBy", ("displayName", "lifecycleState", "timeCreated"))
    rows = [_show(model, call.region) for model in catalog() if state in (None, "ACTIVE")]
    rows = [row for row in rows if all(value in (None, row[name]) for name, value in wanted.items())]
    if capabilities:
        rows = [row for row in rows if set(capabilities) & set(row["capabilities"])]
    if order is not None:
        rows.sort(key=lambda row: str(row[order]), reverse=request.one_of("sortOrder", ("ASC", "DESC")) == "DESC")
    page, following = slice_page(rows, request)
    return answer_page(page, following, collection=True)


@operation("generative-ai", "GetModel", "GET /20231130/models/{modelId}")
def get_model(call: OperationContext) -> Answer:
    """GetModel, by OCID."""
    call.enter(call.world.tenancy)
    model = find_model(call.ocid("modelId"), call.region)
    if model is None or not call.ocid("modelId").startswith("ocid1."):
        raise not_found()
    return Answer(_show(model, call.region))


OPERATIONS = (list_models, get_model)


def _show(model: Model, region: str) -> dict[str, Any]:
    return {
        "id": ocid_of(model, region),
        "displayName": model.name,
        "compartmentId": None,  # base models are in no compartment
        "capabilities": [model.capability],
        "lifecycleState": "ACTIVE",
        "vendor": model.vendor,
        "version": "1.0",
        "type": "BASE",
        "isLongTermSupported": False,
        "timeCreated": _CREATED,
        "timeDeprecated": None,
        "timeOnDemandRetired": None if model.retired is None else f"{model.retired}T00:00:00Z",
        "timeDedicatedRetired": None,
        "freeformTags": {},
        "definedTags": {},
        "systemTags": {},
    }
