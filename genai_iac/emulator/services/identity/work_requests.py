"""Work requests: what a compartment's deletion or move is doing, and why it failed; those of domains, in a list of their own.

Identity shows the work requests of identity domains as IamWorkRequests, with fewer fields, and errors and logs apart.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.responses import Answer, answer_page, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.resources import WORK_REQUEST, Resources, StoredResource
from genai_iac.emulator.storage.time_format import format_instant


class WorkRequestError(Struct, frozen=True):
    """One reason why a work request failed."""

    code: str
    message: str


_LISTED = ("operationType", "resources", "timeAccepted", "timeStarted", "timeFinished")  # of an IamWorkRequest
_ACTIONS = {"DELETE": "DELETED", "CREATE": "CREATED"}


def start_work(
    connection: sqlite3.Connection, now: int, kind: str, target: StoredResource, entity: str = "compartment"
) -> str:
    """A new work request in progress; its OCID. `entity` is what its target is: a compartment or a domain."""
    body = {
        "operationType": kind,
        "resources": [
            {
                "identifier": target.id,
                "entityType": entity,
                "actionType": _ACTIONS.get(kind.partition("_")[0], "UPDATED"),
                "entityUri": f"/{entity}s/{target.id}",
            }
        ],
        "errors": [],
        "logs": [{"message": f"{kind} accepted.", "timestamp": format_instant(now)}],
        "timeAccepted": format_instant(now),
        "timeStarted": format_instant(now),
    }
    ocid = make_ocid(WORK_REQUEST)
    place = target.compartment
    Resources(connection).add(
        StoredResource(ocid, WORK_REQUEST, "", place, target.id, "IN_PROGRESS", now, None, "", body), visible=0
    )
    return ocid


def finish_work(connection: sqlite3.Connection, now: int, ocid: str, findings: Sequence[WorkRequestError]) -> None:
    """End a work request: SUCCEEDED without findings, FAILED with them."""
    resources = Resources(connection)
    found = resources.find(WORK_REQUEST, ocid)
    if found is None:
        return
    stamp = format_instant(now)
    errors = [{"code": item.code, "message": item.message, "timestamp": stamp} for item in findings]
    state = "FAILED" if errors else "SUCCEEDED"
    logs = [*found.body["logs"], {"message": f"{found.body['operationType']} {state.lower()}.", "timestamp": stamp}]
    body = {**found.body, "errors": errors, "logs": logs, "timeFinished": stamp}
    resources.save(found, replace(found, state=state, body=body), now)


@operation("identity", "GetWorkRequest", "GET /20160918/workRequests/{workRequestId}")
def get_work_request(call: OperationContext) -> Answer:
    """GetWorkRequest, with `retry-after` while it runs."""
    found = call.resources.find(WORK_REQUEST, call.ocid("workRequestId"))
    if found is None:
        raise not_found()
    call.enter(found.compartment)
    return Answer(_show(found), headers=_pause(found))


@operation("identity", "ListWorkRequests", "GET /20160918/workRequests")
def list_work_requests(call: OperationContext) -> Answer:
    """ListWorkRequests of a compartment, newest first."""
    compartment = call.enter(call.request.required("compartmentId"))
    about = call.request.one("resourceIdentifier")
    query = "SELECT id FROM resources WHERE kind = ? AND compartment = ? AND (? IS NULL OR name = ?) ORDER BY seq DESC"
    rows = call.connection.execute(query, (WORK_REQUEST, compartment, about, about)).fetchall()
    page, following = slice_page(rows, call.request)
    shown = [_show(found) for row in page if (found := call.resources.find(WORK_REQUEST, row["id"]))]
    return answer_page(shown, following)


@operation("identity", "GetIamWorkRequest", "GET /20160918/iamWorkRequests/{iamWorkRequestId}")
def get_iam_work_request(call: OperationContext) -> Answer:
    """GetIamWorkRequest, with `retry-after` while it runs."""
    found = _load_of_domain(call)
    return Answer(_show_of_domain(found), headers=_pause(found))


@operation("identity", "ListIamWorkRequests", "GET /20160918/iamWorkRequests")
def list_iam_work_requests(call: OperationContext) -> Answer:
    """ListIamWorkRequests of a compartment, newest first."""
    compartment = call.enter(call.request.required("compartmentId"))
    about, state = call.request.one("resourceIdentifier"), call.request.one("status")
    rows = call.resources.select(call.listing(WORK_REQUEST, compartment, name=about, state=state, descending=True))
    page, following = slice_page([row for row in rows if _is_of_domain(row)], call.request)
    return answer_page([_show_of_domain(row) for row in page], following)


@operation("identity", "ListIamWorkRequestErrors", "GET /20160918/iamWorkRequests/{iamWorkRequestId}/errors")
def list_iam_work_request_errors(call: OperationContext) -> Answer:
    """ListIamWorkRequestErrors: why it failed."""
    page, following = slice_page(_load_of_domain(call).body["errors"], call.request)
    return answer_page(page, following)


@operation("identity", "ListIamWorkRequestLogs", "GET /20160918/iamWorkRequests/{iamWorkRequestId}/logs")
def list_iam_work_request_logs(call: OperationContext) -> Answer:
    """ListIamWorkRequestLogs: what it did, and when."""
    page, following = slice_page(_load_of_domain(call).body["logs"], call.request)
    return answer_page(page, following)


OPERATIONS = (
    get_work_request,
    list_work_requests,
    get_iam_work_request,
    list_iam_work_requests,
    list_iam_work_request_errors,
    list_iam_work_request_logs,
)


def _load_of_domain(call: OperationContext) -> StoredResource:
    found = call.resources.find(WORK_REQUEST, call.ocid("iamWorkRequestId"))
    if found is None or not _is_of_domain(found):
        raise not_found()
    call.enter(found.compartment)
    return found


def _is_of_domain(work: StoredResource) -> bool:
    return any(item["entityType"] == "domain" for item in work.body["resources"])


def _is_done(work: StoredResource) -> bool:
    return work.state in ("SUCCEEDED", "FAILED")


def _pause(work: StoredResource) -> dict[str, str]:
    """When to ask again, while it runs."""
    return {} if _is_done(work) else {"retry-after": "1"}


def _show_of_domain(work: StoredResource) -> dict[str, Any]:
    return {**_state(work), **{name: work.body[name] for name in _LISTED if name in work.body}}


def _show(work: StoredResource) -> dict[str, Any]:
    return {**_state(work), **work.body}


def _state(work: StoredResource) -> dict[str, Any]:
    return {
        "id": work.id,
        "compartmentId": work.compartment,
        "status": work.state,
        "percentComplete": 100.0 if _is_done(work) else 50.0,
    }
