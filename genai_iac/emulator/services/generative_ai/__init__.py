"""Generative AI management, version 20231130: API keys with the two secrets in each, projects, routing profiles, base models. Regional."""

from genai_iac.emulator.services.generative_ai import api_keys, base_models, projects, routing_profiles, secret_actions

OPERATIONS = (
    *api_keys.OPERATIONS,
    *secret_actions.OPERATIONS,
    *projects.OPERATIONS,
    *routing_profiles.OPERATIONS,
    *base_models.OPERATIONS,
)

WORKS = {**api_keys.WORKS, **projects.WORKS, **routing_profiles.WORKS}
