"""Rules on how it is said: OCIDs without id, stars in quotes, variables misspelt, set functions that do not exist."""

from collections.abc import Iterator

from genai_iac.iam_policy.condition_eval import has_quoted_stars
from genai_iac.iam_policy.condition_variables import VARIABLES, find_variable
from genai_iac.iam_policy.conditions import comparisons, variables
from genai_iac.iam_policy.errors import PolicySyntaxError
from genai_iac.iam_policy.grammar.hints import close_match
from genai_iac.iam_policy.lint.finding import GrantRule, RuleNote
from genai_iac.iam_policy.lint.values import replace_operand
from genai_iac.iam_policy.parser import parse
from genai_iac.iam_policy.static_checks import missing_ids
from genai_iac.iam_policy.syntax_tree import Condition, ConditionGroup, FunctionCall, Grant, Pattern, QuotedValue


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
