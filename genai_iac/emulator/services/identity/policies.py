"""Policies: compiled when written, returned as written, limited along every path of the compartment tree."""

import re
from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.auth.authorizer import repeal_rules, write_rules
from genai_iac.emulator.http.requests import given_texts, text
from genai_iac.emulator.http.responses import (
    NO_CONTENT,
    Answer,
    ServiceError,
    conflict,
    invalid,
    limit_exceeded,
    not_found,
)
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.policy_statements import compile_statements, read_statements
from genai_iac.emulator.services.identity.serializers import answer_one, list_kind, read_description, refuse_taken
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import new_tags, updated_tags
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.tenancy_state import bump_policies
from genai_iac.iam_policy import UnresolvedName, parse, resolve, unparse


def recompile_others(call: OperationContext, edited: str) -> None:
    """Resolve the names of all other policies as they are now; what names nothing any more stays as it was."""
    rows = call.connection.execute(
        "SELECT policy, attached, text, compiled FROM rules WHERE until IS NULL AND policy <> ? ORDER BY policy, position",
        (edited,),
    ).fetchall()
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for row in rows:
        fresh = _recompile(call, row["text"], row["compiled"], row["attached"])
        found.setdefault((row["policy"], row["attached"]), []).append((row["text"], fresh, row["compiled"]))
    for (policy, attached), rules in found.items():
        if any(fresh != compiled for _, fresh, compiled in rules):
            write_rules(call.connection, policy, attached, [(text, fresh) for text, fresh, _ in rules], call.now)


def _recompile(call: OperationContext, text: str, compiled: str, attached: str) -> str:
    try:
        return unparse(resolve(parse(text), call.directory, attached))
    # A group or compartment that was deleted: the statement keeps the OCID that it had.
    except UnresolvedName:
        return compiled


_NAME = r"[A-Za-z0-9._-]{1,100}"  # of a policy; unique in the tenancy without case


@operation("identity", "CreatePolicy", "POST /20160918/policies", home=True, retry_token=True)
def create_policy(call: OperationContext) -> Answer:
    """CreatePolicy."""
    compartment = call.enter(text(call.body, "compartmentId"))
    _require_alive(call, compartment)
    name = text(call.body, "name", most=100, pattern=_NAME)
    description, version = read_description(call), _read_version(call)
    statements = read_statements(call)
    alone = call.world.settings.policyNames == "compartment"
    refuse_taken(call, "policy", name, "Policy", compartment if alone else None)
    compiled = compile_statements(call, statements, compartment)
    _check_window(call)
    if call.resources.count("policy") >= call.world.settings.limit("policyCount"):
        raise limit_exceeded("policy-count")
    body = {"description": description, "statements": statements, "versionDate": version or None}
    body |= new_tags(call, compartment)
    policy = call.make("policy", compartment, name, body)
    _put_in_force(call, policy, compiled)
    return answer_one(policy)


@operation("identity", "GetPolicy", "GET /20160918/policies/{policyId}")
def get_policy(call: OperationContext) -> Answer:
    """GetPolicy."""
    return answer_one(call.load("policy", call.ocid("policyId")))


@operation("identity", "ListPolicies", "GET /20160918/policies")
def list_policies(call: OperationContext) -> Answer:
    """ListPolicies: those attached to exactly this compartment."""
    return list_kind(call, "policy", call.enter(call.request.required("compartmentId")))


@operation("identity", "UpdatePolicy", "PUT /20160918/policies/{policyId}", home=True)
def update_policy(call: OperationContext) -> Answer:
    """UpdatePolicy: description, statements, versionDate, tags. Statements are compiled anew, and so are all others."""
    old = call.load("policy", call.ocid("policyId"))
    call.check_etag(old)
    changes: dict[str, Any] = {**updated_tags(call, old.body), **given_texts(call.body, "description")}
    if call.body.get("versionDate") is not None:
        changes["versionDate"] = _read_version(call) or None
    compiled = None
    if call.body.get("statements") is not None:
        changes["statements"] = read_statements(call)
        compiled = compile_statements(call, changes["statements"], old.compartment)
    _check_window(call)
    new = call.resources.save(old, replace(old, body={**old.body, **changes}), call.now)
    if compiled is not None:
        _put_in_force(call, new, compiled)
        recompile_others(call, new.id)
    return answer_one(new)


