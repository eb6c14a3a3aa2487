"""Generative AI: keys, models, inference.

Which verb allows which operation comes from Oracle's pages *API-Level Permissions for …* (chat, models, API keys,
projects). What follows is UNCONFIRMED: the spelling of the constants but GENERATIVE_AI_CHAT (they follow the pattern
GENERATIVE_AI_<TYPE>_<ACTION> of the model page); renew and set-state of a key, which the key page leaves out and which
are taken to need `manage`; everything about responses and conversations, known only from live policies: they are no
members of generative-ai-family, and creating a stored response needs `manage`.
"""

from genai_iac.iam_policy.permissions.table import IamResourceType, Service


def _managed(name: str) -> IamResourceType:
    """The usual ladder: list, get, update, then move, create and delete."""
    prefix = f"GENERATIVE_AI_{name}"
    return IamResourceType(
        (f"{prefix}_INSPECT",),
        (f"{prefix}_READ",),
        (f"{prefix}_UPDATE",),
        (f"{prefix}_MOVE", f"{prefix}_CREATE", f"{prefix}_DELETE"),
    )


def _called(name: str) -> IamResourceType:
    """Inference: inspect and read allow nothing, use allows the call."""
    return IamResourceType(use=(f"GENERATIVE_AI_{name}",))


_FAMILY: dict[str, IamResourceType] = {
    "generative-ai-chat": _called("CHAT"),
    "generative-ai-text-embedding": _called("TEXT_EMBEDDING"),
    "generative-ai-text-rerank": _called("TEXT_RERANK"),
    "generative-ai-text-generation": _called("TEXT_GENERATION"),
    "generative-ai-text-summarization": _called("TEXT_SUMMARIZATION"),
    "generative-ai-apikey": _managed("APIKEY"),
    "generative-ai-model": _managed("MODEL"),
    "generative-ai-imported-model": _managed("IMPORTED_MODEL"),
    "generative-ai-dedicated-ai-cluster": _managed("DEDICATED_AI_CLUSTER"),
    "generative-ai-endpoint": _managed("ENDPOINT"),
    "generative-ai-private-endpoint": _managed("PRIVATE_ENDPOINT"),
    "generative-ai-project": _managed("PROJECT"),
    "generative-ai-file": _managed("FILE"),
    "generative-ai-container": _managed("CONTAINER"),
    "generative-ai-vector-store": _managed("VECTOR_STORE"),
    "generative-ai-vectorstore": _managed("VECTOR_STORE"),
    "generative-ai-vectorstore-file": _managed("VECTORSTORE_FILE"),
    "generative-ai-semantic-store": _managed("SEMANTIC_STORE"),
    "generative-ai-hosted-application": _managed("HOSTED_APPLICATION"),
    "generative-ai-hosted-application-iam": _managed("HOSTED_APPLICATION_IAM"),
    "generative-ai-hosted-deployment": _managed("HOSTED_DEPLOYMENT"),
    "generative-ai-nl2sql": _called("NL2SQL"),
    "generative-ai-work-request": IamResourceType(
        ("GENERATIVE_AI_WORK_REQUEST_INSPECT",), ("GENERATIVE_AI_WORK_REQUEST_READ",)
    ),
}

_BESIDE: dict[str, IamResourceType] = {
    "generative-ai-response": _managed("RESPONSE"),
    "generative-ai-conversation": _managed("CONVERSATION"),
}

_KEY = "GENERATIVE_AI_APIKEY"

GENERATIVE_AI = Service(
    types=_FAMILY | _BESIDE,
    families={"generative-ai-family": tuple(_FAMILY)},
    operations={
        "ListApiKeys": (f"{_KEY}_INSPECT",),
        "GetApiKey": (f"{_KEY}_READ",),
        "UpdateApiKey": (f"{_KEY}_UPDATE",),
        "CreateApiKey": (f"{_KEY}_CREATE",),
        "DeleteApiKey": (f"{_KEY}_DELETE",),
        "ChangeApiKeyCompartment": (f"{_KEY}_MOVE",),
        "RenewApiKey": (f"{_KEY}_CREATE",),  # mints a value, as create does
        "SetApiKeyState": (f"{_KEY}_DELETE",),  # may revoke, as final as delete
        "ListModels": ("GENERATIVE_AI_MODEL_INSPECT",),
        "GetModel": ("GENERATIVE_AI_MODEL_READ",),
        "ListGenerativeAiProjects": ("GENERATIVE_AI_PROJECT_INSPECT",),
        "GetGenerativeAiProject": ("GENERATIVE_AI_PROJECT_READ",),
        "UpdateGenerativeAiProject": ("GENERATIVE_AI_PROJECT_UPDATE",),
        "CreateGenerativeAiProject": ("GENERATIVE_AI_PROJECT_CREATE",),
        "DeleteGenerativeAiProject": ("GENERATIVE_AI_PROJECT_DELETE",),
        "ChangeGenerativeAiProjectCompartment": ("GENERATIVE_AI_PROJECT_MOVE",),
        "Chat": ("GENERATIVE_AI_CHAT",),
        "ChatCompletions": ("GENERATIVE_AI_CHAT",),
        "EmbedText": ("GENERATIVE_AI_TEXT_EMBEDDING",),
        "Embeddings": ("GENERATIVE_AI_TEXT_EMBEDDING",),
        "RerankText": ("GENERATIVE_AI_TEXT_RERANK",),
        "GenerateText": ("GENERATIVE_AI_TEXT_GENERATION",),
        "SummarizeText": ("GENERATIVE_AI_TEXT_SUMMARIZATION",),
        "CreateResponse": ("GENERATIVE_AI_RESPONSE_CREATE",),
        "GetResponse": ("GENERATIVE_AI_RESPONSE_READ",),
        "DeleteResponse": ("GENERATIVE_AI_RESPONSE_DELETE",),
        "CreateConversation": ("GENERATIVE_AI_CONVERSATION_CREATE",),
        "GetConversation": ("GENERATIVE_AI_CONVERSATION_READ",),
        "UpdateConversation": ("GENERATIVE_AI_CONVERSATION_UPDATE",),
        "DeleteConversation": ("GENERATIVE_AI_CONVERSATION_DELETE",),
    },
)
