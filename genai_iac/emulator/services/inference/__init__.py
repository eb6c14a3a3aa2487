"""The inference endpoints: OpenAI's shapes under both of OCI's prefixes, opened by API key secrets alone."""

from genai_iac.emulator.services.inference import chat, models, responses

OPERATIONS = (*chat.OPERATIONS, *responses.OPERATIONS, *models.OPERATIONS)
