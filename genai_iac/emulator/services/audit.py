"""The Audit service, version 20190901: one event for each signed call of a control plane, kept apart from the call log.

Of a call its operation, caller, place, target and outcome are stored; bodies, answers and signatures are not, and whatever looks like
a value of an API key is masked in the rest. Events are listed by region and compartment, in the order of the calls.

The fields are those of the SDK's `AuditEvent`. The service names in event types are Oracle's for Identity, Vault, keys and Object
Storage; the others are UNCONFIRMED. The real service needs up to 15 minutes until it lists an event, this one none.
"""

import re
import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from genai_iac.emulator.auth.authorizer import Caller
from genai_iac.emulator.http.paging import DEFAULT_LIMIT, make_token, open_token
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import Answer, answer_page, invalid
from genai_iac.emulator.http.router import Operation, operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.tenancy_state import TenancyState
from genai_iac.emulator.storage.time_format import MINUTE, format_instant, parse_instant

__all__ = ["OPERATIONS", "record_event"]

KEPT, TRIM_EVERY = 20_000, 1_000  # the newest ones; at how many new ones the oldest go
_LONGEST = 1_000  # characters of a text
_SOURCES = {
    "identity": "identityControlPlane",
    "identity-domains": "identityDomains",
    "generative-ai": "generativeAi",
    "vault": "VaultSecret",
    "secrets": "VaultSecret",
    "kms": "KeyManagementService",
    "object-storage": "objectstorage",
    "resource-search": "resourceSearch",
    "limits": "limits",
    "audit": "audit",
}
_VALUE = re.compile(r"sk-[A-Za-z0-9_-]{8,}")  # an API key's, wherever a caller may have put it
_NAMES = ("displayName", "secretName", "name")  # members of an answer that name what it is about


def record_event(
    connection: sqlite3.Connection,
    world: TenancyState,
    request: Incoming,
    call: tuple[Operation, Mapping[str, str]],
    caller: Caller,
    answer: Answer,
    code: str,
) -> None:
    """Store the event of a call that ended; calls of nobody, and of services whose data plane it is, have none.

    Args:
        call: the operation and the parameters of its path.
        answer: of the operation, before any fault of the way back.
        code: OCI's error code; empty for a success.
    """
    called, parameters = call
    if not caller.id or called.service not in _SOURCES:
        return
    body = answer.body if isinstance(answer.body, dict) and not code else {}
    target = _find_target(connection, world, request, parameters, body, answer.resource)
    row = {**_describe_call(world, request, called, caller, target), "status": answer.status, "code": code}
    stored = [_VALUE.sub("sk-****", part)[:_LONGEST] if isinstance(part, str) else part for part in row.values()]
    marks = ",".join("?" * len(row))
    cursor = connection.execute(f"INSERT INTO audit_events ({','.join(row)}) VALUES ({marks})", stored)  # noqa: S608
    number = cursor.lastrowid or 0
    if number % TRIM_EVERY == 0:
        connection.execute("DELETE FROM audit_events WHERE n <= ?", (number - KEPT,))


def _describe_call(
    world: TenancyState, request: Incoming, called: Operation, caller: Caller, target: tuple[str, str, str]
) -> dict[str, str | int]:
    """The columns that say who called what, where; `target` is the OCID, name and compartment of the resource."""
    resource, name, compartment = target
    return {
        "at": world.now,
        "event": uuid.uuid4().hex,
        "region": request.region or world.home,
        "service": called.service,
        "operation": called.name,
        "compartment": compartment,
        "resource": resource,
        "resource_name": name,
        "principal": caller.id,
        "principal_name": caller.name,
        "method": request.method,
        "path": f"/{'/'.join(request.segments)}",  # as OCI has it, without the region of `/r/REGION`
        "query": request.target.partition("?")[2],
        "agent": request.headers.get("user-agent", ""),
        "request_id": request.request_id,
    }


