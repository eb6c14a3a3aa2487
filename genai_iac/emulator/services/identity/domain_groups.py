"""The groups of an identity domain, at the domain's own URL, in the form of SCIM (RFC 7644) that oci-cli and the SDK speak.

Users are not kept apart by domain: a member is any user of the tenancy, by OCID.
"""

import re
import sqlite3
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.requests import as_object, items, optional_items, optional_text, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, conflict, invalid, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.domains import domain_url
from genai_iac.emulator.services.identity.groups import check_rule
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import read_tags
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.identity_domains import DEFAULT, domain_at
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.time_format import format_instant

_CORE = "urn:ietf:params:scim:schemas:core:2.0:Group"
_DYNAMIC = "urn:ietf:params:scim:schemas:oracle:idcs:DynamicResourceGroup"
_ABOUT = "urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_IDS = {"group": "groupId", "dynamicgroup": "dynamicGroupId"}  # of what a path names, by kind
_NAME = r"[^'/\\]{1,100}"
_FILTER = re.compile(r'\s*displayName\s+eq\s+"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_MEMBER_FILTER = re.compile(r'members\[value\s+eq\s+"([^"]+)"\]')


def _create_group(call: OperationContext) -> Answer:
    """CreateGroup of a domain; `members` are put into it at once."""
    domain = _domain(call)
    about = call.body.get(_ABOUT)
    description = optional_text(as_object(about or {}, _ABOUT), "description") or ""
    made = _add(call, domain, "group", {"description": description})
    for member in optional_items(call.body, "members"):
        _join(call, made, _member(member))
    return _answer(call, domain, made, 201)


def _create_dynamic_group(call: OperationContext) -> Answer:
    """CreateDynamicResourceGroup of a domain."""
    domain = _domain(call)
    rule = check_rule(text(call.body, "matchingRule", most=4000))
    about = {"description": optional_text(call.body, "description") or "", "matchingRule": rule}
    return _answer(call, domain, _add(call, domain, "dynamicgroup", about), 201)


def _list(kind: str) -> Callable[[OperationContext], Answer]:
    def list_groups(call: OperationContext) -> Answer:
        """Those of a domain, in order of time; `filter` is `displayName eq "…"`."""
        domain = _domain(call)
        wanted = call.listing(kind, call.world.tenancy, region=_partition(domain), name=_read_filter(call))
        rows = call.resources.select(wanted)
        page, following = slice_page(rows, call.request)
        body = {"schemas": [_LIST], "totalResults": len(rows), "itemsPerPage": len(page), "startIndex": 1}
        headers = {"opc-next-page": following} if following else {}
        return Answer({**body, "Resources": [_show(call, domain, row) for row in page]}, headers=headers)

    return list_groups


def _get(kind: str) -> Callable[[OperationContext], Answer]:
    def get_group(call: OperationContext) -> Answer:
        """One of a domain, by its id or OCID, which are the same here."""
        domain = _domain(call)
        return _answer(call, domain, _find(call, domain, kind))

    return get_group


def _delete(kind: str) -> Callable[[OperationContext], Answer]:
    def delete_group(call: OperationContext) -> Answer:
        """One of a domain, without members unless `forceDelete` is true."""
        domain = _domain(call)
        found = _find(call, domain, kind)
        if (call.request.one("forceDelete") or "false").lower() != "true" and _members(call.connection, found):
            raise conflict("Conflict", f"Group '{found.name}' still has members; remove them first.")
        call.connection.execute("DELETE FROM memberships WHERE team = ?", (found.id,))
        call.resources.remove(found.id)
        return NO_CONTENT

    return delete_group


def _patch_group(call: OperationContext) -> Answer:
    """PatchGroup: adds members, removes them, or replaces the name."""
    domain = _domain(call)
    group = _find(call, domain, "group")
    for item in items(call.body, "Operations"):
        group = _patch(call, domain, group, as_object(item, "Operations"))
    return _answer(call, domain, group)


OPERATIONS = tuple(
    operation("identity-domains", name, f"{method} /admin/v1/{path}", permissions=(permission,))(do)
    for name, method, path, permission, do in (
        ("CreateGroup", "POST", "Groups", "GROUP_CREATE", _create_group),
        ("ListGroups", "GET", "Groups", "GROUP_INSPECT", _list("group")),
        ("GetGroup", "GET", "Groups/{groupId}", "GROUP_INSPECT", _get("group")),
        ("PatchGroup", "PATCH", "Groups/{groupId}", "GROUP_UPDATE", _patch_group),
        ("DeleteGroup", "DELETE", "Groups/{groupId}", "GROUP_DELETE", _delete("group")),
        ("CreateDynamicResourceGroup", "POST", "DynamicResourceGroups", "DYNAMIC_GROUP_CREATE", _create_dynamic_group),
        ("ListDynamicResourceGroups", "GET", "DynamicResourceGroups", "DYNAMIC_GROUP_INSPECT", _list("dynamicgroup")),
        (
            "GetDynamicResourceGroup",
            "GET",
            "DynamicResourceGroups/{dynamicGroupId}",
            "DYNAMIC_GROUP_INSPECT",
            _get("dynamicgroup"),
        ),
        (
            "DeleteDynamicResourceGroup",
            "DELETE",
            "DynamicResourceGroups/{dynamicGroupId}",
            "DYNAMIC_GROUP_DELETE",
            _delete("dynamicgroup"),
        ),
    )
)


