"""Our trees in the JSON of the other parser, so that both can be compared."""

from __future__ import annotations

from typing import Any

from genai_iac.iam_policy import (
    Comparison,
    Condition,
    ConditionGroup,
    Definition,
    FunctionCall,
    Grant,
    Location,
    Name,
    Ocid,
    Pattern,
    Presence,
    Statement,
    Subject,
)

_OPERATORS = {"=": "eq", "!=": "neq", "not in": "not_in"}


def as_json(statement: Statement) -> dict[str, Any]:
    """One statement."""
    if isinstance(statement, Definition):
        name = statement.name
        shown = name.text if name.domain is None else f"{name.domain}/{name.text}"
        symbol = {"type": statement.symbol, "name": shown}
        return {"kind": "define", "symbol": symbol, "def": {"type": "ocid", "value": statement.id}}
    made: dict[str, Any] = {
        "kind": statement.effect.replace(" ", "_"),
        "subject": _subject(statement.subject),
        "actions": _actions(statement),
        "resources": _resources(statement),
        "target" if statement.effect.endswith("endorse") else "location": _location(statement.location),
    }
    if statement.source is not None:
        made["source"] = _location(statement.source)
    if statement.condition is not None:
        made["conditions"] = _grouped(statement.condition)
    return made


def rule_as_json(condition: Condition) -> dict[str, Any]:
    """One matching rule of a dynamic group."""
    return {"level": max(1, _depth(condition)), "expr": _grouped(condition)}


def _depth(condition: Condition) -> int:
    return 1 + max(map(_depth, condition.items)) if isinstance(condition, ConditionGroup) else 0


def _subject(subject: Subject) -> dict[str, Any]:
    by_id = any(isinstance(member, Ocid) for member in subject.members)
    values = [_member(member) for member in subject.members]
    return {"type": f"{subject.kind}-id" if by_id else subject.kind, "values": values}


def _member(member: Name | Ocid) -> dict[str, str]:
    if isinstance(member, Name) and member.domain is not None:
        return {"label": member.text, "identity_domain": member.domain}
    return {"label": member.text}


def _actions(grant: Grant) -> dict[str, Any]:
    if grant.verb is not None:
        return {"type": "verbs", "values": [grant.verb]}
    return {"type": "permissions", "values": [permission.text.lower() for permission in grant.permissions]}


def _resources(grant: Grant) -> dict[str, Any]:
    names = [resource.text for resource in grant.resources]
    if names == ["all-resources"]:
        return {"type": "all-resources", "values": []}
    return {"type": "specific" if names else "unknown", "values": names}


def _location(location: Location) -> dict[str, Any]:
    if location.scope == "any-tenancy":
        return {"type": "any-tenancy", "values": []}
    if location.scope == "tenancy":
        return {"type": "tenancy", "values": [] if location.tenancy is None else [location.tenancy]}
    made: dict[str, Any]
    if location.id is not None:
        made = {"type": "compartment-id", "values": [location.id]}
    else:
        many = len(location.path) > 1
        made = {"type": "compartment-path" if many else "compartment_name", "values": list(location.path)}
    return made if location.tenancy is None else made | {"tenancy": location.tenancy}


def _grouped(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, ConditionGroup):
        return _condition(condition)
    return {"type": "group", "mode": "all", "items": [_condition(condition)]}


def _condition(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, ConditionGroup):
        return {"type": "group", "mode": condition.mode, "items": [_condition(item) for item in condition.items]}
    assert not isinstance(condition, FunctionCall), "the other parser knows no set functions"
    if isinstance(condition, Presence):
        operator = "not_exists" if condition.negated else "exists"
        return {"type": "clause", "node": {"lhs": condition.variable.text, "op": operator}}
    operator = _OPERATORS.get(condition.operator, condition.operator)
    return {"type": "clause", "node": {"lhs": condition.left.text, "op": operator, "rhs": _right(condition)}}


def _right(comparison: Comparison) -> dict[str, Any]:
    values = [_value(operand) for operand in comparison.right]
    if comparison.operator in ("in", "not in"):
        return {"type": "list", "values": values}
    if comparison.operator == "between":
        return {"type": "range", "from": values[0], "to": values[1]}
    return values[0]


def _value(operand: Any) -> dict[str, str]:
    if isinstance(operand, Pattern):
        return {"type": "regex", "value": f"/{operand.text}/", "pattern": operand.text}
    kind = "ocid" if operand.text.startswith("ocid1.") else "literal"
    return {"type": kind, "value": operand.text}
