"""Who is in which group."""

import sqlite3
from typing import Any

from genai_iac.emulator.http.errors import conflict, not_found
from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.request_fields import text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, answer_page
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.ocids import make_ocid
from genai_iac.emulator.storage.time_format import format_instant


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


OPERATIONS = (add_user_to_group, get_membership, list_memberships, remove_user_from_group)


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
