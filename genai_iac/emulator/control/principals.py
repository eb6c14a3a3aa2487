"""People and machines who are no administrators, and the identity propagation trusts through which they sign in.

A principal is a user with a signing key and a profile, in the groups asked for. A trust says which issuer's tokens are
exchanged for a session token, and of which principal.
"""

import re
import sqlite3
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from genai_iac.emulator.auth.profiles import DEFAULT_PROFILE, PRINCIPAL_DESCRIPTION
from genai_iac.emulator.control.request import ControlRequest
from genai_iac.emulator.http.responses import ServiceError, invalid
from genai_iac.emulator.services.identity.token_exchange import TRUST
from genai_iac.emulator.services.tags import read_tags
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.identity_domains import add_domain, domain_body, groups_of_domain
from genai_iac.emulator.storage.resources import ResourceQuery, Resources, StoredResource
from genai_iac.emulator.storage.secret_storage import digest_secret
from genai_iac.emulator.storage.seed import ADMINISTRATOR
from genai_iac.emulator.storage.tenancy_state import TenancyState, read_tenancy_state

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
# `DOMAIN/GROUP` as statements write it, or a group of the Default domain
_GROUP = re.compile(r"(?:[A-Za-z0-9._ -]{1,100}/)?([A-Za-z0-9._-](?:[A-Za-z0-9._ -]{0,98}[A-Za-z0-9._-])?)")


def add_principal(request: ControlRequest) -> dict[str, Any]:
    """`{"name": "ci", "groups": ["planners"]}`: make the user and those groups that are not there, and put it in them.
    `DOMAIN/GROUP` is a group of another identity domain, which is made too when it is not there.

    `"type": "instance"` makes what its requests say an instance, which is in dynamic groups and in no group; `"compartment"`
    is the OCID of the compartment it is in. It signs as a user does.

    With `"session": true` its profile holds a session token in the place of a user, good for an hour; asking again
    gives a fresh one.

    Raises:
        ServiceError: 400 for a wrong name, group or type.
    """
    if request.directory is None:
        raise ServiceError(409, "Conflict", "This server has no directory for client profiles.")
    wanted, connection = request.object, request.connection
    unknown = set(wanted) - {"name", "groups", "session", "type", "compartment"}
    if unknown:
        raise invalid(f"A principal has no {', '.join(sorted(unknown))}.")
    name, groups = _read_name(wanted), _read_groups(wanted)
    world = read_tenancy_state(connection)
    kind = _read_kind(wanted, groups, world)
    user = _find_or_make(connection, world, "user", name, kind)
    if wanted.get("session"):
        connection.execute("INSERT OR IGNORE INTO sessions VALUES (?)", (user,))
    for group in dict.fromkeys(groups):
        domain, slash, name_there = group.rpartition("/")
        within = _domain(connection, world, domain) if slash else ""
        team = _find_or_make(connection, world, "group", name_there, region=within)
        connection.execute(
            "INSERT OR IGNORE INTO memberships VALUES (?,?,?,?)", (make_ocid("groupmembership"), user, team, world.now)
        )
    shown = next(shown for shown in show_principals(request) if shown["name"] == name)
    return {**shown, "configFile": str((request.directory / "config").resolve())}


def show_principals(request: ControlRequest) -> list[dict[str, Any]]:
    """All users that have a profile, with the groups they are in.

    The administrator is the first.
    """
    rows = request.connection.execute(
        "SELECT u.name, u.id, (SELECT group_concat(coalesce(d.name || '/', '') || g.name) FROM memberships m"
        " JOIN resources g ON g.id = m.team LEFT JOIN resources d ON d.id = g.region"
        " WHERE m.user = u.id) AS groups FROM resources u WHERE u.kind = 'user'"
        " AND (u.name = ? OR json_extract(u.body, '$.description') = ?) ORDER BY u.seq",
        (ADMINISTRATOR, PRINCIPAL_DESCRIPTION),
    )
    return [
        {
            "name": row["name"],
            "user": row["id"],
            "profile": DEFAULT_PROFILE if row["name"] == ADMINISTRATOR else row["name"],
            "groups": sorted(row["groups"].split(",")) if row["groups"] else [],
        }
        for row in rows
    ]


def _read_kind(wanted: dict[str, Any], groups: list[str], world: TenancyState) -> dict[str, str]:
    kind, place = wanted.get("type", "user"), wanted.get("compartment", world.tenancy)
    if not isinstance(kind, str) or not re.fullmatch(r"[a-z]{1,40}", kind):
        raise invalid("type must be a principal type such as user or instance.")
    if kind == "user":
        if "compartment" in wanted:
            raise invalid("A user is in the tenancy and has no compartment.")
        return {}
    if groups or not isinstance(place, str):
        raise invalid(f"A principal of type {kind} is in no groups, and its compartment is an OCID.")
    return {"principalType": kind, "principalCompartment": place}


