"""Projects: created, listed as summaries, shown whole, described, moved, deleted. Names need not be unique.

Fields and operations are those of the SDK 2.189. UNCONFIRMED: that a list leaves out the configurations is the SDK's
model; which defaults the service fills into them is not known, so none are."""

from dataclasses import replace
from typing import Any

from genai_iac.emulator.http.errors import conflict, limit_exceeded, not_found
from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.request_fields import Body, as_object, given_texts, optional_text, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, answer_page
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.generative_ai.related import enter_related
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import changed_tags, read_tags
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, schedule
from genai_iac.emulator.storage.time_format import format_instant

KIND = "generativeaiproject"
_CONFIGS = ("conversationConfig", "longTermMemoryConfig", "shortTermMemoryOptimizationConfig", "sandboxConfig")
_STATES = ("CREATING", "ACTIVE", "UPDATING", "DELETING", "DELETED", "FAILED")
_ORDER = Order("timeCreated", "displayName")


@operation("generative-ai", "CreateGenerativeAiProject", "POST /20231130/generativeAiProjects", retry_token=True)
def create_project(call: OperationContext) -> Answer:
    """CreateGenerativeAiProject."""
    compartment = enter_related(call, text(call.body, "compartmentId"))
    name = optional_text(call.body, "displayName", most=255) or f"generativeaiproject{call.now}"
    description = optional_text(call.body, "description")
    if call.resources.count(KIND, region=call.region) >= call.world.settings.limit("projectCount"):
        raise limit_exceeded("generative-ai-project-count")
    tags = read_tags(call.body, call.caller.name, call.now)
    body = {"description": description, **_read_configs(call.body), **tags}
    delay = call.world.settings.lifecycleDelay
    state = "CREATING" if delay else "ACTIVE"
    project = call.make_regional(call.region, KIND, compartment, name, body, state=state)
    if delay:
        schedule(call.connection, call.now + delay, "activate-project", project.id)
    return _answer(project)


@operation("generative-ai", "GetGenerativeAiProject", "GET /20231130/generativeAiProjects/{generativeAiProjectId}")
def get_project(call: OperationContext) -> Answer:
    """GetGenerativeAiProject. A deleted project is still shown, as DELETED."""
    return _answer(call.load(KIND, call.ocid("generativeAiProjectId"), region=call.region))


@operation("generative-ai", "ListGenerativeAiProjects", "GET /20231130/generativeAiProjects")
def list_projects(call: OperationContext) -> Answer:
    """ListGenerativeAiProjects of one compartment, as summaries."""
    compartment = call.enter(call.request.required("compartmentId"))
    wanted = call.listing(
        KIND,
        compartment,
        region=call.region,
        name=call.request.one("displayName"),
        state=call.request.one_of("lifecycleState", _STATES),
        id=call.request.one("id"),
    )
    projects, following = list_page(call.resources, wanted, call.request, _ORDER)
    shown = [{name: value for name, value in _show(one).items() if name not in _CONFIGS} for one in projects]
    return answer_page(shown, following, collection=True)


@operation("generative-ai", "UpdateGenerativeAiProject", "PUT /20231130/generativeAiProjects/{generativeAiProjectId}")
def update_project(call: OperationContext) -> Answer:
    """UpdateGenerativeAiProject: name, description, tags and configurations, each of these as a whole."""
    old = _load(call)
    name = optional_text(call.body, "displayName", most=255) or old.name
    body = {**old.body, **changed_tags(call.body), **given_texts(call.body, "description"), **_read_configs(call.body)}
    return _answer(call.resources.save(old, replace(old, name=name, body=body), call.now))


@operation(
    "generative-ai", "DeleteGenerativeAiProject", "DELETE /20231130/generativeAiProjects/{generativeAiProjectId}"
)
def delete_project(call: OperationContext) -> Answer:
    """DeleteGenerativeAiProject: calls that name it are refused from then on."""
    old = _load(call)
    call.resources.save(old, replace(old, state="DELETED"), call.now)
    return NO_CONTENT


@operation(
    "generative-ai",
    "ChangeGenerativeAiProjectCompartment",
    "POST /20231130/generativeAiProjects/{generativeAiProjectId}/actions/changeCompartment",
    retry_token=True,
)
def change_project_compartment(call: OperationContext) -> Answer:
    """ChangeGenerativeAiProjectCompartment."""
    old = _load(call)
    compartment = enter_related(call, text(call.body, "compartmentId"))
    call.resources.save(old, replace(old, compartment=compartment), call.now)
    return Answer(status=204, resource=old.id)


OPERATIONS = (
    create_project,
    get_project,
    list_projects,
    update_project,
    delete_project,
    change_project_compartment,
)


def _load(call: OperationContext) -> StoredResource:
    """The project in the path, for a change: alive, and the version the request is for."""
    project = call.load(KIND, call.ocid("generativeAiProjectId"), region=call.region)
    if project.state == "DELETED":
        raise not_found()
    call.check_etag(project)
    if project.state != "ACTIVE":
        raise conflict("IncorrectState", f"The project is {project.state}.")
    return project


def _read_configs(body: Body) -> dict[str, Any]:
    return {name: as_object(body[name], name) for name in _CONFIGS if body.get(name) is not None}


def _show(project: StoredResource) -> dict[str, Any]:
    shown = {
        "id": project.id,
        "displayName": project.name,
        "compartmentId": project.compartment,
        "timeCreated": format_instant(project.created),
        "timeUpdated": format_instant(project.updated or project.created),
        "lifecycleState": project.state,
        "systemTags": {},
        **project.body,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _answer(project: StoredResource) -> Answer:
    return Answer(_show(project), headers={"etag": project.etag}, resource=project.id)


def _activate(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    project = resources.find(KIND, due.target)
    if project is not None and project.state == "CREATING":
        resources.settle(replace(project, state="ACTIVE"))


WORKS = {"activate-project": _activate}
