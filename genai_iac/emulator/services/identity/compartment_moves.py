"""Moving a compartment under another parent: same OCID, other policies, other names in the policies above."""

import sqlite3
from dataclasses import replace

from genai_iac.emulator.http.errors import conflict, invalid, not_found
from genai_iac.emulator.http.request_fields import text
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.compartments import MAX_DEPTH, load_compartment, refuse_sibling
from genai_iac.emulator.services.identity.policy_statements import rewrite_names, subtree_of
from genai_iac.emulator.services.identity.work_requests import finish_work, start_work
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, schedule


@operation(
    "identity",
    "MoveCompartment",
    "POST /20160918/compartments/{compartmentId}/actions/moveCompartment",
    home=True,
    retry_token=True,
)
def move_compartment(call: OperationContext) -> Answer:
    """MoveCompartment: accepted with a work request; done by the time that has ended."""
    moved = load_compartment(call)
    call.check_etag(moved)
    target = call.enter(text(call.body, "targetCompartmentId"))
    if moved.state != "ACTIVE":
        raise conflict("Conflict", f"Compartment {moved.id} is {moved.state}.")
    _check_target(call, moved, target)
    work = start_work(call.connection, call.now, "MOVE_COMPARTMENT", moved)
    due = call.now + call.world.settings.lifecycleDelay
    schedule(call.connection, due, "move-compartment", moved.id, request=work, parent=target)
    return Answer(status=202, headers={"opc-work-request-id": work}, resource=moved.id)


OPERATIONS = (move_compartment,)


def _check_target(call: OperationContext, moved: StoredResource, target: str) -> None:
    path = call.directory.path_of(target)
    if moved.id in path:
        raise invalid("A compartment cannot be moved into itself or into one of its own children.")
    if target != call.world.tenancy:
        parent = call.resources.find("compartment", target)
        if parent is None or parent.state != "ACTIVE":
            raise not_found()
        if parent.name.casefold() == moved.name.casefold():
            raise conflict("CompartmentAlreadyExists", f"A compartment with name '{moved.name}' already exists.")
    if target != moved.compartment:
        refuse_sibling(call, target, moved.name)
    if len(path) - 1 + _height(call.connection, moved.id) > MAX_DEPTH:
        raise invalid(f"Compartments can be at most {MAX_DEPTH} levels deep.")


def _height(connection: sqlite3.Connection, compartment: str) -> int:
    return max(depth for _, depth in subtree_of(connection, compartment))


def _finish_move(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    found = resources.find("compartment", due.target)
    if found is None:
        return
    below = {ocid for ocid, _ in subtree_of(due.connection, found.id)}
    resources.save(found, replace(found, compartment=due.detail["parent"]), due.world.now)
    rewrite_names(due.connection, due.world, below)
    finish_work(due.connection, due.world.now, due.detail["request"], [])


WORKS = {"move-compartment": _finish_move}
