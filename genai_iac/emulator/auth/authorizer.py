"""Whether a caller may do what it asks: administrators everything, others what the policies say."""

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genai_iac.emulator.auth.directory import EmulatorDirectory
from genai_iac.emulator.auth.policy_cache import PolicyCache
from genai_iac.emulator.services.regions import REGIONS
from genai_iac.emulator.storage.tenancy_state import TenancyState
from genai_iac.emulator.storage.time_format import to_datetime
from genai_iac.iam_policy import AccessRequest, Principal, permissions_of

if TYPE_CHECKING:
    from genai_iac.emulator.services.operation_context import OperationContext


@dataclass(frozen=True)
class Caller:
    """Who signed a request: a user with its groups. `id` is empty for an unsigned request."""

    id: str = ""
    name: str = ""
    groups: frozenset[str] = frozenset()
    administrator: bool = False


class Authorizer:
    """Asks the policies, with the rules this process has at hand."""

    def __init__(self, rulebook: PolicyCache) -> None:
        self._rulebook = rulebook

    def admits(self, call: "OperationContext", path: tuple[str, ...], permissions: tuple[str, ...]) -> bool:
        """Whether the caller of a management operation may do it in the compartment that `path` starts with."""
        if call.caller.administrator or not call.world.settings.enforceIam:
            return True
        caller = call.caller
        principal = Principal("user", caller.id, caller.groups, frozenset(), call.world.tenancy, {})
        variables = _variables(call.directory, path, call.region, call.operation.name)
        variables |= {"request.user.id": caller.id, "request.groups.id": tuple(sorted(caller.groups))}
        request = AccessRequest(principal, permissions, path, variables, to_datetime(call.now))
        return self._rulebook.rules(call.connection, call.world).admits(request)

    def admits_key(
        self, connection: sqlite3.Connection, world: TenancyState, key: "KeyUse", directory: EmulatorDirectory
    ) -> bool:
        """Whether an API key may make an inference call. Always asked: no setting lets a key pass."""
        principal_variables = {
            "request.principal.type": "generativeaiapikey",
            "request.principal.id": key.id,
            "request.principal.compartment.id": key.compartment,
        }
        principal = Principal(
            "generativeaiapikey", key.id, frozenset(), frozenset(), world.tenancy, principal_variables
        )
        path = directory.path_of(key.compartment)
        variables = _variables(directory, path, key.region, key.operation)
        variables |= principal_variables | {"target.model.id": key.model}
        request = AccessRequest(principal, permissions_of(key.operation), path, variables, to_datetime(world.now))
        rules = self._rulebook.rules(connection, world)
        if not (path and rules.admits(request)):
            return False
        if not key.profile_compartment:
            return True
        # beside the inference permission (Oracle: routing-profile-permissions.htm), where the profile is
        path = directory.path_of(key.profile_compartment)
        variables |= _variables(directory, path, key.region, key.operation)
        reading = AccessRequest(principal, permissions_of("GetRoutingProfile"), path, variables, request.now)
        return bool(path) and rules.admits(reading)


@dataclass(frozen=True)
class KeyUse:
    """An API key about to be used for a model."""

    id: str
    compartment: str
    region: str
    operation: str
    model: str
    profile_compartment: str = ""  # of the routing profile that the call names as its model


def _variables(
    directory: EmulatorDirectory, path: tuple[str, ...], region: str, operation: str
) -> dict[str, str | tuple[str, ...]]:
    compartment = path[0] if path else ""
    return {
        "request.operation": operation,
        "request.region": REGIONS.get(region, region).lower(),
        "target.compartment.id": compartment,
        "target.compartment.name": directory.name_of(compartment),
    }
