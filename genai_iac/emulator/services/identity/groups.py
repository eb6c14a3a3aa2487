"""Groups: names that policies speak of."""

from dataclasses import replace

from genai_iac.emulator.http.errors import conflict
from genai_iac.emulator.http.request_fields import given_texts
from genai_iac.emulator.http.responses import NO_CONTENT, Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.defined_tags import new_tags, updated_tags
from genai_iac.emulator.services.identity.serializers import (
    answer_one,
    list_kind,
    read_description,
    read_name,
    refuse_taken,
    require_tenancy,
)
from genai_iac.emulator.services.operation_context import OperationContext


@operation(
    "identity", "CreateGroup", "POST /20160918/groups", home=True, retry_token=True, permissions=("GROUP_CREATE",)
)
def create_group(call: OperationContext) -> Answer:
    """CreateGroup."""
    tenancy = require_tenancy(call)
    name, description = read_name(call), read_description(call)
    refuse_taken(call, "group", name, "Group")
    body = {"description": description, **new_tags(call, tenancy)}
    return answer_one(call.make("group", tenancy, name, body))


@operation("identity", "GetGroup", "GET /20160918/groups/{groupId}")
def get_group(call: OperationContext) -> Answer:
    """GetGroup."""
    return answer_one(call.load("group", call.ocid("groupId")))


@operation("identity", "ListGroups", "GET /20160918/groups")
def list_groups(call: OperationContext) -> Answer:
    """ListGroups."""
    return list_kind(call, "group", call.enter(call.request.required("compartmentId")))


@operation("identity", "UpdateGroup", "PUT /20160918/groups/{groupId}", home=True, permissions=("GROUP_UPDATE",))
def update_group(call: OperationContext) -> Answer:
    """UpdateGroup: description and tags; a name stays."""
    old = call.load("group", call.ocid("groupId"))
    call.check_etag(old)
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description")}
    return answer_one(call.resources.save(old, replace(old, body=body), call.now))


@operation("identity", "DeleteGroup", "DELETE /20160918/groups/{groupId}", home=True, permissions=("GROUP_DELETE",))
def delete_group(call: OperationContext) -> Answer:
    """DeleteGroup: an empty one. Policies that name it keep the OCID they were compiled to."""
    old = call.load("group", call.ocid("groupId"))
    call.check_etag(old)
    if call.connection.execute("SELECT 1 FROM memberships WHERE team = ?", (old.id,)).fetchone():
        raise conflict("Conflict", f"Group '{old.name}' still has members; remove them first.")
    call.resources.remove(old.id)
    return NO_CONTENT


OPERATIONS = (create_group, get_group, list_groups, update_group, delete_group)
