"""Identity domains: made, renamed, switched off and on, deleted. Each change is a work request of its own list."""

import sqlite3
from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.control.settings import REGIONS
from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.requests import given_texts, optional_text, read_flag, text
from genai_iac.emulator.http.responses import Answer, answer_page, conflict, invalid
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.serializers import read_description
from genai_iac.emulator.services.identity.work_requests import finish_work, start_work
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import new_tags, updated_tags
from genai_iac.emulator.storage.identity_domains import DEFAULT, DOMAIN, domain_body, host_of_domain
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, schedule
from genai_iac.emulator.storage.time_format import format_instant

_STATES = ("CREATING", "ACTIVE", "DELETING", "INACTIVE", "DEACTIVATING", "ACTIVATING", "UPDATING")
_NAME = r"[^'/\\]{1,100}"  # what a statement can quote
_ORDER = Order("TIMECREATED", "NAME")


@operation("identity", "ListDomains", "GET /20160918/domains")
def list_domains(call: OperationContext) -> Answer:
    """ListDomains of a compartment, by name, URL, type and state."""
    compartment = call.enter(call.request.required("compartmentId"))
    state = call.request.one_of("lifecycleState", _STATES)
    kind = call.request.one("type")
    wanted = call.listing(DOMAIN, compartment, name=call.request.one("displayName"), state=state)
    rows, following = list_page(
        call.resources, replace(wanted, field=("type", kind) if kind else None), call.request, _ORDER
    )
    urls = (call.request.one("url"), call.request.one("homeRegionUrl"))
    shown = [_show(call, row) for row in rows]
    return answer_page([one for one in shown if all(url in (None, one["url"]) for url in urls)], following)


@operation("identity", "GetDomain", "GET /20160918/domains/{domainId}")
def get_domain(call: OperationContext) -> Answer:
    """GetDomain."""
    domain = call.load(DOMAIN, call.ocid("domainId"))
    return Answer(_show(call, domain), headers={"etag": domain.etag})


@operation("identity", "CreateDomain", "POST /20160918/domains", home=True, retry_token=True)
def create_domain(call: OperationContext) -> Answer:
    """CreateDomain: accepted with a work request that names the domain."""
    compartment = call.enter(text(call.body, "compartmentId"))
    name, description = text(call.body, "displayName", most=100, pattern=_NAME), read_description(call)
    home = text(call.body, "homeRegion")
    if home not in REGIONS:
        raise invalid(f"homeRegion: {home} is not a region.")
    _refuse_taken(call, name)
    body = domain_body("SECONDARY", description, home, text(call.body, "licenseType"))
    body |= {"isHiddenOnLogin": read_flag(call.body, "isHiddenOnLogin"), **new_tags(call, compartment)}
    return _begin(call, "CREATE_DOMAIN", call.make(DOMAIN, compartment, name, body, state="CREATING"), state="ACTIVE")


@operation("identity", "UpdateDomain", "PUT /20160918/domains/{domainId}", home=True)
def update_domain(call: OperationContext) -> Answer:
    """UpdateDomain: name, description, tags, whether it is hidden at sign-in."""
    old = _load_active(call)
    name = optional_text(call.body, "displayName", most=100, pattern=_NAME) or old.name
    if name.casefold() != old.name.casefold():
        _refuse_taken(call, name)
    hidden = read_flag(call.body, "isHiddenOnLogin", bool(old.body["isHiddenOnLogin"]))
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description")}
    new = replace(old, name=name, body={**body, "isHiddenOnLogin": hidden})
    return _begin(call, "UPDATE_DOMAIN", call.resources.save(old, new, call.now), state="ACTIVE")


@operation("identity", "ActivateDomain", "POST /20160918/domains/{domainId}/actions/activate", home=True)
def activate_domain(call: OperationContext) -> Answer:
    """ActivateDomain: one that was deactivated."""
    old = _load(call)
    if old.state != "INACTIVE":
        raise conflict("Conflict", f"Domain {old.id} is {old.state}.")
    return _begin(call, "ACTIVATE_DOMAIN", _save_state(call, old, "ACTIVATING"), state="ACTIVE")


@operation("identity", "DeactivateDomain", "POST /20160918/domains/{domainId}/actions/deactivate", home=True)
def deactivate_domain(call: OperationContext) -> Answer:
    """DeactivateDomain: statements can no longer name its groups."""
    old = _load_active(call)
    _refuse_default(old)
    return _begin(call, "DEACTIVATE_DOMAIN", _save_state(call, old, "DEACTIVATING"), state="INACTIVE")


