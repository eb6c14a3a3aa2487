"""Projects. Fields and operations are those of the SDK 2.189.

UNCONFIRMED: that a list leaves out the configurations is the SDK's model; which defaults the service fills into them is
not known, so none are."""

from typing import Any

from genai_iac.emulator.http.request_fields import Body, as_object
from genai_iac.emulator.services.generative_ai.managed_resource import ManagedResource

KIND = "generativeaiproject"  # OCID type
# stored as they were sent, and not interpreted
_CONFIGS = ("conversationConfig", "longTermMemoryConfig", "shortTermMemoryOptimizationConfig", "sandboxConfig")


def _read_configs(body: Body, created: bool) -> dict[str, Any]:
    del created
    return {name: as_object(body[name], name) for name in _CONFIGS if body.get(name) is not None}


_PROJECTS = ManagedResource(
    KIND,
    "GenerativeAiProject",
    "GenerativeAiProjects",
    "generativeAiProjects",
    "generativeAiProjectId",
    "projectCount",
    _read_configs,
    _CONFIGS,
)
OPERATIONS = _PROJECTS.operations()
WORKS = _PROJECTS.works()
