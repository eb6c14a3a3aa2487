"""Generative AI management, version 20231130: API keys, the two secrets in each, and the base models. Regional."""

from genai_iac.emulator.services.generative_ai import api_keys, base_models, secret_actions

OPERATIONS = (*api_keys.OPERATIONS, *secret_actions.OPERATIONS, *base_models.OPERATIONS)

WORKS = api_keys.WORKS
