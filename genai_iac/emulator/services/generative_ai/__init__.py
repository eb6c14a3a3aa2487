"""Generative AI management, version 20231130: API keys with the two secrets in each, projects and routing profiles. Regional."""

from genai_iac.emulator.services.generative_ai import api_keys, projects, routing_profiles, secret_actions

OPERATIONS = (*api_keys.OPERATIONS, *secret_actions.OPERATIONS, *projects.OPERATIONS, *routing_profiles.OPERATIONS)

WORKS = {**api_keys.WORKS, **projects.WORKS, **routing_profiles.WORKS}
