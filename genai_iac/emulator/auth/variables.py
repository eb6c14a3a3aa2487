"""The variables of conditions, as this tenancy fills them: who asks, what is asked for, the tags of either and of their compartments."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from genai_iac.emulator.auth.directory import EmulatorDirectory
from genai_iac.emulator.storage.identity_domains import domain_at
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.iam_policy import Condition, condition_holds, parse_matching_rule
from genai_iac.iam_policy.region_keys import region_key

if TYPE_CHECKING:
    from genai_iac.emulator.services.operation_context import OperationContext

Variables = dict[str, str | tuple[str, ...]]  # name to value, or to several

# kind of a stored resource: how its variables are called
_TARGETS = {
    "user": "user",
    "group": "group",
    "dynamicgroup": "dynamicgroup",
    "domain": "domain",
    "policy": "policy",
    "compartment": "compartment",
    "bucket": "bucket",
    "generativeaiapikey": "apikey",
    "vaultsecret": "secret",
    "vault": "vault",
    "key": "key",
}
# Variables that some request of this emulator has. Others are never filled, which the
# call log notes.
_ALWAYS = frozenset(
    {
        "request.operation",
        "request.permission",
        "request.region",
        "request.user.id",
        "request.user.name",
        "request.user.mfatotpverified",
        "request.groups.id",
        "request.groups.name",
        "request.principal.type",
        "request.principal.id",
        "request.principal.compartment.id",
        "request.utc-timestamp",
        "target.compartment.id",
        "target.compartment.name",
        "target.model.id",
        "target.object.name",
        "target.resource.domain.id",
        "target.resource.domain.name",
        *(f"target.{name}.{part}" for name in _TARGETS.values() for part in ("id", "name")),
    }
)
_IN_DOMAINS = frozenset({"users", "groups", "dynamicGroups", "userGroupMemberships"})
# Beginnings of variables with a tenancy's own names behind them.
_WITH_TAGS = (
    "request.utc-timestamp.",
    "request.principal.group.tag.",
    "request.principal.compartment.tag.",
    "target.resource.tag.",
    "target.resource.compartment.tag.",
    "target.bucket.tag.",
)


def is_filled(variable: str) -> bool:
    """Whether some request here carries that variable (in lower case); one that no request carries is worth a note."""
    return variable in _ALWAYS or variable.startswith(_WITH_TAGS)


def place_variables(
    connection: sqlite3.Connection, directory: EmulatorDirectory, path: tuple[str, ...], region: str, operation: str
) -> Variables:
    """What every request carries of the operation and the compartment that it is made in.

    Args:
        path: OCIDs from the compartment upward.
        region: long name; the variable has the region's key.
    """
    compartment = path[0] if path else ""
    found: Variables = {
        "request.operation": operation,
        "request.region": region_key(region),
        "target.compartment.id": compartment,
        "target.compartment.name": directory.name_of(compartment),
    }
    return found | dict(_tags("target.resource.compartment.tag", _tags_of(connection, compartment)))


def user_variables(call: "OperationContext") -> Variables:
    """What a request carries of the user, or instance, that signed it.

    An instance has no user and no groups, so those variables are absent.
    """
    caller, connection = call.caller, call.connection
    found: Variables = {"request.principal.id": caller.id, "request.principal.type": caller.type}
    if caller.compartment:
        found["request.principal.compartment.id"] = caller.compartment
    place = caller.compartment or call.world.tenancy
    found |= dict(_tags("request.principal.compartment.tag", _tags_of(connection, place)))
    if caller.type != "user":
        return found
    groups = tuple(sorted(caller.groups))
    names = tuple(name for group in groups if (name := call.directory.name_of(group)))
    found |= {"request.user.id": caller.id, "request.user.name": caller.name, "request.user.mfatotpverified": "false"}
    found |= {"request.groups.id": groups, "request.groups.name": names}
    tags: dict[str, tuple[str, ...]] = {}
    for group in groups:
        for name, value in _tags("request.principal.group.tag", _tags_of(connection, group)):
            tags[name] = (*tags.get(name, ()), value)
    return found | tags


def key_variables(connection: sqlite3.Connection, key: str, compartment: str) -> Variables:
    """What a request carries of the API key that it comes with.

    Args:
        key: OCID.
        compartment: OCID.
    """
    own: Variables = {
        "request.principal.type": "generativeaiapikey",
        "request.principal.id": key,
        "request.principal.compartment.id": compartment,
    }
    return own | dict(_tags("request.principal.compartment.tag", _tags_of(connection, compartment)))


def target_variables(call: "OperationContext", target: StoredResource | None) -> Variables:
    """What a request carries of what it is for: the resource, and the user and group that its fields name.

    Args:
        target: None for a create, which has no target yet.
    """
    found: Variables = {}
    for kind, field in (("user", "userId"), ("group", "groupId")):
        ocid = _named(call, field)
        other = call.resources.find(kind, ocid) if ocid else None
        found |= _of_resource(other) if other is not None else {}
    found |= _of_resource(target) if target is not None else {}
    if _is_of_people(call.operation.path):
        domain = domain_at(call.connection, call.request.headers.get("host", ""))
        about = {} if domain is None else {"id": domain.id, "name": domain.name}
        found |= {f"target.resource.domain.{name}": value for name, value in about.items()}
    name = call.parameters.get("objectName")
    return found if name is None else found | {"target.object.name": name}


def _is_of_people(path: str) -> bool:
    """Whether an operation is one of users, groups or dynamic groups, which live in identity domains."""
    parts = path.strip("/").split("/")
    return parts[0] == "admin" or (len(parts) > 1 and parts[1] in _IN_DOMAINS)


def _named(call: "OperationContext", field: str) -> str:
    if call.operation.streamed:
        return ""
    given = call.body.get(field) if call.request.body else call.request.one(field)
    return given if isinstance(given, str) else ""


def _of_resource(target: StoredResource) -> Variables:
    found: Variables = {}
    name = _TARGETS.get(target.kind)
    if name is not None:
        found |= {f"target.{name}.id": target.id, f"target.{name}.name": target.name}
    tags = target.body.get("definedTags") or {}
    found |= dict(_tags("target.resource.tag", tags))
    if name == "bucket":
        found |= dict(_tags("target.bucket.tag", tags))
    return found


def _tags_of(connection: sqlite3.Connection, ocid: str) -> Mapping[str, Any]:
    row = connection.execute("SELECT body FROM resources WHERE id = ?", (ocid,)).fetchone()
    tags = json.loads(row["body"]).get("definedTags") if row is not None else None
    return tags if isinstance(tags, dict) else {}


def _tags(start: str, tags: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for namespace, keys in tags.items():
        for key, value in keys.items():
            yield f"{start}.{namespace}.{key}".lower(), str(value)


def find_dynamic_groups(connection: sqlite3.Connection, about: Variables, tags: Mapping[str, Any]) -> Iterable[str]:
    """The dynamic groups whose rule a principal meets. `about`: resource.type, resource.id, instance.id, …

    Args:
        about: variables of the principal as matching rules name them.
        tags: its defined tags.

    Returns:
        OCIDs.
    """
    known = {name.lower(): (value,) if isinstance(value, str) else value for name, value in about.items()}
    known |= {name.removeprefix(".") + ".value": (value,) for name, value in _tags("tag", tags)}
    rows = connection.execute("SELECT id, body FROM resources WHERE kind = 'dynamicgroup' AND state = 'ACTIVE'")
    return [
        str(row["id"])
        for row in rows.fetchall()
        if condition_holds(_rule(json.loads(row["body"])["matchingRule"]), known.get)
    ]


@lru_cache(maxsize=1000)
def _rule(text: str) -> Condition:
    return parse_matching_rule(text)
