"""The policies of the tenancy as compiled rules, ready to evaluate; read again only when some policy has changed."""

import sqlite3
from functools import lru_cache

from genai_iac.emulator.access.index import RuleIndex
from genai_iac.emulator.world import World
from genai_iac.policy import Rule, Statement, parse

_OLDEST = 86_400_000  # closed rules are kept this long: the longest propagation delay that is imitated in full


class RuleBook:
    """One process's copy of the rules, thrown away when the tenancy's policy generation moves on."""

    def __init__(self) -> None:
        self._generation = -1
        self._rules = RuleIndex(())

    def rules(self, connection: sqlite3.Connection, world: World) -> RuleIndex:
        """The rules in force now: those written at least `propagationDelay` ago, and those repealed since."""
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
    """Put a policy's statements, as (text, compiled), in the place of those it had."""
    repeal_rules(connection, policy, now)
    connection.executemany(
        "INSERT INTO rules (policy, attached, position, text, compiled, since) VALUES (?,?,?,?,?,?)",
        [(policy, attached, number, text, rule, now) for number, (text, rule) in enumerate(compiled)],
    )


def repeal_rules(connection: sqlite3.Connection, policy: str, now: int) -> None:
    """Close a policy's rules; the evaluation may see them for some time yet."""
    connection.execute("UPDATE rules SET until = ? WHERE policy = ? AND until IS NULL", (now, policy))
    connection.execute("DELETE FROM rules WHERE until < ?", (now - _OLDEST,))


def _read(connection: sqlite3.Connection, condition: str, values: tuple[int, ...]) -> RuleIndex:
    query = f"SELECT policy, attached, text, compiled FROM rules WHERE {condition} ORDER BY policy, position"  # noqa: S608
    return RuleIndex(
        Rule(row["policy"], row["attached"], _parse(row["compiled"]), row["text"])
        for row in connection.execute(query, values)
    )


@lru_cache(maxsize=20_000)
def _parse(compiled: str) -> Statement:
    return parse(compiled)
