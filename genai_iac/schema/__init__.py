"""JSON Schema of documents, generated from the resource types.

For: checking documents here, and completion in editors. Pure.
In: the resource types' own schemas, parsed documents. Out: schemas, problems in plain words with a suggestion.
Must not know: files and positions (`manifest` adds them), the tenancy.
"""

from genai_iac.schema.documents import API_VERSION, DOCUMENT_KINDS, ENVIRONMENT_KIND, STACK_KIND, document_schema
from genai_iac.schema.published import build_schemas
from genai_iac.schema.validator import check_document, find_unread

__all__ = [
    "API_VERSION",
    "DOCUMENT_KINDS",
    "ENVIRONMENT_KIND",
    "STACK_KIND",
    "build_schemas",
    "check_document",
    "document_schema",
    "find_unread",
]