@operation("identity", "DeletePolicy", "DELETE /20160918/policies/{policyId}", home=True)
def delete_policy(call: OperationContext) -> Answer:
    """DeletePolicy."""
    old = call.load("policy", call.ocid("policyId"))
    call.check_etag(old)
    _check_window(call)
    repeal_rules(call.connection, old.id, call.now)
    bump_policies(call.connection)
    call.resources.remove(old.id)
    return NO_CONTENT


OPERATIONS = (create_policy, get_policy, list_policies, update_policy, delete_policy)


def _put_in_force(call: OperationContext, policy: StoredResource, compiled: list[tuple[str, str]]) -> None:
    write_rules(call.connection, policy.id, policy.compartment, compiled, call.now)
    bump_policies(call.connection)
    _check_path(call, policy.compartment)


def _require_alive(call: OperationContext, compartment: str) -> None:
    if compartment == call.world.tenancy:
        return
    found = call.resources.find("compartment", compartment)
    if found is None or found.state != "ACTIVE":
        raise not_found()


def _read_version(call: OperationContext) -> str | None:
    """The versionDate: a date (or the date-time some SDKs make of it); empty clears it."""
    given = call.body.get("versionDate")
    if given is None or given == "":
        return None
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(T[0-9:.]+(Z|[+-]\d\d:?\d\d)?)?", given) if isinstance(given, str) else None
    if match is None:
        raise invalid("versionDate must be a date in the form YYYY-MM-DD.")
    return match[1]


def _check_window(call: OperationContext) -> None:
    """Parallel policy writes collide in the real service; `policyWriteWindow` makes that happen here."""
    window = call.world.settings.policyWriteWindow
    if not window:
        return
    row = call.connection.execute("SELECT max(max(since, ifnull(until, 0))) FROM rules").fetchone()
    if row[0] is not None and row[0] > call.now - window:
        raise conflict("Conflict", "Another policy of this tenancy is being written; try again.")


def _check_path(call: OperationContext, compartment: str) -> None:
    """400 when some path from the tenancy through this compartment to a leaf holds too many statements."""
    most = call.world.settings.limit("statementsPerPath")
    if not _are_more_in_force(call, most):
        return
    rows = call.connection.execute("SELECT attached, count(*) AS n FROM rules WHERE until IS NULL GROUP BY attached")
    counts = {row["attached"]: row["n"] for row in rows}
    above = sum(counts.get(ocid, 0) for ocid in call.directory.path_of(compartment))
    used = above + _heaviest_below(call, compartment, counts)
    if used > most:
        raise ServiceError(
            400,
            "PolicyStatementsLimitPerCompartmentChainExceeded",
            "You have reached the maximum number of policy statements allowed for this compartment hierarchy "
            f"(Limit: {most}, Current Usage: {used}).",
        )


def _are_more_in_force(call: OperationContext, most: int) -> bool:
    """Whether the whole tenancy holds more statements than one path may: no more than that many are counted."""
    query = "SELECT count(*) FROM (SELECT 1 FROM rules WHERE until IS NULL LIMIT ?)"
    return int(call.connection.execute(query, (most + 1,)).fetchone()[0]) > most


def _heaviest_below(call: OperationContext, compartment: str, counts: dict[str, int]) -> int:
    rows = call.connection.execute(
        "SELECT id FROM resources WHERE kind = 'compartment' AND compartment = ? AND state <> 'DELETED'", (compartment,)
    ).fetchall()
    return max((counts.get(row["id"], 0) + _heaviest_below(call, row["id"], counts) for row in rows), default=0)
