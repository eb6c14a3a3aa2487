"""Rules on how a statement is written, and on the values in its conditions.

- Wording: OCIDs without id, stars in quotes, misspelt variables, set functions that do not exist.
- Values: of a form that the variable never has, of the wrong kind, or in the past.
"""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from genai_iac.iam_policy.condition_eval import condition_holds, has_quoted_stars
from genai_iac.iam_policy.condition_variables import (
    MOMENT,
    OCID,
    TIME_OF_DAY,
    VARIABLES,
    DocumentedVariable,
    VariableForm,
    find_variable,
)
from genai_iac.iam_policy.conditions import comparisons, variables
from genai_iac.iam_policy.errors import PolicySyntaxError
from genai_iac.iam_policy.grammar.hints import close_match
from genai_iac.iam_policy.lint.finding import GrantRule, RuleNote
from genai_iac.iam_policy.parser import parse
from genai_iac.iam_policy.printer import unparse, unparse_condition
from genai_iac.iam_policy.syntax_tree import (
    Comparison,
    Condition,
    ConditionGroup,
    FunctionCall,
    Grant,
    Operand,
    Pattern,
    QuotedValue,
)
from genai_iac.iam_policy.template import missing_ids


def _value_form(grant: Grant) -> Iterator[RuleNote]:
    """A value that the variable never has, such as `request.region = 'us-chicago-1'` for the key `ord`."""
    for comparison in comparisons(grant.condition):
        variable = find_variable(comparison.left.text)
        for operand in comparison.right if variable is not None else ():
            if isinstance(operand, QuotedValue) and variable is not None and not _fits(variable, operand.text):
                yield _wrong_form(grant, variable, operand)
            elif isinstance(operand, Pattern) and variable is not None and _is_region_name(variable, operand):
                message = f"{variable.name} is {variable.form.text}: /{operand.text}/ never matches it"
                yield RuleNote(operand.column, message, f"give {variable.form.text}")


def _is_region_name(variable: DocumentedVariable, pattern: Pattern) -> bool:
    """Whether a pattern is for long names of regions, which have dashes, where keys stand."""
    return variable.name == "request.region" and "-" in pattern.text


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

    def swap(comparison: Comparison) -> Comparison:
        return replace(comparison, right=tuple(new if one is old else one for one in comparison.right))

    return _unparse_with(grant, swap)


def replace_comparison(grant: Grant, old: Comparison, new: Comparison) -> str:
    """The statement with one comparison of its condition, found by identity, replaced by another.

    Args:
        old: a node of `grant.condition`; an equal one elsewhere stays.
    """
    return _unparse_with(grant, lambda comparison: new if comparison is old else comparison)


def _unparse_with(grant: Grant, swap: Callable[[Comparison], Comparison]) -> str:
    assert grant.condition is not None
    return unparse(replace(grant, condition=_map_comparisons(grant.condition, swap)))


def _map_comparisons(condition: Condition, swap: Callable[[Comparison], Comparison]) -> Condition:
    if isinstance(condition, ConditionGroup):
        return replace(condition, items=tuple(_map_comparisons(item, swap) for item in condition.items))
    return swap(condition) if isinstance(condition, Comparison) else condition


def _time_order(grant: Grant) -> Iterator[RuleNote]:
    """`before`, `after` and `between` of a variable that is no time: of days and months Oracle shows lists, of others nothing."""
    for comparison in comparisons(grant.condition):
        variable = find_variable(comparison.left.text)
        if variable is None or comparison.operator not in ("before", "after", "between"):
            continue
        if variable.form.values:
            listed = _as_list(comparison, variable.form)
            message = (
                f"{variable.name} is {variable.form.text}: Oracle documents a list of them, not `{comparison.operator}`"
            )
            right = None if listed is None else replace_comparison(grant, comparison, listed)
            fix = "write in ('…', '…')" if listed is None else f"write {unparse_condition(listed)}"
            yield RuleNote(comparison.left.column, message, fix, right)
        elif variable.form not in (MOMENT, TIME_OF_DAY):
            message = f"{variable.name} is {variable.form.text}: `{comparison.operator}` compares times, so this is never true"
            yield RuleNote(comparison.left.column, message, f"write {variable.name} in ('…', '…')")


