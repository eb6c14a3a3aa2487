"""Generative AI management, version 20231130: API keys with the two secrets in each, and projects. Regional."""

from genai_iac.emulator.services.generative_ai import api_keys, projects, secret_actions

OPERATIONS = (*api_keys.OPERATIONS, *secret_actions.OPERATIONS, *projects.OPERATIONS)

WORKS = {**api_keys.WORKS, **projects.WORKS}
