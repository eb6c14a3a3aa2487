"""Secret values to sinks, and what sinks hold.

For: writing the values of an API key's secrets where its manifest says, and predicting the Vault writes of a plan.
In: `Secret`s with roles, `deliverTo` entries, live masks. Out: written sinks, `SinkState`s, predicted calls.
Must not know: why a secret is rotated, how a value was obtained.
A sink lacks a secret when it does not hold the live mask. The value is copied from a sink that has it; when none has, only
a renewal helps, because OCI shows a value once.
"""

from genai_iac.delivery.contents import Values
from genai_iac.delivery.predict_calls import Digest, predict_sink_calls, with_destinations
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
