"""Generative AI: keys, projects, models, routing profiles, inference.

Resource types and permissions come from the dated table of `genai_iac.vocabulary`, each with its source. Which operation
needs which comes from Oracle's pages *API-Level Permissions for …*. UNCONFIRMED: renew and set-state of a key, which the
key page leaves out and which are taken to need `manage`; everything about responses and conversations, known only from
live policies: they are no members of generative-ai-family, and creating a stored response needs `manage`.
"""

from genai_iac.iam_policy.permissions.table import IamResourceType, Service
from genai_iac.vocabulary import type_permissions

_ALL = {one.name: IamResourceType(**one.by_verb) for one in type_permissions()}
_FAMILY = tuple(one.name for one in type_permissions() if one.family)

_KEY = "GENERATIVE_AI_APIKEY"

GENERATIVE_AI = Service(
    types=_ALL,
    families={"generative-ai-family": _FAMILY},
    operations={
        "ListApiKeys": (f"{_KEY}_INSPECT",),
        "GetApiKey": (f"{_KEY}_READ",),
        "UpdateApiKey": (f"{_KEY}_UPDATE",),
        "CreateApiKey": (f"{_KEY}_CREATE",),
        "DeleteApiKey": (f"{_KEY}_DELETE",),
        "ChangeApiKeyCompartment": (f"{_KEY}_MOVE",),
        "RenewApiKey": (f"{_KEY}_CREATE",),  # returns a new value, as create does
        "SetApiKeyState": (f"{_KEY}_DELETE",),  # may revoke, as final as delete
        "ListModels": ("GENERATIVE_AI_MODEL_INSPECT",),
        "GetModel": ("GENERATIVE_AI_MODEL_READ",),
        "ListGenerativeAiProjects": ("GENERATIVE_AI_PROJECT_INSPECT",),
        "GetGenerativeAiProject": ("GENERATIVE_AI_PROJECT_READ",),
        "UpdateGenerativeAiProject": ("GENERATIVE_AI_PROJECT_UPDATE",),
        "CreateGenerativeAiProject": ("GENERATIVE_AI_PROJECT_CREATE",),
        "DeleteGenerativeAiProject": ("GENERATIVE_AI_PROJECT_DELETE",),
        "ChangeGenerativeAiProjectCompartment": ("GENERATIVE_AI_PROJECT_MOVE",),
        "ListRoutingProfiles": ("GENERATIVE_AI_ROUTING_PROFILE_INSPECT",),
        "GetRoutingProfile": ("GENERATIVE_AI_ROUTING_PROFILE_READ",),
        "UpdateRoutingProfile": ("GENERATIVE_AI_ROUTING_PROFILE_UPDATE",),
        "ChangeRoutingProfileCompartment": ("GENERATIVE_AI_ROUTING_PROFILE_MOVE",),
        "CreateRoutingProfile": ("GENERATIVE_AI_ROUTING_PROFILE_CREATE",),
        "DeleteRoutingProfile": ("GENERATIVE_AI_ROUTING_PROFILE_DELETE",),
        "Chat": ("GENERATIVE_AI_CHAT",),
        "ChatCompletions": ("GENERATIVE_AI_CHAT",),
        "EmbedText": ("GENERATIVE_AI_TEXT_EMBED",),
        "Embeddings": ("GENERATIVE_AI_TEXT_EMBED",),
        "RerankText": ("GENERATIVE_AI_TEXT_RERANK",),
        "GenerateText": ("GENERATIVE_AI_TEXT_GENERATE",),
        "SummarizeText": ("GENERATIVE_AI_TEXT_SUMMARIZE",),
        "CreateResponse": ("GENERATIVE_AI_RESPONSE_CREATE",),
        "GetResponse": ("GENERATIVE_AI_RESPONSE_READ",),
        "DeleteResponse": ("GENERATIVE_AI_RESPONSE_DELETE",),
        "CreateConversation": ("GENERATIVE_AI_CONVERSATION_CREATE",),
        "GetConversation": ("GENERATIVE_AI_CONVERSATION_READ",),
        "UpdateConversation": ("GENERATIVE_AI_CONVERSATION_UPDATE",),
        "DeleteConversation": ("GENERATIVE_AI_CONVERSATION_DELETE",),
    },
)
