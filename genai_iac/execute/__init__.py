"""One change, call by call: the etag first, the owner mark inside the create, values to the sinks before anything stops working."""

from genai_iac.execute.change_executor import ChangeExecutor
from genai_iac.execute.context import ApplyContext

__all__ = ["ApplyContext", "ChangeExecutor"]
