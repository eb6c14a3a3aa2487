"""The models that answer here: none is real, but a mistyped name is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.emulator.http.errors import ServiceError, invalid, not_authenticated
from genai_iac.emulator.http.request_fields import text
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.generative_ai.routing_profiles import KIND, choose_region
from genai_iac.emulator.services.inference.bearer import Bearer
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.time_format import SECOND
from genai_iac.vocabulary import is_routing_profile
from genai_iac.vocabulary import models as model_table

MODELS = tuple(model_table())
_OCIDS = ("ocid1.generativeaimodel.", "ocid1.generativeaiendpoint.", "ocid1.generativeairoutingprofile.")
_VENDORS = ("xai.", "openai.", "meta.", "google.", "cohere.")
_WITHOUT_RESPONSES = ("meta.", "cohere.")


def read_model(call: OperationContext) -> str:
    """The model the body names; 404 when it is none."""
    model = text(call.body, "model")
    if not (model.startswith(_VENDORS) or model.startswith(_OCIDS)):
        raise _unknown(model)
    return model


@dataclass(frozen=True)
class AskedModel:
    """What a call names as its model: a model, or a routing profile; and the headers that its answer has for that."""

    name: str
    profile: StoredResource | None
    headers: Mapping[str, str]


def find_model(call: OperationContext) -> AskedModel:
    """The model or routing profile that the body names; 404 when it is none."""
    name = read_model(call)
    if not is_routing_profile(name):
        known = model_table().get(name)
        retired = known.retired if known else None
        # Oracle: retire-announcements.htm. When models really cease to answer is not acted out
        return AskedModel(name, None, {"model-retirement-info": f"{name} retires on {retired}"} if retired else {})
    profile = call.resources.find(KIND, name, call.hidden_after)
    if profile is None or profile.region != call.region or profile.state != "ACTIVE":
        raise _unknown(name)
    region = choose_region(profile, call.region, call.world.settings.subscribedRegions)
    return AskedModel(name, profile, {"x-genai-selected-region": region})


def _unknown(model: str) -> ServiceError:
    return ServiceError(404, "NotAuthorizedOrNotFound", f"Entity with key {model} not found.")


def require_responses(model: str) -> None:
    """400 for a model that the Responses API does not serve."""
    if model.startswith(_WITHOUT_RESPONSES):
        raise invalid(f"Model {model} does not support the Responses API.")


def _list_models(call: OperationContext) -> Answer:
    bearer = Bearer(call)
    usable = [
        model for model in MODELS if bearer.may_use(model, "ChatCompletions") or bearer.may_use(model, "CreateResponse")
    ]
    if not usable:
        raise not_authenticated()
    return Answer({"object": "list", "data": [_show(model, call.now) for model in usable]}, principal=bearer.principal)


OPERATIONS = tuple(
    operation("generative-ai-inference", "ListModels", f"GET {prefix}/models", auth="bearer")(_list_models)
    for prefix in ("/20231130/actions/v1", "/openai/v1")
)


def _show(model: str, now: int) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": now // SECOND, "owned_by": model.partition(".")[0]}
