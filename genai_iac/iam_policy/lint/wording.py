"""Rules on how it is said: OCIDs without id, stars in quotes, variables misspelt, set functions that do not exist."""

from collections.abc import Iterator

from genai_iac.iam_policy.conditions import comparisons, variables
from genai_iac.iam_policy.grammar.hints import close_match
from genai_iac.iam_policy.lint.finding import GrantRule, RuleNote
from genai_iac.iam_policy.static_checks import missing_ids
from genai_iac.iam_policy.syntax_tree import Condition, ConditionGroup, FunctionCall, Grant, QuotedValue


def _missing_id(grant: Grant) -> Iterator[RuleNote]:
    for found in missing_ids(grant):
        yield RuleNote(found.column, found.message, found.fix, found.replacement)


def _quoted_star(grant: Grant) -> Iterator[RuleNote]:
    for comparison in comparisons(grant.condition):
        for operand in comparison.right:
            if isinstance(operand, QuotedValue) and "*" in operand.text and operand.text != "*":
                message = f"a star in quotes is a star: '{operand.text}' matches nothing else"
                yield RuleNote(operand.column, message, f"write /{operand.text}/")


def _misspelt_variable(grant: Grant) -> Iterator[RuleNote]:
    for variable in variables(grant.condition):
        name = variable.text.lower()
        if name in _VARIABLES or ".tag." in name or name.startswith("target."):
            continue
        guess = close_match(name, _SORTED, 0.88)
        if guess is not None and guess.count(".") == name.count("."):
            yield RuleNote(variable.column, f"{variable.text} is no variable we know", f"did you mean {guess}?")


# Oracle: Identity/policyreference/policyreference_topic-General_Variables_for_All_Requests, and the pages on principals
_VARIABLES = frozenset(
    {
        "request.ad",
        "request.groups.id",
        "request.groups.name",
        "request.networksource.name",
        "request.operation",
        "request.permission",
        "request.principal.cluster_id",
        "request.principal.compartment.id",
        "request.principal.id",
        "request.principal.name",
        "request.principal.namespace",
        "request.principal.service_account",
        "request.principal.type",
        "request.region",
        "request.resource.compartment.id",
        "request.service.name",
        "request.user.groups",
        "request.user.id",
        "request.user.mfatotpverified",
        "request.user.name",
        "request.utc-timestamp",
        "request.utc-timestamp.day-of-month",
        "request.utc-timestamp.day-of-week",
        "request.utc-timestamp.month-of-year",
        "request.utc-timestamp.time-of-day",
    }
)
_SORTED = tuple(sorted(_VARIABLES))


def _set_function(grant: Grant) -> Iterator[RuleNote]:
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
    GrantRule("quoted-star", "warning", "patterns stand between slashes, not quotes", _quoted_star),
    GrantRule("unknown-variable", "warning", "a request variable that looks misspelt", _misspelt_variable),
    GrantRule("set-function", "error", "a set function that does not exist", _set_function),
)
