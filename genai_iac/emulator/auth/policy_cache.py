"""The policies of the tenancy as compiled rules, ready to evaluate; read again only when some policy has changed."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from genai_iac.emulator.storage.tenancy_state import TenancyState
from genai_iac.iam_policy import (
    AccessRequest,
    Comparison,
    Condition,
    ConditionGroup,
    Grant,
    QuotedValue,
    RuleSet,
    Statement,
    StatementInForce,
    compile_rules,
    evaluate,
    parse,
)

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
