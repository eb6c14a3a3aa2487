"""The inference endpoints: OpenAI's shapes under both of OCI's prefixes, by API key or signature, and OCI's own actions."""

from genai_iac.emulator.services.inference import chat, embeddings, models, native_chat, responses

OPERATIONS = (
    *chat.OPERATIONS,
    *responses.OPERATIONS,
    *models.OPERATIONS,
    *embeddings.OPERATIONS,
    *native_chat.OPERATIONS,
)
