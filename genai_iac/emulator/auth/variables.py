"""The variables of conditions, as this tenancy fills them (who asks, what is asked for, the tags of either and of their compartments), and
the OCIDs that names have at this moment: the `Directory` that `genai_iac.iam_policy` asks.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from genai_iac.emulator.storage.identity_domains import domain_at, groups_of_domain
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.iam_policy import Condition, condition_holds, parse_matching_rule
from genai_iac.iam_policy.request import region_key

if TYPE_CHECKING:
    from genai_iac.emulator.services.operation_context import OperationContext

_ALIVE = ("CREATING", "ACTIVE")


class EmulatorDirectory:
    """Looks names up inside one transaction. What is newer than `hidden_after` is not there yet.

    A group is looked up in the identity domain that a statement names, which is Default where it names none."""

    def __init__(
        self, connection: sqlite3.Connection, tenancy: str, *, hidden_after: int, accept_unknown: bool = False
    ) -> None:
        self._connection = connection
        self._tenancy = tenancy
        self._hidden_after = hidden_after
        self._accept_unknown = accept_unknown

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        """The compartment a path names, seen from the one the policy is attached to.

        Args:
            path: names; the first may be the attached compartment itself.
            attached: OCID.
        """
        if self._is_called(attached, path[0]):
            # The compartment's own name counts as the beginning of a path, as in OCI.
            found = self._descend(attached, path[1:])
            if found is not None:
                return found
        return self._descend(attached, path)

    def contains(self, ancestor: str, compartment: str) -> bool:
        """Whether the second is the first or lies below it, and is not deleted."""
        return ancestor in self.path_of(compartment) and not self._is_deleted(compartment)

    def group(self, name: str, domain: str | None) -> str | None:
        """The group of that name in that domain."""
        return self._named("group", name, domain)

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        """The dynamic group of that name in that domain."""
        return self._named("dynamicgroup", name, domain)

    def path_of(self, compartment: str) -> tuple[str, ...]:
        """The compartment and its parents up to the tenancy; empty when there is none like it."""
        path: list[str] = []
        while compartment and compartment != self._tenancy:
            row = self._connection.execute(
                "SELECT compartment FROM resources WHERE id = ? AND kind = 'compartment' AND visible <= ?",
                (compartment, self._hidden_after),
            ).fetchone()
            if row is None:
                return ()
            path.append(compartment)
            compartment = row["compartment"]
        return (*path, self._tenancy)

    def name_of(self, compartment: str) -> str:
        """The name of a compartment or of the tenancy; empty when there is none like it."""
        row = self._connection.execute("SELECT name FROM resources WHERE id = ?", (compartment,)).fetchone()
        return "" if row is None else str(row["name"])

    def _is_deleted(self, compartment: str) -> bool:
        row = self._connection.execute("SELECT state FROM resources WHERE id = ?", (compartment,)).fetchone()
        return row is None or row["state"] == "DELETED"

    def _is_called(self, compartment: str, name: str) -> bool:
        return self.name_of(compartment).casefold() == name.casefold()

    def _descend(self, compartment: str, names: tuple[str, ...]) -> str | None:
        for name in names:
            row = self._connection.execute(
                "SELECT id FROM resources WHERE kind = 'compartment' AND compartment = ? AND name = ? COLLATE NOCASE"
                " AND state IN (?, ?) AND visible <= ?",
                (compartment, name, *_ALIVE, self._hidden_after),
            ).fetchone()
            if row is None:
                return None
            compartment = row["id"]
        return compartment

    def _named(self, kind: str, name: str, domain: str | None) -> str | None:
        row = self._connection.execute(
            "SELECT id FROM resources WHERE kind = ? AND name = ? COLLATE NOCASE AND region = ? AND state = 'ACTIVE'"
            " AND visible <= ?",
            (kind, name, groups_of_domain(self._connection, domain), self._hidden_after),
        ).fetchone()
        if row is not None:
            return str(row["id"])
        within = "" if (domain or "default").casefold() == "default" else f"{domain}/"
        return _stand_in(kind, within + name) if self._accept_unknown else None


def _stand_in(kind: str, name: str) -> str:
    digest = hashlib.sha256(name.casefold().encode("utf-8")).hexdigest()
    return f"ocid1.{kind}.oc1..unknown{digest[:48]}"


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
    """The dynamic groups whose rule a principal meets.

    Args:
        about: variables of the principal as matching rules name them: resource.type, resource.id, instance.id, …
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
