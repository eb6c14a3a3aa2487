"""Whether a caller may do what it asks: administrators everything, others what the policies say.

The tenancy's policies are kept as compiled rules, and compiled again only when some policy has changed.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

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
from genai_iac.emulator.storage.tenancy_state import TenancyState
from genai_iac.emulator.storage.time_format import to_datetime
from genai_iac.iam_policy import (
    AccessRequest,
    Comparison,
    Condition,
    ConditionGroup,
    Grant,
    Principal,
    QuotedValue,
    RuleSet,
    Statement,
    StatementInForce,
    compile_rules,
    evaluate,
    parse,
    permissions_of,
)
from genai_iac.iam_policy.request import KEY_TYPE

if TYPE_CHECKING:
    from genai_iac.emulator.services.operation_context import OperationContext

_PRINCIPAL = "request.principal.id"  # statements that compare it with `=` belong to one principal


class RuleIndex:
    """Rules for everybody, and rules for one principal each.

    A tenancy with a thousand keys has a thousand statements that each concern one key; each
    request looks at those of its own key.
    """

    def __init__(self, rules: Iterable[StatementInForce]) -> None:
        personal: defaultdict[str, list[StatementInForce]] = defaultdict(list)
        general: list[StatementInForce] = []
        for rule in rules:
            owner = _owner(rule)
            (general if owner is None else personal[owner]).append(rule)
        self._general = compile_rules(general)
        self._personal = dict(personal)
        self._compiled: dict[str, RuleSet] = {}

    def admits(self, request: AccessRequest) -> bool:
        """Whether every permission is given by some rule and taken by none.

        Args:
            request: one or more permissions.
        """
        return all(self._gives(replace(request, permissions=(permission,))) for permission in request.permissions)

    def _gives(self, request: AccessRequest) -> bool:
        decisions = [evaluate(request, rules) for rules in (self._general, self._rules_of(request.principal.id))]
        # a refusal with a reason is a deny statement, and beats whatever the other rules say
        denied = any(not decision.allowed and decision.by for decision in decisions)
        return not denied and any(decision.allowed for decision in decisions)

    def _rules_of(self, principal: str) -> RuleSet:
        key = principal.lower()
        if key not in self._personal:
            return _NONE
        if key not in self._compiled:
            # Compiled when first asked for: most keys of a test never call.
            self._compiled[key] = compile_rules(self._personal[key])
        return self._compiled[key]


_NONE = compile_rules(())


def _owner(rule: StatementInForce) -> str | None:
    """The principal a rule is for, in lower case; None when it may be for several."""
    statement = rule.statement
    if not isinstance(statement, Grant) or statement.condition is None:
        return None
    return _demanded(statement.condition)


def _demanded(condition: Condition) -> str | None:
    if isinstance(condition, ConditionGroup) and condition.mode == "all":
        return next((found for item in condition.items if (found := _demanded(item)) is not None), None)
    if not isinstance(condition, Comparison) or condition.operator != "=" or len(condition.right) != 1:
        return None
    value = condition.right[0]
    fits = condition.left.text.lower() == _PRINCIPAL and isinstance(value, QuotedValue) and value.text != "*"
    return value.text.lower() if fits else None


_OLDEST = 86_400_000  # closed rules are kept this long: the longest propagation delay that is imitated in full


class PolicyCache:
    """One process's copy of the rules, thrown away when the tenancy's policy generation moves on."""

    def __init__(self) -> None:
        self._generation = -1
        self._rules = RuleIndex(())

    def rules(self, connection: sqlite3.Connection, world: TenancyState) -> RuleIndex:
        """The rules in force now: those written at least `propagationDelay` ago, and those repealed since.

        With a propagation delay nothing is cached: what is in force changes with time alone.
        """
        if world.settings.propagationDelay:
            moment = world.now - world.settings.propagationDelay
            return _read(connection, "since <= ? AND (until IS NULL OR until > ?)", (moment, moment))
        if self._generation != world.policy_generation:
            self._rules = _read(connection, "until IS NULL", ())
            self._generation = world.policy_generation
        return self._rules


def write_rules(
    connection: sqlite3.Connection, policy: str, attached: str, compiled: list[tuple[str, str]], now: int
) -> None:
    """Put a policy's statements, as (text, compiled), in the place of those it had.

    Args:
        policy: OCID.
        attached: OCID of its compartment.
        compiled: text as written and with OCIDs for names.
        now: milliseconds.
    """
    repeal_rules(connection, policy, now)
    connection.executemany(
        "INSERT INTO rules (policy, attached, position, text, compiled, since) VALUES (?,?,?,?,?,?)",
        [(policy, attached, number, text, rule, now) for number, (text, rule) in enumerate(compiled)],
    )


def repeal_rules(connection: sqlite3.Connection, policy: str, now: int) -> None:
    """Close a policy's rules; the evaluation may see them for some time yet.

    Kept with an end, so that a delayed evaluation still sees them.
    """
    connection.execute("UPDATE rules SET until = ? WHERE policy = ? AND until IS NULL", (now, policy))
    connection.execute("DELETE FROM rules WHERE until < ?", (now - _OLDEST,))


def _read(connection: sqlite3.Connection, condition: str, values: tuple[int, ...]) -> RuleIndex:
    query = f"SELECT policy, attached, text, compiled FROM rules WHERE {condition} ORDER BY policy, position"  # noqa: S608
    return RuleIndex(
        StatementInForce(row["policy"], row["attached"], _parse(row["compiled"]), row["text"])
        for row in connection.execute(query, values)
    )


@lru_cache(maxsize=20_000)
def _parse(compiled: str) -> Statement:
    return parse(compiled)


class Caller(Struct, frozen=True):
    """Who signed a request: a user with its groups. `id` is empty for an unsigned request."""

    id: str = ""  # OCID of the user
    name: str = ""
    groups: frozenset[str] = frozenset()  # OCIDs
    administrator: bool = False  # member of the tenancy's first group
    type: str = "user"  # request.principal.type
    compartment: str = ""  # where an instance is; a user is in the tenancy


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


class AuthorizedKeyUse(Struct, frozen=True):
    """An API key about to be used for a model."""

    id: str  # OCID of the key
    compartment: str
    region: str  # long name
    operation: str
    model: str  # as the call names it
    tags: Mapping[str, Any]  # its defined tags
    creator: str  # the name of who made it
    profile_compartment: str = ""  # of the routing profile that the call names as its model