def _read_name(wanted: dict[str, Any]) -> str:
    name = wanted.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in (DEFAULT_PROFILE, ADMINISTRATOR):
        raise invalid(f"name must be letters, digits, - and _, and neither {DEFAULT_PROFILE} nor {ADMINISTRATOR}.")
    return name


def _read_groups(wanted: dict[str, Any]) -> list[str]:
    groups = wanted.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) and _GROUP.fullmatch(group) for group in groups):
        raise invalid("groups must be a list of group names.")
    return groups


def _domain(connection: sqlite3.Connection, world: TenancyState, name: str) -> str:
    """What the groups of that domain are kept under; the domain is made when it is not there."""
    known = groups_of_domain(connection, name)
    if known is not None:
        return known
    tags = read_tags({}, ADMINISTRATOR, world.now)
    body = domain_body("SECONDARY", PRINCIPAL_DESCRIPTION, world.home) | tags
    return add_domain(connection, world, world.tenancy, name, body).id


def _find_or_make(
    connection: sqlite3.Connection,
    world: TenancyState,
    kind: str,
    name: str,
    more: dict[str, str] | None = None,
    region: str = "",
) -> str:
    row = connection.execute(
        "SELECT id FROM resources WHERE kind = ? AND name = ? COLLATE NOCASE AND region = ? AND state <> 'DELETED'",
        (kind, name, region),
    ).fetchone()
    if row is not None:
        return str(row["id"])
    body = {"description": PRINCIPAL_DESCRIPTION, **read_tags({}, ADMINISTRATOR, world.now), **(more or {})}
    made = StoredResource(make_ocid(kind), kind, region, world.tenancy, name, "ACTIVE", world.now, None, "", body)
    return Resources(connection).add(made, visible=0).id


_FIELDS = ("clientId", "clientSecret", "issuer", "publicKey")
_RULE = re.compile(r"[A-Za-z_]{1,60} eq \S.{0,499}")


def add_trust(request: ControlRequest) -> list[dict[str, Any]]:
    """`{"clientId", "clientSecret", "issuer", "publicKey": PEM, "rules": [{"rule": "sub eq …", "principal": NAME}]}`.

    One of the same client takes the place of an earlier one. The secret is stored as a digest."""
    wanted = request.object
    for name in _FIELDS:
        if not isinstance(wanted.get(name), str) or not wanted[name]:
            raise invalid(f"A trust has {', '.join(_FIELDS)} and rules; {name} must be text.")
    _check_key(wanted["publicKey"])
    rules = wanted.get("rules")
    if not isinstance(rules, list) or not rules:
        raise invalid('rules must be a list such as [{"rule": "sub eq repo:acme/access:*", "principal": "ci"}].')
    body = {
        "issuer": wanted["issuer"],
        "publicKey": wanted["publicKey"],
        "clientSecret": digest_secret(wanted["clientSecret"]).hex(),
        "rules": [_read_rule(request, rule) for rule in rules],
    }
    resources, world = Resources(request.connection), read_tenancy_state(request.connection)
    for old in resources.select(ResourceQuery(TRUST, None, name=wanted["clientId"])):
        resources.remove(old.id)
    made = StoredResource(
        make_ocid(TRUST), TRUST, "", world.tenancy, wanted["clientId"], "ACTIVE", world.now, None, "", body
    )
    resources.add(made, visible=0)
    return show_trusts(request)


def show_trusts(request: ControlRequest) -> list[dict[str, Any]]:
    """All trusts, without their secrets."""
    return [
        {"clientId": trust.name, "issuer": trust.body["issuer"], "rules": trust.body["rules"]}
        for trust in Resources(request.connection).select(ResourceQuery(TRUST, None))
    ]


def _check_key(text: str) -> None:
    try:
        key = load_pem_public_key(text.encode("utf-8"))
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise invalid("publicKey must be an RSA public key in PEM form.")


def _read_rule(request: ControlRequest, rule: Any) -> dict[str, str]:
    text, principal = (rule.get("rule"), rule.get("principal")) if isinstance(rule, dict) else (None, None)
    if not isinstance(text, str) or not _RULE.fullmatch(text) or not isinstance(principal, str):
        raise invalid('A rule is {"rule": "CLAIM eq VALUE", "principal": NAME}.')
    row = request.connection.execute(
        "SELECT id FROM resources WHERE kind = 'user' AND name = ? AND state = 'ACTIVE'", (principal,)
    ).fetchone()
    if row is None:
        raise invalid(f"There is no principal {principal}: make it with POST /_local/principals.")
    return {"rule": text, "user": str(row["id"])}
