"""Resource Search, version 20180409: the query language over everything in the tenancy and one region."""

from genai_iac.emulator.services.search import operations

OPERATIONS = operations.OPERATIONS
