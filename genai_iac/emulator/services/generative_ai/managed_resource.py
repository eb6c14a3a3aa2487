"""Projects and routing profiles: create, get, list as summaries, update, move, delete, in one region.

Names need not be unique. A deleted one is still shown, as DELETED. Fields and operations are those of the SDK 2.189.

- Projects. UNCONFIRMED: that a list leaves out the configurations is the SDK's model; which defaults the service fills into them is not
  known, so none are.
- Routing profiles (released 2026-09-23): the regions and models among which a call that names the profile is sent. UNCONFIRMED: whether
  either policy may be left out, and how the region is chosen; here it is the first allowed one that the tenancy is subscribed to, else
  the one that was called.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.requests import Body, as_object, given_texts, optional_text, text
from genai_iac.emulator.http.responses import (
    NO_CONTENT,
    Answer,
    answer_page,
    conflict,
    invalid,
    limit_exceeded,
    not_found,
    related_not_found,
)
from genai_iac.emulator.http.router import Operation, operation
from genai_iac.emulator.services.generative_ai.key_secrets import PROJECT_KIND, ROUTING_PROFILE_KIND
from genai_iac.emulator.services.operation_context import OperationContext, forget_later
from genai_iac.emulator.services.tags import new_tags, updated_tags
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, Work, schedule
from genai_iac.emulator.storage.time_format import format_instant


def enter_related(call: OperationContext, compartment: str) -> str:
    """A compartment the body names: unknown or deleted is 400 for those who may do this at all."""
    path = call.directory.path_of(compartment)
    if not path and call.caller.administrator:
        raise related_not_found()
    call.enter(compartment)
    if compartment != call.world.tenancy:
        found = call.resources.find("compartment", compartment, call.hidden_after)
        if found is None or found.state not in ("CREATING", "ACTIVE"):
            raise related_not_found()
    return compartment


_STATES = ("CREATING", "ACTIVE", "UPDATING", "DELETING", "DELETED", "FAILED")
_ORDER = Order("timeCreated", "displayName")


class ManagedResource(Struct, frozen=True):
    """One type: its OCID type, the noun in its operations' names, its path and path parameter, its own fields."""

    kind: str  # OCID type
    noun: str  # as in `CreateRoutingProfile`
    plural: str  # as in `ListRoutingProfiles`
    path: str  # below the API's version
    parameter: str  # path parameter with the OCID
    limit: str  # one of DEFAULT_LIMITS
    read_fields: Callable[[Body, bool], dict[str, Any]]  # of a body; the flag says that it is a create's
    hidden_in_lists: tuple[str, ...] = ()  # fields that summaries leave out

    def operations(self) -> tuple[Operation, ...]:
        """The six operations, for the table of them all."""
        one = f"/20231130/{self.path}/{{{self.parameter}}}"
        many = f"/20231130/{self.path}"
        return (
            operation("generative-ai", f"Create{self.noun}", f"POST {many}", retry_token=True)(self._create),
            operation("generative-ai", f"Get{self.noun}", f"GET {one}")(self._get),
            operation("generative-ai", f"List{self.plural}", f"GET {many}")(self._list),
            operation("generative-ai", f"Update{self.noun}", f"PUT {one}")(self._update),
            operation("generative-ai", f"Delete{self.noun}", f"DELETE {one}")(self._delete),
            operation(
                "generative-ai",
                f"Change{self.noun}Compartment",
                f"POST {one}/actions/changeCompartment",
                retry_token=True,
            )(self._move),
        )

    def works(self) -> dict[str, Work]:
        """What time brings: the end of CREATING."""
        return {f"activate-{self.kind}": self._activate}

    def _create(self, call: OperationContext) -> Answer:
        compartment = enter_related(call, text(call.body, "compartmentId"))
        name = optional_text(call.body, "displayName", most=255) or f"{self.kind}{call.now}"
        fields = {"description": optional_text(call.body, "description"), **self.read_fields(call.body, True)}
        if call.resources.count(self.kind, region=call.region) >= call.world.settings.limit(self.limit):
            raise limit_exceeded(self.limit)
        body = {**fields, **new_tags(call, compartment)}
        delay = call.world.settings.lifecycleDelay
        state = "CREATING" if delay else "ACTIVE"
        made = call.make_regional(call.region, self.kind, compartment, name, body, state=state)
        if delay:
            schedule(call.connection, call.now + delay, f"activate-{self.kind}", made.id)
        return _answer(made)

    def _get(self, call: OperationContext) -> Answer:
        return _answer(call.load(self.kind, call.ocid(self.parameter), region=call.region))

    def _list(self, call: OperationContext) -> Answer:
        compartment = call.enter(call.request.required("compartmentId"))
        wanted = call.listing(
            self.kind,
            compartment,
            region=call.region,
            name=call.request.one("displayName"),
            state=call.request.one_of("lifecycleState", _STATES),
            id=call.request.one("id"),
        )
        found, following = list_page(call.resources, wanted, call.request, _ORDER)
        shown = [{name: part for name, part in _show(one).items() if name not in self.hidden_in_lists} for one in found]
        return answer_page(shown, following, collection=True)

    def _update(self, call: OperationContext) -> Answer:
        old = self._load(call)
        name = optional_text(call.body, "displayName", most=255) or old.name
        changed = {**given_texts(call.body, "description"), **self.read_fields(call.body, False)}
        body = {**old.body, **updated_tags(call, old.body), **changed}
        return _answer(call.resources.save(old, replace(old, name=name, body=body), call.now))

    def _delete(self, call: OperationContext) -> Answer:
        old = self._load(call)
        call.resources.save(old, replace(old, state="DELETED"), call.now)
        forget_later(call, self.kind, old.id)
        return NO_CONTENT

    def _move(self, call: OperationContext) -> Answer:
        old = self._load(call)
        compartment = enter_related(call, text(call.body, "compartmentId"))
        call.resources.save(old, replace(old, compartment=compartment), call.now)
        return Answer(status=204, resource=old.id)

    def _load(self, call: OperationContext) -> StoredResource:
        """The one in the path, for a change: not deleted, and the version the request is for."""
        found = call.load(self.kind, call.ocid(self.parameter), region=call.region)
        if found.state == "DELETED":
            raise not_found()
        call.check_etag(found)
        if found.state != "ACTIVE":
            raise conflict("IncorrectState", f"The resource is {found.state}.")
        return found

    def _activate(self, due: ScheduledJob) -> None:
        resources = Resources(due.connection)
        found = resources.find(self.kind, due.target)
        if found is not None and found.state == "CREATING":
            resources.save_state(replace(found, state="ACTIVE"))