def _domain(call: OperationContext) -> StoredResource:
    """The domain whose URL was called, where the caller may do this to the group that is named; 404 for one not active."""
    found = domain_at(call.connection, call.request.headers.get("host", ""))
    if found is None or found.state != "ACTIVE":
        raise not_found()
    named = ((kind, call.parameters[name]) for kind, name in _IDS.items() if name in call.parameters)
    target = next((call.resources.find(kind, ocid) for kind, ocid in named), None)
    call.enter(found.compartment, target=target)
    return found


def _partition(domain: StoredResource) -> str:
    return "" if domain.body["type"] == DEFAULT else domain.id


def _find(call: OperationContext, domain: StoredResource, kind: str) -> StoredResource:
    found = call.resources.find(kind, call.ocid(_IDS[kind]), call.hidden_after)
    if found is None or found.region != _partition(domain):
        raise not_found()
    return found


def _add(call: OperationContext, domain: StoredResource, kind: str, about: dict[str, Any]) -> StoredResource:
    name = text(call.body, "displayName", most=100, pattern=_NAME)
    _refuse_taken(call, domain, kind, name)
    body = {**about, **read_tags({}, call.caller.name, call.now)}
    made = StoredResource(
        make_ocid(kind), kind, _partition(domain), call.world.tenancy, name, "ACTIVE", call.now, None, "", body
    )
    return call.resources.add(made)


def _refuse_taken(call: OperationContext, domain: StoredResource, kind: str, name: str) -> None:
    taken = call.connection.execute(
        "SELECT 1 FROM resources WHERE kind = ? AND name = ? COLLATE NOCASE AND region = ?",
        (kind, name, _partition(domain)),
    ).fetchone()
    if taken:
        raise conflict("Conflict", f"The domain {domain.name} has '{name}' already.")


def _read_filter(call: OperationContext) -> str | None:
    given = call.request.one("filter")
    if given is None:
        return None
    match = _FILTER.fullmatch(given)
    if not match:
        raise invalid('The filter is to be displayName eq "NAME".')
    return re.sub(r"\\(.)", r"\1", match[1])


def _patch(
    call: OperationContext, domain: StoredResource, group: StoredResource, item: dict[str, Any]
) -> StoredResource:
    action, path, value = text(item, "op").upper(), optional_text(item, "path") or "", item.get("value")
    if action == "ADD" and path == "members":
        for member in items(item, "value"):
            _join(call, group, _member(member))
    elif action == "REMOVE" and (match := _MEMBER_FILTER.fullmatch(path)):
        call.connection.execute("DELETE FROM memberships WHERE team = ? AND user = ?", (group.id, match[1]))
    elif action == "REPLACE" and path == "displayName":
        name = text({path: value}, path, most=100, pattern=_NAME)
        if name.casefold() != group.name.casefold():
            _refuse_taken(call, domain, "group", name)
        return call.resources.save(group, replace(group, name=name), call.now)
    else:
        raise invalid('Operations are ADD of members, REMOVE of members[value eq "OCID"] and REPLACE of displayName.')
    return group


def _member(item: Any) -> str:
    member = as_object(item, "members")
    return text(member, "ocid" if member.get("ocid") else "value")


def _join(call: OperationContext, group: StoredResource, user: str) -> None:
    if call.resources.find("user", user, call.hidden_after) is None:
        raise invalid(f"There is no user {user}.")
    call.connection.execute(
        "INSERT OR IGNORE INTO memberships VALUES (?,?,?,?)", (make_ocid("groupmembership"), user, group.id, call.now)
    )


def _members(connection: sqlite3.Connection, group: StoredResource) -> list[sqlite3.Row]:
    query = "SELECT m.id, m.user, u.name FROM memberships m JOIN resources u ON u.id = m.user WHERE m.team = ? ORDER BY m.id"
    return connection.execute(query, (group.id,)).fetchall()


def _answer(call: OperationContext, domain: StoredResource, group: StoredResource, status: int = 200) -> Answer:
    return Answer(_show(call, domain, group), status, {"etag": group.etag}, resource=group.id)


def _show(call: OperationContext, domain: StoredResource, group: StoredResource) -> dict[str, Any]:
    plural, schema = ("Groups", _CORE) if group.kind == "group" else ("DynamicResourceGroups", _DYNAMIC)
    shown = {
        "id": group.id,
        "ocid": group.id,
        "schemas": [schema],
        "displayName": group.name,
        "domainOcid": domain.id,
        "compartmentOcid": domain.compartment,
        "tenancyOcid": call.world.tenancy,
        "meta": {
            "resourceType": plural[:-1],
            "created": format_instant(group.created),
            "lastModified": format_instant(group.updated or group.created),
            "location": f"{domain_url(call, domain)}/admin/v1/{plural}/{group.id}",
        },
    }
    if group.kind == "dynamicgroup":
        return shown | {"matchingRule": group.body["matchingRule"], "description": group.body["description"]}
    members = [
        {"value": row["user"], "ocid": row["user"], "name": row["name"], "type": "User", "membershipOcid": row["id"]}
        for row in _members(call.connection, group)
    ]
    return shown | {"members": members, _ABOUT: {"description": group.body["description"]}}
