"""Compartments: a tree six levels deep, names unique under a parent, and deletion that takes its time and may fail.

Moving a compartment under another parent: same OCID, other policies, other names in the policies above.
"""

import secrets
import sqlite3

from msgspec.structs import replace

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.requests import given_texts, optional_text, text
from genai_iac.emulator.http.responses import Answer, answer_page, conflict, invalid, limit_exceeded, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.policy_statements import rewrite_names, subtree_of
from genai_iac.emulator.services.identity.serializers import answer_one, list_kind, read_description, read_listing, show
from genai_iac.emulator.services.identity.work_requests import WorkRequestError, finish_work, start_work
from genai_iac.emulator.services.operation_context import OperationContext, forget_later
from genai_iac.emulator.services.tags import new_tags, updated_tags
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, schedule

MAX_DEPTH = 6  # levels below the tenancy
_NAME = r"[A-Za-z0-9._-]{1,100}"
# Characters of the suffix that a deleted compartment's name gets, so that the name can
# be used again.
_SUFFIX = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@operation("identity", "CreateCompartment", "POST /20160918/compartments", home=True, retry_token=True)
def create_compartment(call: OperationContext) -> Answer:
    """CreateCompartment: CREATING in the answer, ACTIVE soon after."""
    parent = call.enter(text(call.body, "compartmentId"))
    name = text(call.body, "name", most=100, pattern=_NAME)
    description = read_description(call)
    _require_open(call, parent)
    refuse_sibling(call, parent, name)
    if len(call.directory.path_of(parent)) > MAX_DEPTH:
        raise invalid(f"Compartments can be at most {MAX_DEPTH} levels deep.")
    if call.resources.count("compartment") >= call.world.settings.limit("compartmentCount"):
        raise limit_exceeded("compartment-count")
    body = {"description": description, "isAccessible": True, **new_tags(call, parent)}
    made = call.make("compartment", parent, name, body, state="CREATING")
    schedule(call.connection, call.now + call.world.settings.lifecycleDelay, "activate", made.id)
    return answer_one(made)


@operation("identity", "GetCompartment", "GET /20160918/compartments/{compartmentId}")
def get_compartment(call: OperationContext) -> Answer:
    """GetCompartment; the tenancy answers as the root compartment."""
    ocid = call.ocid("compartmentId")
    if ocid == call.world.tenancy:
        return _show_root(call)
    return answer_one(load_compartment(call))


@operation("identity", "ListCompartments", "GET /20160918/compartments")
def list_compartments(call: OperationContext) -> Answer:
    """ListCompartments: the children of one compartment, or everything below the tenancy."""
    parent = call.request.required("compartmentId")
    subtree = _read_flag(call, "compartmentIdInSubtree")
    if subtree and parent != call.world.tenancy:
        raise invalid("compartmentIdInSubtree can be true only when compartmentId is the tenancy's OCID.")
    access = call.request.one("accessLevel") or "ANY"
    if access not in ("ANY", "ACCESSIBLE"):
        raise invalid("accessLevel must be ANY or ACCESSIBLE.")
    if access == "ACCESSIBLE":
        return _list_accessible(call, None if subtree else parent)
    call.enter(parent)
    return list_kind(call, "compartment", None if subtree else parent)


@operation("identity", "UpdateCompartment", "PUT /20160918/compartments/{compartmentId}", home=True)
def update_compartment(call: OperationContext) -> Answer:
    """UpdateCompartment: name, description, tags. A new name is written into the policies that use the old one."""
    old = load_compartment(call)
    call.check_etag(old)
    _require_state(old)
    name = optional_text(call.body, "name", most=100, pattern=_NAME) or old.name
    if name.casefold() != old.name.casefold():
        refuse_sibling(call, old.compartment, name)
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description")}
    new = call.resources.save(old, replace(old, name=name, body=body), call.now)
    if name != old.name:
        rewrite_names(call.connection, call.world, {old.id})
    return answer_one(new)


@operation("identity", "DeleteCompartment", "DELETE /20160918/compartments/{compartmentId}", home=True)
def delete_compartment(call: OperationContext) -> Answer:
    """DeleteCompartment: accepted at once, judged later; what is inside decides."""
    old = load_compartment(call)
    call.check_etag(old)
    _require_state(old)
    call.resources.save(old, replace(old, state="DELETING"), call.now)
    work = start_work(call.connection, call.now, "DELETE_COMPARTMENT", old)
    due = call.now + call.world.settings.compartmentDeleteDuration
    schedule(call.connection, due, "delete-compartment", old.id, request=work)
    return Answer(status=202, headers={"opc-work-request-id": work})


