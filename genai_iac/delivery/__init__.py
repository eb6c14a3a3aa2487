"""Between the tenancy and the sinks: what each sink lacks, bringing values to where they belong, and what that will ask of OCI.

A live secret whose mask a sink does not hold is missing there. It is copied from a sink that has it; when none has,
it is *undelivered* and only a renewal brings a value again, because the service shows one once.
"""

from genai_iac.delivery.contents import Values
from genai_iac.delivery.destinations import Digest, with_destinations
from genai_iac.delivery.predict_calls import predict_sink_calls
from genai_iac.delivery.service import DeliveryService
from genai_iac.delivery.sink_state import assume_delivered, look_at_sinks, read_sink_states

__all__ = [
    "DeliveryService",
    "Digest",
    "Values",
    "assume_delivered",
    "look_at_sinks",
    "predict_sink_calls",
    "read_sink_states",
    "with_destinations",
]
