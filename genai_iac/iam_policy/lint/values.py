"""Rules on the values in conditions: of a form that the variable never has, of the wrong kind, or past."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from genai_iac.iam_policy.condition_variables import OCID, DocumentedVariable, find_variable
from genai_iac.iam_policy.conditions import comparisons
from genai_iac.iam_policy.lint.finding import GrantRule, RuleNote
from genai_iac.iam_policy.printer import unparse
from genai_iac.iam_policy.syntax_tree import (
    Comparison,
    Condition,
    ConditionGroup,
    FunctionCall,
    Grant,
    Operand,
    Presence,
    QuotedValue,
)


def _value_form(grant: Grant) -> Iterator[RuleNote]:
    """A value that the variable never has, such as `request.region = 'us-chicago-1'` for the key `ord`."""
    for comparison in comparisons(grant.condition):
        variable = find_variable(comparison.left.text)
        for operand in comparison.right if variable is not None else ():
            if isinstance(operand, QuotedValue) and variable is not None and not _fits(variable, operand.text):
                yield _wrong_form(grant, variable, operand)


def _fits(variable: DocumentedVariable, value: str) -> bool:
    """Whether the value can equal the variable; stars in an OCID are another rule's matter."""
    return value == "*" or variable.form.fits(value) or (variable.form is OCID and "*" in value)


def _wrong_form(grant: Grant, variable: DocumentedVariable, operand: QuotedValue) -> RuleNote:
    message = f"{variable.name} is {variable.form.text}: '{operand.text}' is never equal to it"
    right = variable.form.correct(operand.text)
    if right is None:
        return RuleNote(operand.column, message, f"give {variable.form.text}")
    return RuleNote(operand.column, message, f"write '{right}'", replace_operand(grant, operand, QuotedValue(right)))


def replace_operand(grant: Grant, old: Operand, new: Operand) -> str:
    """The statement with one operand of its condition, found by identity, replaced by another.

    Args:
        old: a node of `grant.condition`; an equal one elsewhere stays.
    """

    def swap(operand: Operand) -> Operand:
        return new if operand is old else operand

    assert grant.condition is not None
    return unparse(replace(grant, condition=_map_operands(grant.condition, swap)))


def _map_operands(condition: Condition, swap: Callable[[Operand], Operand]) -> Condition:
    if isinstance(condition, ConditionGroup):
        return replace(condition, items=tuple(_map_operands(item, swap) for item in condition.items))
    if isinstance(condition, Comparison):
        return replace(condition, right=tuple(map(swap, condition.right)))
    assert isinstance(condition, Presence | FunctionCall)
    return condition


VALUE_RULES = (GrantRule("value-form", "warning", "a value of a form that its variable never has", _value_form),)
