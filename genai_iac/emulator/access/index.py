"""Rules sorted by the one principal they are for, so that a thousand policies for a thousand keys cost a key only its own.

A statement whose condition demands `request.principal.id = '…'` can speak for no other principal, whatever else it says."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from genai_iac.policy import Comparison, Condition, Grant, Group, Request, Rule, RuleSet, Text, compile_rules, evaluate

_PRINCIPAL = "request.principal.id"


class RuleIndex:
    """Rules for everybody, and rules for one principal each."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        personal: defaultdict[str, list[Rule]] = defaultdict(list)
        general: list[Rule] = []
        for rule in rules:
            owner = _owner(rule)
            (general if owner is None else personal[owner]).append(rule)
        self._general = compile_rules(general)
        self._personal = dict(personal)
        self._compiled: dict[str, RuleSet] = {}

    def admits(self, request: Request) -> bool:
        """Whether every permission is given by some rule and taken by none."""
        return all(self._gives(replace(request, permissions=(permission,))) for permission in request.permissions)

    def _gives(self, request: Request) -> bool:
        decisions = [evaluate(request, rules) for rules in (self._general, self._rules_of(request.principal.id))]
        # a refusal with a reason is a deny statement, and beats whatever the other rules say
        denied = any(not decision.allowed and decision.by for decision in decisions)
        return not denied and any(decision.allowed for decision in decisions)

    def _rules_of(self, principal: str) -> RuleSet:
        key = principal.lower()
        if key not in self._personal:
            return _NONE
        if key not in self._compiled:
            self._compiled[key] = compile_rules(self._personal[key])
        return self._compiled[key]


_NONE = compile_rules(())


def _owner(rule: Rule) -> str | None:
    """The principal a rule is for, in lower case; None when it may be for several."""
    statement = rule.statement
    if not isinstance(statement, Grant) or statement.condition is None:
        return None
    return _demanded(statement.condition)


def _demanded(condition: Condition) -> str | None:
    if isinstance(condition, Group) and condition.mode == "all":
        return next((found for item in condition.items if (found := _demanded(item)) is not None), None)
    if not isinstance(condition, Comparison) or condition.operator != "=" or len(condition.right) != 1:
        return None
    value = condition.right[0]
    fits = condition.left.text.lower() == _PRINCIPAL and isinstance(value, Text) and value.text != "*"
    return value.text.lower() if fits else None
