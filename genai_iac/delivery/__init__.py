"""Between the tenancy and the sinks: what each sink lacks, bringing values to where they belong, and what that will ask of OCI.

A live secret whose mask a sink does not hold is missing there. It is copied from a sink that has it; when none has,
it is *undelivered* and only a renewal brings a value again, because the service shows one once.
"""

from genai_iac.delivery.desk import Desk
from genai_iac.delivery.foretell import foretell_calls
from genai_iac.delivery.held import assume_held, read_held
from genai_iac.delivery.portion import Values

__all__ = ["Desk", "Values", "assume_held", "foretell_calls", "read_held"]
