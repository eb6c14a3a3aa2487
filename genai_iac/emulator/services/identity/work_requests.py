"""Work requests: what a compartment's deletion or move is doing, and why it failed."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.responses import Answer, answer_page, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.resources import WORK_REQUEST, Resources, StoredResource
from genai_iac.emulator.storage.time_format import format_instant


@dataclass(frozen=True)
class WorkRequestError:
    """One reason why a work request failed."""

    code: str
    message: str


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
    headers = {} if found.state in ("SUCCEEDED", "FAILED") else {"retry-after": "1"}
    return Answer(_show(found), headers=headers)


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


OPERATIONS = (get_work_request, list_work_requests)


def _show(work: StoredResource) -> dict[str, Any]:
    done = work.state in ("SUCCEEDED", "FAILED")
    return {
        "id": work.id,
        "compartmentId": work.compartment,
        "status": work.state,
        "percentComplete": 100.0 if done else 50.0,
        **work.body,
    }
