"""What the things of Identity have in common: how they are shown, named, listed."""

from typing import Any

from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.requests import text
from genai_iac.emulator.http.responses import Answer, answer_page, conflict, invalid
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import ResourceQuery, StoredResource
from genai_iac.emulator.storage.time_format import format_instant

ORDER = Order("TIMECREATED", "NAME")  # values of `sortBy`
STATES = ("CREATING", "ACTIVE", "INACTIVE", "DELETING", "DELETED")  # values of the `lifecycleState` filter
_NAME = r"[A-Za-z0-9._+@-]{1,100}"  # of users and groups


def show(resource: StoredResource) -> dict[str, Any]:
    """The JSON every Identity resource shares; the body holds the rest under its wire names."""
    shown = {
        "id": resource.id,
        "compartmentId": resource.compartment,
        "name": resource.name,
        "timeCreated": format_instant(resource.created),
        "lifecycleState": resource.state,
        **resource.body,
    }
    return {name: value for name, value in shown.items() if value is not None}


def answer_one(resource: StoredResource, status: int = 200) -> Answer:
    """One resource with its etag."""
    return Answer(show(resource), status, {"etag": resource.etag}, resource=resource.id)


def list_kind(call: OperationContext, kind: str, compartment: str | None, **filters: Any) -> Answer:
    """A page of one kind, filtered by name and lifecycleState, as a bare array."""
    rows, following = list_page(call.resources, read_listing(call, kind, compartment, **filters), call.request, ORDER)
    return answer_page([show(row) for row in rows], following)


def read_listing(call: OperationContext, kind: str, compartment: str | None, **filters: Any) -> ResourceQuery:
    """The listing that the query describes."""
    state = call.request.one_of("lifecycleState", STATES)
    return call.listing(kind, compartment, name=call.request.one("name"), state=state, **filters)


def read_name(call: OperationContext) -> str:
    """The name of something new in the tenancy itself."""
    return text(call.body, "name", most=100, pattern=_NAME)


def read_description(call: OperationContext) -> str:
    """Required, but the service takes an empty one."""
    return text(call.body, "description", most=400, least=0)


def require_tenancy(call: OperationContext) -> str:
    """Users and groups live in the tenancy: the compartmentId of the body is to be it."""
    compartment = text(call.body, "compartmentId")
    call.enter(compartment)
    if compartment != call.world.tenancy:
        raise invalid("compartmentId must be the OCID of the tenancy.")
    return compartment


def refuse_taken(call: OperationContext, kind: str, name: str, label: str, compartment: str | None = None) -> None:
    """409 when something of this kind has the name already, in any case; with `compartment`, there alone."""
    taken = call.connection.execute(
        "SELECT 1 FROM resources WHERE kind = ? AND name = ? COLLATE NOCASE AND region = '' AND state <> 'DELETED'"
        " AND compartment = coalesce(?, compartment)",
        (kind, name, compartment),
    ).fetchone()
    if taken:
        raise conflict(f"{label}AlreadyExists", f"{label} '{name}' already exists in tenancy {call.world.tenancy}.")