@operation("audit", "ListEvents", "GET /20190901/auditEvents")
def list_events(call: OperationContext) -> Answer:
    """ListEvents of one compartment, without those below it, in the region of the call; pages of a hundred."""
    compartment = call.enter(call.request.required("compartmentId"))
    start, end = _minute(call, "startTime"), _minute(call, "endTime")
    if end <= start:
        raise invalid("endTime must be after startTime.")
    page = call.request.one("page")
    after = 0 if page is None else open_token(page, by_name=False)[1]
    rows = call.connection.execute(
        "SELECT * FROM audit_events WHERE compartment = ? AND region = ? AND at >= ? AND at < ? AND n > ? ORDER BY n LIMIT ?",
        (compartment, call.region, start, end, after, DEFAULT_LIMIT + 1),
    ).fetchall()
    shown, more = rows[:DEFAULT_LIMIT], len(rows) > DEFAULT_LIMIT
    events = [_show(row, call.world.tenancy, _name_of(call.connection, compartment)) for row in shown]
    return answer_page(events, make_token(0, shown[-1]["n"]) if more else None)


OPERATIONS = (list_events,)


def _minute(call: OperationContext, name: str) -> int:
    """A moment with seconds of 0, as the service demands."""
    try:
        moment = parse_instant(call.request.required(name))
    except ValueError as error:
        raise invalid(f"{name}: {error}.") from None
    if moment % MINUTE:
        raise invalid(f"{name} has a granularity of minutes: seconds and milliseconds must be 0.")
    return moment


def _find_target(
    connection: sqlite3.Connection,
    world: TenancyState,
    request: Incoming,
    parameters: Mapping[str, str],
    body: Mapping[str, Any],
    made: str,
) -> tuple[str, str, str]:
    """The OCID and name of what a call was about, and the compartment it is in: by the answer, the path, or the query."""
    named = [value for value in parameters.values() if value.startswith("ocid1.")]
    resource = str(made or body.get("id") or (named[-1] if named else ""))
    row = connection.execute("SELECT name, compartment FROM resources WHERE id = ?", (resource,)).fetchone()
    bucket = parameters.get("bucketName")
    if row is None and bucket is not None:
        row = connection.execute(
            "SELECT name, compartment FROM resources WHERE kind = 'bucket' AND name = ?", (bucket,)
        ).fetchone()
    name = next((body[key] for key in _NAMES if isinstance(body.get(key), str)), row["name"] if row else "")
    asked = (body.get("compartmentId"), row["compartment"] if row else "", *request.query.get("compartmentId", ()))
    place = next((str(one) for one in asked if one and _name_of(connection, str(one))), world.tenancy)
    return resource, parameters.get("objectName", name), place


def _name_of(connection: sqlite3.Connection, compartment: str) -> str:
    """The name of a compartment, or of the tenancy; empty when there is none of that OCID."""
    row = connection.execute(
        "SELECT name FROM resources WHERE id = ? AND kind IN ('compartment', 'tenancy')", (compartment,)
    ).fetchone()
    return "" if row is None else str(row["name"])


def _show(row: sqlite3.Row, tenancy: str, compartment_name: str) -> dict[str, Any]:
    """One event as the SDK's model has it."""
    at, source = format_instant(row["at"]), _SOURCES[row["service"]]
    data = {
        "eventGroupingId": row["request_id"],
        "eventName": row["operation"],
        "compartmentId": row["compartment"],
        "compartmentName": compartment_name,
        "resourceName": row["resource_name"],
        "resourceId": row["resource"],
        "freeformTags": {},
        "definedTags": {},
        "identity": _show_identity(row, tenancy),
        "request": _show_request(row),
        "response": _show_response(row, at),
    }
    return {
        "eventType": f"com.oraclecloud.{source}.{row['operation']}",
        "cloudEventsVersion": "0.1",
        "eventTypeVersion": "2.0",
        "source": source,
        "eventId": str(uuid.UUID(row["event"])),
        "eventTime": at,
        "contentType": "application/json",
        "data": data,
    }


def _show_identity(row: sqlite3.Row, tenancy: str) -> dict[str, Any]:
    return {
        "principalName": row["principal_name"],
        "principalId": row["principal"],
        "authType": "natv",
        "tenantId": tenancy,
        "ipAddress": "127.0.0.1",
        "userAgent": row["agent"],
    }


def _show_request(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["request_id"],
        "path": row["path"],
        "action": row["method"],
        "parameters": parse_qs(row["query"], keep_blank_values=True),
        "headers": {"opc-request-id": [row["request_id"]], "User-Agent": [row["agent"]]},
    }


def _show_response(row: sqlite3.Row, at: str) -> dict[str, Any]:
    return {
        "status": str(row["status"]),
        "responseTime": at,
        "headers": {"opc-request-id": [row["request_id"]]},
        "payload": {},
        "message": row["code"] or f"{row['operation']} succeeded",
    }
