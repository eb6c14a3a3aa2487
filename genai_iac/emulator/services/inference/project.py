"""The project that an inference call names in its header OpenAI-Project.

"Using projects is required to call the OCI OpenAI-compatible API" (Oracle: use-project.htm); that Responses answers 400
without one is reported from live runs (langchain-oracle, pull request 242). UNCONFIRMED: the answer for a project that
is not there, and whether chat under /20231130/actions/v1 wants one."""

from genai_iac.emulator.http.errors import missing, related_not_found
from genai_iac.emulator.services.generative_ai.projects import KIND
from genai_iac.emulator.services.operation_context import OperationContext


def check_project(call: OperationContext, *, required: bool) -> None:
    """400 for a call without a project where one is required, and for a project that this region does not have."""
    named = call.request.headers.get("openai-project")
    if not named:
        if required:
            raise missing("OpenAI-Project")
        return
    project = call.resources.find(KIND, named, call.hidden_after)
    if project is None or project.region != call.region or project.state != "ACTIVE":
        raise related_not_found()
