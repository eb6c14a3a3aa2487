"""The work requests of identity domains, which Identity keeps in a list of their own."""

from typing import Any

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.responses import Answer, answer_page, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import WORK_REQUEST, StoredResource

_LISTED = ("operationType", "resources", "timeAccepted", "timeStarted", "timeFinished")


@operation("identity", "GetIamWorkRequest", "GET /20160918/iamWorkRequests/{iamWorkRequestId}")
def get_iam_work_request(call: OperationContext) -> Answer:
    """GetIamWorkRequest, with `retry-after` while it runs."""
    found = _load(call)
    return Answer(_show(found), headers={} if _is_done(found) else {"retry-after": "1"})


@operation("identity", "ListIamWorkRequests", "GET /20160918/iamWorkRequests")
def list_iam_work_requests(call: OperationContext) -> Answer:
    """ListIamWorkRequests of a compartment, newest first."""
    compartment = call.enter(call.request.required("compartmentId"))
    about, state = call.request.one("resourceIdentifier"), call.request.one("status")
    rows = call.resources.select(call.listing(WORK_REQUEST, compartment, name=about, state=state, descending=True))
    page, following = slice_page([row for row in rows if _is_of_domain(row)], call.request)
    return answer_page([_show(row) for row in page], following)


@operation("identity", "ListIamWorkRequestErrors", "GET /20160918/iamWorkRequests/{iamWorkRequestId}/errors")
def list_iam_work_request_errors(call: OperationContext) -> Answer:
    """ListIamWorkRequestErrors: why it failed."""
    page, following = slice_page(_load(call).body["errors"], call.request)
    return answer_page(page, following)


@operation("identity", "ListIamWorkRequestLogs", "GET /20160918/iamWorkRequests/{iamWorkRequestId}/logs")
def list_iam_work_request_logs(call: OperationContext) -> Answer:
    """ListIamWorkRequestLogs: what it did, and when."""
    page, following = slice_page(_load(call).body["logs"], call.request)
    return answer_page(page, following)


OPERATIONS = (
    get_iam_work_request,
    list_iam_work_requests,
    list_iam_work_request_errors,
    list_iam_work_request_logs,
)


def _load(call: OperationContext) -> StoredResource:
    found = call.resources.find(WORK_REQUEST, call.ocid("iamWorkRequestId"))
    if found is None or not _is_of_domain(found):
        raise not_found()
    call.enter(found.compartment)
    return found


def _is_of_domain(work: StoredResource) -> bool:
    return any(item["entityType"] == "domain" for item in work.body["resources"])


def _is_done(work: StoredResource) -> bool:
    return work.state in ("SUCCEEDED", "FAILED")


def _show(work: StoredResource) -> dict[str, Any]:
    return {
        "id": work.id,
        "compartmentId": work.compartment,
        "status": work.state,
        "percentComplete": 100.0 if _is_done(work) else 50.0,
        **{name: work.body[name] for name in _LISTED if name in work.body},
    }