def _as_list(comparison: Comparison, form: VariableForm) -> Comparison | None:
    """The same comparison with all values that make it true; None where a bound is none of the values, or no value does."""
    bounds = [form.order(one.text) if isinstance(one, QuotedValue) else None for one in comparison.right]
    if None in bounds:
        return None
    held = [
        QuotedValue(value)
        for value in form.values
        if condition_holds(comparison, lambda _, value=value: (value,))  # type: ignore[misc]
    ]
    return Comparison(comparison.left, "in", tuple(held)) if held else None


VALUE_RULES = (
    GrantRule("value-form", "warning", "a value of a form that its variable never has", _value_form),
    GrantRule("time-order", "warning", "before, after or between of what is no time", _time_order),
)


def _missing_id(grant: Grant) -> Iterator[RuleNote]:
    """An OCID that is read as a name because `id` is missing."""
    for found in missing_ids(grant):
        yield RuleNote(found.column, found.message, found.fix, found.replacement)


def _quoted_star(grant: Grant) -> Iterator[RuleNote]:
    """A star between quotes: the service compares it as a character, unless the variable's page says otherwise."""
    for comparison in comparisons(grant.condition):
        if has_quoted_stars(comparison.left.text):
            continue
        for operand in comparison.right:
            if isinstance(operand, QuotedValue) and "*" in operand.text and operand.text != "*":
                message = f"a star in quotes is a star: '{operand.text}' matches nothing else"
                yield RuleNote(operand.column, message, *_as_pattern(grant, operand))


def _as_pattern(grant: Grant, operand: QuotedValue) -> tuple[str | None, str | None]:
    """The fix and the statement with a pattern in the value's place; none where no pattern can say it (a slash)."""
    replacement = replace_operand(grant, operand, Pattern(operand.text))
    try:
        parse(replacement)
    except PolicySyntaxError:
        return None, None
    return f"write /{operand.text}/", replacement


def _misspelt_variable(grant: Grant) -> Iterator[RuleNote]:
    """A variable that is nearly, and not exactly, a documented one."""
    for variable in variables(grant.condition):
        name = variable.text.lower()
        if find_variable(name) is not None or ".tag." in name:
            continue
        guess = close_match(name, _SORTED, 0.88)
        if guess is not None and guess.count(".") == name.count(".") and _is_misspelt(name, guess):
            yield RuleNote(variable.column, f"{variable.text} is no variable we know", f"did you mean {guess}?")


def _is_misspelt(name: str, guess: str) -> bool:
    """Variables of targets that we do not know may be another service's: only the very near ones are misspelt."""
    if not name.startswith("target."):
        return True
    return close_match(name, (guess,), 0.93) is not None and name.split(".")[2:] == guess.split(".")[2:]


_SORTED = tuple(sorted(variable.name for variable in VARIABLES if not variable.name.endswith("*")))


def _set_function(grant: Grant) -> Iterator[RuleNote]:
    """A set function that does not exist."""
    for call in _calls(grant.condition):
        if call.function not in _FUNCTIONS:
            guess = close_match(call.function, _FUNCTIONS)
            yield RuleNote(
                call.column, f"{call.function} is no set function", f"did you mean {guess}?" if guess else None
            )


_FUNCTIONS = ("sets-intersect", "sets-equal")


def _calls(condition: Condition | None) -> Iterator[FunctionCall]:
    if isinstance(condition, ConditionGroup):
        for item in condition.items:
            yield from _calls(item)
    elif isinstance(condition, FunctionCall):
        yield condition


WORDING_RULES = (
    GrantRule("missing-id", "error", "an OCID is introduced by id", _missing_id),
    GrantRule(
        "quoted-star", "warning", "patterns stand between slashes, not quotes (but for names of objects)", _quoted_star
    ),
    GrantRule("unknown-variable", "warning", "a request variable that looks misspelt", _misspelt_variable),
    GrantRule("set-function", "error", "a set function that does not exist", _set_function),
)
