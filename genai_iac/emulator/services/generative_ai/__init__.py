"""Generative AI management, version 20231130: API keys with the two secrets in each, projects, routing profiles, base models. Regional."""

from genai_iac.emulator.services.generative_ai import api_keys, base_models, managed_resource

OPERATIONS = (
    *api_keys.OPERATIONS,
    *api_keys.SECRET_OPERATIONS,
    *managed_resource.PROJECT_OPERATIONS,
    *managed_resource.ROUTING_PROFILE_OPERATIONS,
    *base_models.OPERATIONS,
)

WORKS = {**api_keys.WORKS, **managed_resource.PROJECT_WORKS, **managed_resource.ROUTING_PROFILE_WORKS}
