"""One change, call by call: the etag first, the owner mark inside the create, values to the sinks before anything stops working."""

from genai_iac.perform.performer import Performer
from genai_iac.perform.progress import Progress

__all__ = ["Performer", "Progress"]
