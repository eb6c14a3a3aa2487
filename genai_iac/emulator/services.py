"""All services of the local tenancy: every operation, and all work that time brings."""

from genai_iac.emulator import generative_ai, identity, inference

OPERATIONS = (*identity.OPERATIONS, *generative_ai.OPERATIONS, *inference.OPERATIONS)

WORKS = {**identity.WORKS, **generative_ai.WORKS}