@operation(
    "identity", "ChangeDomainCompartment", "POST /20160918/domains/{domainId}/actions/changeCompartment", home=True
)
def change_domain_compartment(call: OperationContext) -> Answer:
    """ChangeDomainCompartment."""
    old = _load_active(call)
    _refuse_default(old)
    target = call.enter(text(call.body, "compartmentId"))
    moved = call.resources.save(old, replace(old, compartment=target), call.now)
    return _begin(call, "CHANGE_COMPARTMENT_FOR_DOMAIN", moved, state="ACTIVE")


@operation("identity", "DeleteDomain", "DELETE /20160918/domains/{domainId}", home=True)
def delete_domain(call: OperationContext) -> Answer:
    """DeleteDomain: one that was deactivated; its groups go with it."""
    old = _load(call)
    _refuse_default(old)
    if old.state != "INACTIVE":
        raise conflict("Conflict", f"Domain '{old.name}' is {old.state}; deactivate it first.")
    return _begin(call, "DELETE_DOMAIN", _save_state(call, old, "DELETING"), state="DELETED")


OPERATIONS = (
    list_domains,
    get_domain,
    create_domain,
    update_domain,
    activate_domain,
    deactivate_domain,
    change_domain_compartment,
    delete_domain,
)


def domain_url(call: OperationContext, domain: StoredResource) -> str:
    """Where its groups are asked for."""
    return f"http://{host_of_domain(domain, call.request.headers.get('host', ''))}"


def _load(call: OperationContext) -> StoredResource:
    domain = call.load(DOMAIN, call.ocid("domainId"))
    call.check_etag(domain)
    return domain


def _load_active(call: OperationContext) -> StoredResource:
    domain = _load(call)
    if domain.state != "ACTIVE":
        raise conflict("Conflict", f"Domain {domain.id} is {domain.state}.")
    return domain


def _refuse_default(domain: StoredResource) -> None:
    if domain.body["type"] == DEFAULT:
        raise invalid("The Default domain can be neither moved, deactivated nor deleted.")


def _refuse_taken(call: OperationContext, name: str) -> None:
    taken = call.connection.execute(
        "SELECT 1 FROM resources WHERE kind = ? AND name = ? COLLATE NOCASE", (DOMAIN, name)
    ).fetchone()
    if taken:
        raise conflict("DomainAlreadyExists", f"A domain with name '{name}' already exists.")


def _save_state(call: OperationContext, domain: StoredResource, state: str) -> StoredResource:
    return call.resources.save(domain, replace(domain, state=state), call.now)


def _begin(call: OperationContext, kind: str, domain: StoredResource, *, state: str) -> Answer:
    """202, and the change done by a later request, once `lifecycleDelay` is over."""
    work = start_work(call.connection, call.now, kind, domain, "domain")
    due = call.now + call.world.settings.lifecycleDelay
    schedule(call.connection, due, "finish-domain", domain.id, request=work, state=state)
    return Answer(status=202, headers={"opc-work-request-id": work}, resource=domain.id)


def _finish(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    found = resources.find(DOMAIN, due.target)
    if found is not None and due.detail["state"] == "DELETED":
        _remove(due.connection, found.id)
    elif found is not None:
        resources.save_state(replace(found, state=due.detail["state"]))
    finish_work(due.connection, due.world.now, due.detail["request"], [])


def _remove(connection: sqlite3.Connection, domain: str) -> None:
    connection.execute("DELETE FROM memberships WHERE team IN (SELECT id FROM resources WHERE region = ?)", (domain,))
    connection.execute("DELETE FROM resources WHERE region = ? OR id = ?", (domain, domain))


WORKS = {"finish-domain": _finish}


def _show(call: OperationContext, domain: StoredResource) -> dict[str, Any]:
    url = domain_url(call, domain)
    return {
        "id": domain.id,
        "compartmentId": domain.compartment,
        "displayName": domain.name,
        "url": url,
        "homeRegionUrl": url,
        "replicaRegions": [],
        "timeCreated": format_instant(domain.created),
        "lifecycleState": domain.state,
        "lifecycleDetails": None,
        **domain.body,
    }