def _show(one: StoredResource) -> dict[str, Any]:
    shown = {
        "id": one.id,
        "displayName": one.name,
        "compartmentId": one.compartment,
        "timeCreated": format_instant(one.created),
        "timeUpdated": format_instant(one.updated or one.created),
        "lifecycleState": one.state,
        "systemTags": {},
        **one.body,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _answer(one: StoredResource) -> Answer:
    return Answer(_show(one), headers={"etag": one.etag}, resource=one.id)


# stored as they were sent, and not interpreted
_CONFIGS = ("conversationConfig", "longTermMemoryConfig", "shortTermMemoryOptimizationConfig", "sandboxConfig")


def _read_configs(body: Body, created: bool) -> dict[str, Any]:
    del created
    return {name: as_object(body[name], name) for name in _CONFIGS if body.get(name) is not None}


_PROJECTS = ManagedResource(
    PROJECT_KIND,
    "GenerativeAiProject",
    "GenerativeAiProjects",
    "generativeAiProjects",
    "generativeAiProjectId",
    "projectCount",
    _read_configs,
    _CONFIGS,
)
PROJECT_OPERATIONS = _PROJECTS.operations()
PROJECT_WORKS = _PROJECTS.works()


# the one list in each policy
_POLICIES = {"regionRoutingPolicy": "allowedRegions", "modelRoutingPolicy": "allowedModels"}


def _read_policies(body: Body, created: bool) -> dict[str, Any]:
    del created
    found: dict[str, Any] = {}
    for name, member in _POLICIES.items():
        if body.get(name) is not None:
            allowed = as_object(body[name], name).get(member)
            if not isinstance(allowed, list) or not all(isinstance(one, str) for one in allowed):
                raise invalid(f"{name}.{member} must be a list of strings.")
            found[name] = {member: allowed}
    return found


_PROFILES = ManagedResource(
    ROUTING_PROFILE_KIND,
    "RoutingProfile",
    "RoutingProfiles",
    "routingProfiles",
    "routingProfileId",
    "routingProfileCount",
    _read_policies,
)
ROUTING_PROFILE_OPERATIONS = _PROFILES.operations()
ROUTING_PROFILE_WORKS = _PROFILES.works()
