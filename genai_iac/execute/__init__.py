"""Applying a plan: its calls and deliveries, each outcome yielded when it happens.

For: concurrency by `needs`, etags, the ownership tag in the create call, delivery before anything stops working.
In: a `Plan`, the client, the delivery service. Out: `Outcome`s; one failure skips only what depends on it.
Must not know: how the plan was made or is shown. It makes the plan's calls and no others.
"""

from genai_iac.execute.change_executor import ChangeExecutor
from genai_iac.execute.context import ApplyContext

__all__ = ["ApplyContext", "ChangeExecutor"]
