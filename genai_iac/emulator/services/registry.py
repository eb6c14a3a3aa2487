"""All services of the local emulator: every operation, and all work that time brings."""

from genai_iac.emulator.services import (
    audit,
    generative_ai,
    identity,
    inference,
    limits,
    object_storage,
    operation_context,
    search,
    vault,
)

OPERATIONS = (
    *identity.OPERATIONS,
    *generative_ai.OPERATIONS,
    *inference.OPERATIONS,
    *vault.OPERATIONS,
    *object_storage.OPERATIONS,
    *search.OPERATIONS,
    *limits.OPERATIONS,
    *audit.OPERATIONS,
)

OPERATION_NAMES = frozenset(operation.name for operation in OPERATIONS)

WORKS = {**identity.WORKS, **generative_ai.WORKS, **vault.WORKS, **operation_context.WORKS}