@operation(
    "identity",
    "RecoverCompartment",
    "POST /20160918/compartments/{compartmentId}/actions/recoverCompartment",
    home=True,
)
def recover_compartment(call: OperationContext) -> Answer:
    """RecoverCompartment: a deleted one is back, under the name the deletion gave it."""
    old = load_compartment(call)
    call.check_etag(old)
    if old.state != "DELETED":
        raise conflict("Conflict", "Only a deleted compartment can be recovered.")
    _require_open(call, old.compartment)
    return answer_one(call.resources.save(old, replace(old, state="ACTIVE"), call.now))


OPERATIONS = (
    create_compartment,
    get_compartment,
    list_compartments,
    update_compartment,
    delete_compartment,
    recover_compartment,
)


def load_compartment(call: OperationContext) -> StoredResource:
    """The compartment in the path. The tenancy is not one that can be changed."""
    ocid = call.ocid("compartmentId")
    if ocid == call.world.tenancy:
        call.enter(ocid)
        raise invalid("The root compartment cannot be changed.")
    found = call.resources.find("compartment", ocid, call.hidden_after)
    if found is None:
        raise not_found()
    call.enter(ocid)
    return found


def refuse_sibling(call: OperationContext, parent: str, name: str) -> None:
    """409 when the parent has a living child of that name."""
    taken = call.connection.execute(
        "SELECT 1 FROM resources WHERE kind = 'compartment' AND compartment = ? AND name = ? COLLATE NOCASE"
        " AND state <> 'DELETED'",
        (parent, name),
    ).fetchone()
    if taken:
        raise conflict("CompartmentAlreadyExists", f"A compartment with name '{name}' already exists.")


def _require_open(call: OperationContext, compartment: str) -> None:
    if compartment == call.world.tenancy:
        return
    found = call.resources.find("compartment", compartment, call.hidden_after)
    if found is None or found.state not in ("ACTIVE", "INACTIVE"):
        raise not_found()


def _require_state(compartment: StoredResource) -> None:
    if compartment.state != "ACTIVE":
        raise conflict("Conflict", f"Compartment {compartment.id} is {compartment.state}.")


def _show_root(call: OperationContext) -> Answer:
    tenancy = call.load("tenancy", call.world.tenancy)
    shown = show(tenancy) | {"isAccessible": True}
    shown.pop("compartmentId")
    shown.pop("upiIdcsCompatibilityLayerEndpoint", None)
    return Answer(shown, headers={"etag": tenancy.etag})


def _read_flag(call: OperationContext, name: str) -> bool:
    value = (call.request.one(name) or "false").lower()
    if value not in ("true", "false"):
        raise invalid(f"{name} must be true or false.")
    return value == "true"


def _list_accessible(call: OperationContext, parent: str | None) -> Answer:
    """Those in which the caller may inspect compartments; asking itself needs no permission."""
    rows = call.resources.select(replace(read_listing(call, "compartment", parent), limit=None))
    open_to_caller = [row for row in rows if call.may_enter(row.id)]
    page, following = slice_page(open_to_caller, call.request)
    return answer_page([show(row) for row in page], following)


def _activate(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    found = resources.find("compartment", due.target)
    if found is not None and found.state == "CREATING":
        resources.save_state(replace(found, state="ACTIVE"))


def _finish_delete(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    found = resources.find("compartment", due.target)
    if found is None:
        return
    now, request = due.world.now, due.detail["request"]
    inside = resources.within(found.id)
    if inside:
        resources.save(found, replace(found, state="ACTIVE"), now)
        findings = [
            WorkRequestError("NotEmpty", f"{item.kind} '{item.name}' ({item.id}) is in the compartment.")
            for item in inside
        ]
        finish_work(due.connection, now, request, findings)
        return
    suffix = "".join(secrets.choice(_SUFFIX) for _ in range(10))
    resources.save(found, replace(found, state="DELETED", name=f"{found.name[:89]}.{suffix}"), now)
    forget_later(due, "compartment", found.id)
    rewrite_names(due.connection, due.world, {found.id})
    finish_work(due.connection, now, request, [])


WORKS = {"activate": _activate, "delete-compartment": _finish_delete}


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


MOVE_OPERATIONS = (move_compartment,)


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


MOVE_WORKS = {"move-compartment": _finish_move}
