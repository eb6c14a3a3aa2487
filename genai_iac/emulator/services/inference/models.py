"""Which model a call is for, the lists of models that callers may use, and what OCI's own inference actions have in common: a compartment,
a serving mode, and a signed caller.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from genai_iac.emulator.http.requests import choice, part, text
from genai_iac.emulator.http.responses import Answer, ServiceError, invalid, not_authenticated
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.generative_ai.base_models import catalog, find_model
from genai_iac.emulator.services.generative_ai.key_secrets import ROUTING_PROFILE_KIND
from genai_iac.emulator.services.inference.callers import ModelCaller, SignedCaller, identify
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.time_format import SECOND
from genai_iac.vocabulary import CHAT, EMBEDDINGS, Model, is_routing_profile, models

PREFIXES = ("/20231130/actions/v1", "/openai/v1")
_VENDORS = tuple(sorted({f"{model.vendor}." for model in models().values()}))
_OCIDS = ("ocid1.generativeaimodel.", "ocid1.generativeaiendpoint.")
_WITHOUT_RESPONSES = ("meta.", "cohere.")  # vendors whose models have no Responses API
_OPERATIONS = {CHAT: ("ChatCompletions", "CreateResponse"), EMBEDDINGS: ("Embeddings",)}


class AskedModel(Struct, frozen=True):
    """What a call names as its model: a model, or a routing profile; and the headers that its answer has for that."""

    name: str  # model name, or OCID of the routing profile
    profile: StoredResource | None
    headers: Mapping[str, str]  # of the answer, such as the chosen region


def read_model(call: OperationContext) -> AskedModel:
    """The chat model or routing profile that the body names; 404 when it is none."""
    model = text(call.body, "model")
    if not is_routing_profile(model):
        check_model(call, model, CHAT)
        return AskedModel(model, None, retirement_headers(model))
    profile = call.resources.find(ROUTING_PROFILE_KIND, model, call.hidden_after)
    if profile is None or profile.region != call.region or profile.state != "ACTIVE":
        raise _no_model(model)
    region = _choose_region(profile, call.region, call.world.settings.subscribedRegions)
    return AskedModel(model, profile, {"x-genai-selected-region": region})


def check_model(call: OperationContext, name: str, capability: str) -> None:
    """404 for a name that is no model's; 400 for a model that is known to do other things than this."""
    check_name(name)
    check_capability(call, name, capability)


def check_name(name: str) -> None:
    """404 for a name that is no model's."""
    if not name.startswith((*_VENDORS, *_OCIDS)):
        raise _no_model(name)


def check_capability(call: OperationContext, name: str, capability: str) -> None:
    """400 for a model that is known to do other things than this."""
    known = find_model(name, call.region)
    if known is not None and known.capability != capability:
        raise invalid(f"Model {name} does not support {capability}; it supports {known.capability}.")


def require_responses(model: str) -> None:
    """400 for a model that the Responses API does not serve: by the table, or by its vendor where the table does not say."""
    known = models().get(model)
    if "responses" not in known.apis if known and known.apis else model.startswith(_WITHOUT_RESPONSES):
        raise invalid(f"Model {model} does not support the Responses API.")


def retirement_headers(name: str) -> dict[str, str]:
    """The header that warns of a model whose on-demand serving ends or has ended."""
    model = find_model(name)
    if model is None or model.retired is None:
        return {}
    return {"model-retirement-info": f"Model {name} is deprecated; its on-demand serving ends on {model.retired}."}


def _list_models(call: OperationContext) -> Answer:
    caller = identify(call)
    usable = [model for model in catalog() if _usable(caller, model)]
    if not usable:
        raise not_authenticated()
    return Answer({"object": "list", "data": [_show(model, call.now) for model in usable]}, principal=caller.principal)


def _get_model(call: OperationContext) -> Answer:
    caller = identify(call)
    model = find_model(call.parameters["model"], call.region)
    if model is None or not _usable(caller, model):
        raise _no_model(call.parameters["model"])
    return Answer(_show(model, call.now), headers=retirement_headers(model.name), principal=caller.principal)


OPERATIONS = tuple(
    operation("generative-ai-inference", name, f"GET {prefix}/models{rest}", auth="either")(function)
    for prefix in PREFIXES
    for name, rest, function in (("ListModels", "", _list_models), ("GetModel", "/{model...}", _get_model))
)


def _usable(caller: ModelCaller, model: Model) -> bool:
    return any(caller.may_use(model.name, name) for name in _OPERATIONS.get(model.capability, ()))


def _no_model(name: str) -> ServiceError:
    return ServiceError(404, "NotAuthorizedOrNotFound", f"Entity with key {name} not found.")


def _show(model: Model, now: int) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": now // SECOND, "owned_by": model.vendor}


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


def _choose_region(profile: StoredResource, called: str, subscribed: tuple[str, ...]) -> str:
    """The region that serves a call made in the region `called`.

    Args:
        profile: a stored routing profile.
        called: region whose endpoint received the call.
        subscribed: regions of the tenancy.
    """
    allowed = profile.body.get("regionRoutingPolicy", {}).get("allowedRegions", ())
    return next((region for region in allowed if region in subscribed), called)
