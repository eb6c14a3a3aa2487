"""Resource Search, version 20180409: the query language over everything in the tenancy and one region.

Searching the tenancy: what the caller may inspect, of the home region's things and of this region's.
"""

from typing import Any

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.requests import choice, text
from genai_iac.emulator.http.responses import Answer, invalid, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.search.query import Query, QueryError, match_text, parse_query
from genai_iac.emulator.storage.resources import ResourceQuery, StoredResource
from genai_iac.emulator.storage.time_format import format_instant
from genai_iac.iam_policy import permissions_of

# stored kind -> what Search calls it, and the list operation whose permission opens it
_TYPES = {
    "compartment": ("Compartment", "ListCompartments"),
    "policy": ("Policy", "ListPolicies"),
    "group": ("Group", "ListGroups"),
    "user": ("User", "ListUsers"),
    "dynamicgroup": ("DynamicResourceGroup", "ListDynamicGroups"),
    "generativeaiapikey": ("GenerativeAiApiKey", "ListApiKeys"),
    "generativeairoutingprofile": ("GenerativeAiRoutingProfile", "ListRoutingProfiles"),
    "generativeaiproject": ("GenerativeAiProject", "ListGenerativeAiProjects"),
    "vaultsecret": ("VaultSecret", "ListSecrets"),
    "vault": ("Vault", "ListVaults"),
    "key": ("Key", "ListKeys"),
    "bucket": ("Bucket", "ListBuckets"),
}
# kinds whose resources are in no region
_GLOBAL = frozenset({"compartment", "policy", "group", "user", "dynamicgroup"})


@operation("resource-search", "SearchResources", "POST /20180409/resources", permissions=())
def search_resources(call: OperationContext) -> Answer:
    """SearchResources, structured or free text. It needs no permission of its own: each hit needs one."""
    query = _read_query(call)
    found = [shown for kind in _TYPES for shown in _list(call, kind) if query.matches(shown)]
    found.sort(key=lambda item: str(item.get(query.sort_by) or ""), reverse=query.descending)
    page, following = slice_page(found, call.request)
    return Answer({"items": page}, headers={"opc-next-page": following} if following else {})


@operation("resource-search", "ListResourceTypes", "GET /20180409/resourceTypes", permissions=())
def list_resource_types(call: OperationContext) -> Answer:
    """ListResourceTypes."""
    page, following = slice_page([_show_type(name) for name, _ in _TYPES.values()], call.request)
    return Answer(page, headers={"opc-next-page": following} if following else {})


@operation("resource-search", "GetResourceType", "GET /20180409/resourceTypes/{name}", permissions=())
def get_resource_type(call: OperationContext) -> Answer:
    """GetResourceType."""
    for name, _ in _TYPES.values():
        if name.lower() == call.parameters["name"].lower():
            return Answer(_show_type(name))
    raise not_found()


SEARCH_OPERATIONS = (search_resources, list_resource_types, get_resource_type)


def _read_query(call: OperationContext) -> Query:
    kind = choice(call.body, "type", ("Structured", "FreeText"))
    try:
        if kind == "Structured":
            query = parse_query(text(call.body, "query", most=10_000))
            known = {name.lower() for name, _ in _TYPES.values()}
            for asked in query.types - known:
                raise QueryError(f"there is no resource type '{asked}'")
            return query
        return Query(frozenset(), match_text(text(call.body, "text", most=1_000)))
    except QueryError as error:
        raise invalid(f"The query cannot be read: {error}.") from None


def _list(call: OperationContext, kind: str) -> list[dict[str, Any]]:
    permissions = permissions_of(_TYPES[kind][1])
    rows = call.resources.select(
        ResourceQuery(kind, None, region="" if kind in _GLOBAL else call.region, hidden_after=call.hidden_after)
    )
    opened: dict[str, bool] = {}
    for row in rows:
        if row.compartment not in opened:
            opened[row.compartment] = call.may_enter(row.compartment, permissions=permissions)
    return [_show(row) for row in rows if opened[row.compartment]]


def _show(row: StoredResource) -> dict[str, Any]:
    return {
        "resourceType": _TYPES[row.kind][0],
        "identifier": row.id,
        "compartmentId": row.compartment,
        "timeCreated": format_instant(row.created),
        "displayName": row.name,
        "lifecycleState": row.state,
        "freeformTags": row.body.get("freeformTags", {}),
        "definedTags": row.body.get("definedTags", {}),
    }


def _show_type(name: str) -> dict[str, Any]:
    fields = ("displayName", "identifier", "compartmentId", "lifecycleState", "timeCreated")
    return {"name": name, "fields": [{"fieldName": field, "fieldType": "STRING", "isArray": False} for field in fields]}


OPERATIONS = SEARCH_OPERATIONS
