"""The models that answer here: none is real, but a mistyped name is refused."""

from typing import Any

from genai_iac.emulator.http.errors import ServiceError, invalid, not_authenticated
from genai_iac.emulator.http.request_fields import text
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.inference.bearer import Bearer
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.time_format import SECOND

MODELS = (
    "xai.grok-3",
    "xai.grok-4",
    "xai.grok-4-fast-reasoning",
    "xai.grok-4-1-fast-reasoning",
    "openai.gpt-oss-20b",
    "openai.gpt-oss-120b",
    "openai.gpt-4.1",
    "meta.llama-3.3-70b-instruct",
    "meta.llama-4-maverick-17b-128e-instruct-fp8",
    "google.gemini-2.5-flash",
    "cohere.command-r-plus-08-2024",
)
_VENDORS = ("xai.", "openai.", "meta.", "google.", "cohere.")
_WITHOUT_RESPONSES = ("meta.", "cohere.")


def read_model(call: OperationContext) -> str:
    """The model the body names; 404 when it is none."""
    model = text(call.body, "model")
    if not (
        model.startswith(_VENDORS) or model.startswith(("ocid1.generativeaimodel.", "ocid1.generativeaiendpoint."))
    ):
        raise ServiceError(404, "NotAuthorizedOrNotFound", f"Entity with key {model} not found.")
    return model


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
