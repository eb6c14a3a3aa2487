"""Generative AI management, version 20231130: API keys and the two secrets in each. Regional."""

from genai_iac.emulator.services.generative_ai import api_keys, secret_actions

OPERATIONS = (*api_keys.OPERATIONS, *secret_actions.OPERATIONS)

WORKS = api_keys.WORKS
