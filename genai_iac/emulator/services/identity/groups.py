"""Groups, their members, and dynamic groups: a name for whatever matches a rule.

Policies may name a dynamic group; which principals meet its rule is decided in `auth/variables.py`.
"""

import sqlite3
from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.requests import given_texts, optional_text, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, answer_page, conflict, invalid, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.serializers import (
    answer_one,
    list_kind,
    read_description,
    read_name,
    refuse_taken,
    require_tenancy,
)
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import new_tags, updated_tags
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.time_format import format_instant
from genai_iac.iam_policy import PolicySyntaxError, parse_matching_rule


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


@operation(
    "identity",
    "AddUserToGroup",
    "POST /20160918/userGroupMemberships",
    home=True,
    retry_token=True,
    permissions=("GROUP_UPDATE", "USER_UPDATE"),
)
def add_user_to_group(call: OperationContext) -> Answer:
    """AddUserToGroup."""
    user = call.load("user", text(call.body, "userId"))
    group = call.load("group", text(call.body, "groupId"))
    ocid = make_ocid("groupmembership")
    try:
        call.connection.execute("INSERT INTO memberships VALUES (?,?,?,?)", (ocid, user.id, group.id, call.now))
    except sqlite3.IntegrityError:
        raise conflict("Conflict", f"User '{user.name}' is already in group '{group.name}'.") from None
    return Answer(_show(call, _find(call, ocid)), headers={"etag": ocid[-40:]})


@operation(
    "identity",
    "GetUserGroupMembership",
    "GET /20160918/userGroupMemberships/{membershipId}",
    permissions=("GROUP_INSPECT", "USER_INSPECT"),
)
def get_membership(call: OperationContext) -> Answer:
    """GetUserGroupMembership."""
    call.enter(call.world.tenancy)
    found = _find(call, call.ocid("membershipId"))
    return Answer(_show(call, found), headers={"etag": found["id"][-40:]})


@operation(
    "identity",
    "ListUserGroupMemberships",
    "GET /20160918/userGroupMemberships",
    permissions=("GROUP_INSPECT", "USER_INSPECT"),
)
def list_memberships(call: OperationContext) -> Answer:
    """ListUserGroupMemberships, of a user, of a group, or of all."""
    call.enter(call.request.required("compartmentId"))
    user, group = call.request.one("userId"), call.request.one("groupId")
    rows = call.connection.execute(
        "SELECT * FROM memberships WHERE (? IS NULL OR user = ?) AND (? IS NULL OR team = ?) ORDER BY created, id",
        (user, user, group, group),
    ).fetchall()
    page, following = slice_page(rows, call.request)
    return answer_page([_show(call, row) for row in page], following)


@operation(
    "identity",
    "RemoveUserFromGroup",
    "DELETE /20160918/userGroupMemberships/{membershipId}",
    home=True,
    permissions=("GROUP_UPDATE", "USER_UPDATE"),
)
def remove_user_from_group(call: OperationContext) -> Answer:
    """RemoveUserFromGroup."""
    call.enter(call.world.tenancy)
    found = _find(call, call.ocid("membershipId"))
    call.connection.execute("DELETE FROM memberships WHERE id = ?", (found["id"],))
    return NO_CONTENT


MEMBERSHIP_OPERATIONS = (add_user_to_group, get_membership, list_memberships, remove_user_from_group)


def _find(call: OperationContext, ocid: str) -> sqlite3.Row:
    row: sqlite3.Row | None = call.connection.execute("SELECT * FROM memberships WHERE id = ?", (ocid,)).fetchone()
    if row is None:
        raise not_found()
    return row


def _show(call: OperationContext, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "compartmentId": call.world.tenancy,
        "groupId": row["team"],
        "userId": row["user"],
        "timeCreated": format_instant(row["created"]),
        "lifecycleState": "ACTIVE",
    }


@operation(
    "identity",
    "CreateDynamicGroup",
    "POST /20160918/dynamicGroups",
    home=True,
    retry_token=True,
    permissions=("DYNAMIC_GROUP_CREATE",),
)
def create_dynamic_group(call: OperationContext) -> Answer:
    """CreateDynamicGroup."""
    tenancy = require_tenancy(call)
    name, description = read_name(call), read_description(call)
    rule = check_rule(text(call.body, "matchingRule", most=4000))
    refuse_taken(call, "dynamicgroup", name, "DynamicGroup")
    body = {"description": description, "matchingRule": rule, **new_tags(call, tenancy)}
    return answer_one(call.make("dynamicgroup", tenancy, name, body))


@operation("identity", "GetDynamicGroup", "GET /20160918/dynamicGroups/{dynamicGroupId}")
def get_dynamic_group(call: OperationContext) -> Answer:
    """GetDynamicGroup."""
    return answer_one(call.load("dynamicgroup", call.ocid("dynamicGroupId")))


@operation("identity", "ListDynamicGroups", "GET /20160918/dynamicGroups")
def list_dynamic_groups(call: OperationContext) -> Answer:
    """ListDynamicGroups."""
    return list_kind(call, "dynamicgroup", call.enter(call.request.required("compartmentId")))


@operation(
    "identity",
    "UpdateDynamicGroup",
    "PUT /20160918/dynamicGroups/{dynamicGroupId}",
    home=True,
    permissions=("DYNAMIC_GROUP_UPDATE",),
)
def update_dynamic_group(call: OperationContext) -> Answer:
    """UpdateDynamicGroup: description, matching rule, tags."""
    old = call.load("dynamicgroup", call.ocid("dynamicGroupId"))
    call.check_etag(old)
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description")}
    rule = optional_text(call.body, "matchingRule", most=4000)
    if rule is not None:
        body["matchingRule"] = check_rule(rule)
    return answer_one(call.resources.save(old, replace(old, body=body), call.now))


@operation(
    "identity",
    "DeleteDynamicGroup",
    "DELETE /20160918/dynamicGroups/{dynamicGroupId}",
    home=True,
    permissions=("DYNAMIC_GROUP_DELETE",),
)
def delete_dynamic_group(call: OperationContext) -> Answer:
    """DeleteDynamicGroup."""
    old = call.load("dynamicgroup", call.ocid("dynamicGroupId"))
    call.check_etag(old)
    call.resources.remove(old.id)
    return NO_CONTENT


DYNAMIC_GROUP_OPERATIONS = (
    create_dynamic_group,
    get_dynamic_group,
    list_dynamic_groups,
    update_dynamic_group,
    delete_dynamic_group,
)


def check_rule(rule: str) -> str:
    """The matching rule as it is; 400 for one that cannot be read."""
    try:
        parse_matching_rule(rule)
    except PolicySyntaxError as error:
        raise invalid(f"matchingRule cannot be read: {error.message}.") from None
    return rule
