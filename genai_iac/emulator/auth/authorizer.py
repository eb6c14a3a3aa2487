"""Whether a caller may do what it asks: administrators everything, others what the policies say."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from genai_iac.emulator.auth.policy_cache import PolicyCache
from genai_iac.emulator.auth.variables import (
    Variables,
    find_dynamic_groups,
    is_filled,
    key_variables,
    place_variables,
    target_variables,
    user_variables,
)
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.time_format import to_datetime
from genai_iac.iam_policy import AccessRequest, Principal, permissions_of
from genai_iac.iam_policy.request_variables import KEY_TYPE

if TYPE_CHECKING:
    from genai_iac.emulator.services.operation_context import OperationContext


@dataclass(frozen=True)
class Caller:
    """Who signed a request: a user with its groups. `id` is empty for an unsigned request."""

    id: str = ""  # OCID of the user
    name: str = ""
    groups: frozenset[str] = frozenset()  # OCIDs
    administrator: bool = False  # member of the tenancy's first group
    type: str = "user"  # request.principal.type
    compartment: str = ""  # where an instance lives; a user lives in the tenancy


class Authorizer:
    """Asks the policies, with the rules this process has at hand."""

    def __init__(self, rulebook: PolicyCache) -> None:
        self._rulebook = rulebook

    def admits(
        self,
        call: "OperationContext",
        path: tuple[str, ...],
        permissions: tuple[str, ...],
        target: StoredResource | None = None,
        about: Mapping[str, str] | None = None,
    ) -> bool:
        """Whether the caller of a management operation may do it in the compartment that `path` starts with, to `target`.

        `about` holds variables of what is not a stored resource, such as `target.model.id`.

        Args:
            path: OCIDs from the compartment to the tenancy.
            permissions: all are needed.
            target: the stored resource, for target.* variables.
        """
        caller, connection = call.caller, call.connection
        # Administrators need no statement, as in OCI, where the policy of that group cannot be
        # removed.
        if caller.administrator or not call.world.settings.enforceIam:
            return True
        variables = place_variables(connection, call.directory, path, call.region, call.operation.name)
        variables |= target_variables(call, target) | user_variables(call) | dict(about or {})
        dynamic = frozenset() if caller.type == "user" else _instance_groups(call)
        principal = Principal(caller.type, caller.id, caller.groups, dynamic, call.world.tenancy, {})
        missing: set[str] = set()
        request = AccessRequest(principal, permissions, path, variables, to_datetime(call.now), missing)
        admitted = self._rulebook.rules(connection, call.world).admits(request)
        call.unfilled.update(name for name in missing if not is_filled(name))
        return admitted

    def admits_key(self, call: "OperationContext", key: "AuthorizedKeyUse") -> bool:
        """Whether an API key may make an inference call. Always asked: no setting lets a key pass.

        Args:
            key: who calls, which operation and model.
        """
        connection, world = call.connection, call.world
        path = call.directory.path_of(key.compartment)
        own = key_variables(connection, key.id, key.compartment)
        names = {"resource.type": KEY_TYPE, "resource.id": key.id, "resource.compartment.id": key.compartment}
        dynamic = frozenset(find_dynamic_groups(connection, dict(names), key.tags))
        in_groups = world.settings.keysInGroups
        groups = _groups_of(connection, key.creator) if in_groups else frozenset()
        principal = Principal(KEY_TYPE, key.id, groups, dynamic, world.tenancy, {}, in_groups)
        variables = place_variables(connection, call.directory, path, key.region, key.operation)
        variables |= own | {"target.model.id": key.model}
        missing: set[str] = set()
        request = AccessRequest(
            principal, permissions_of(key.operation), path, variables, to_datetime(world.now), missing
        )
        rules = self._rulebook.rules(connection, world)
        # An empty path: the key's compartment is gone.
        admitted = bool(path) and rules.admits(request)
        if admitted and key.profile_compartment:
            # beside the inference permission (Oracle: routing-profile-permissions.htm), where the profile is
            path = call.directory.path_of(key.profile_compartment)
            variables |= place_variables(connection, call.directory, path, key.region, key.operation)
            reading = replace(request, permissions=permissions_of("GetRoutingProfile"), path=path, variables=variables)
            admitted = bool(path) and rules.admits(reading)
        call.unfilled.update(name for name in missing if not is_filled(name))
        return admitted


def _instance_groups(call: "OperationContext") -> frozenset[str]:
    caller = call.caller
    about: Variables = {
        "resource.type": caller.type,
        "resource.id": caller.id,
        "resource.compartment.id": caller.compartment,
        f"{caller.type}.id": caller.id,
        f"{caller.type}.compartment.id": caller.compartment,
    }
    return frozenset(find_dynamic_groups(call.connection, about, {}))


def _groups_of(connection: sqlite3.Connection, user: str) -> frozenset[str]:
    rows = connection.execute(
        "SELECT m.team FROM memberships m JOIN resources u ON u.id = m.user WHERE u.kind = 'user' AND u.name = ?",
        (user,),
    )
    return frozenset(str(row["team"]) for row in rows)


@dataclass(frozen=True)
class AuthorizedKeyUse:
    """An API key about to be used for a model."""

    id: str  # OCID of the key
    compartment: str
    region: str  # long name
    operation: str
    model: str  # as the call names it
    tags: Mapping[str, Any]  # its defined tags
    creator: str  # the name of who made it
    profile_compartment: str = ""  # of the routing profile that the call names as its model
