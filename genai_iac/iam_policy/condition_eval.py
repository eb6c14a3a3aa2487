"""Whether a condition holds for a request. A variable that the request does not carry makes its condition false.

Matching is without regard to case (Oracle: Identity/policysyntax/conditions.htm). A variable with several values matches
when one of them does, and differs when none does. Times come from the request's own clock. UNCONFIRMED: that the quoted
value ``'*'`` means *any value*, as published tag policies use it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from genai_iac.iam_policy.condition_variables import DAYS, MOMENT, find_variable
from genai_iac.iam_policy.syntax_tree import (
    Comparison,
    Condition,
    ConditionGroup,
    ConditionVariable,
    FunctionCall,
    Operand,
    Pattern,
    Presence,
    QuotedValue,
)

Values = tuple[str, ...]  # a variable's values; most have one
Lookup = Callable[[str], Values | None]  # name in lower case to values; None: the request does not have it
Unknown = Callable[[Condition], bool]  # of a part of a condition: whether its truth is not known

_TIME_OF_DAY = "request.utc-timestamp.time-of-day"


def condition_holds(condition: Condition, look_up: Lookup) -> bool:
    """Whether the condition is true. ``look_up`` takes a variable in lower case and gives its values, or None.

    Args:
        condition: any condition of a parsed statement.

    A missing variable makes its comparison False also for `!=` and `not in`: OCI denies
    what it cannot decide.
    """
    return condition_truth(condition, look_up, _nothing) is True


def condition_truth(condition: Condition, look_up: Lookup, is_unknown: Unknown) -> bool | None:
    """True, False, or None where it depends on a part that ``is_unknown``; a part is one comparison, presence or call.

    Kleene's logic: ``all`` is False as soon as one member is, ``any`` True as soon as one is.

    Args:
        look_up: name in lower case to its values, None for one that the request does not
            have.
        is_unknown: asked about each part before it is evaluated.
    """
    if isinstance(condition, ConditionGroup):
        values = [condition_truth(item, look_up, is_unknown) for item in condition.items]
        decisive = condition.mode == "any"
        if decisive in values:
            return decisive
        return None if None in values else not decisive
    if is_unknown(condition):
        return None
    if isinstance(condition, Comparison):
        return _compares(condition, look_up)
    if isinstance(condition, Presence):
        return (look_up(condition.variable.text.lower()) is None) is condition.negated
    return _calls(condition, look_up)


def _nothing(_: Condition) -> bool:
    return False


def fold_variables(variables: Mapping[str, str | Values]) -> dict[str, Values]:
    """Variables by lower-case name, each with its values as a tuple.

    Args:
        variables: names in any case; a text is one value.
    """
    return {name.lower(): (value,) if isinstance(value, str) else tuple(value) for name, value in variables.items()}


@lru_cache(maxsize=16)
def clock_variables(now: datetime) -> Mapping[str, Values]:
    """The time variables of a request (Oracle: Identity/policiesadvanced, time-based access).

    The month is a number ('6', not 'june'); the day of the week alone is an English word.

    Args:
        now: aware; converted to UTC, because all of these variables are in UTC.
    """
    moment = now.astimezone(UTC)
    return {
        "request.utc-timestamp": (moment.strftime("%Y-%m-%dT%H:%M:%SZ"),),
        _TIME_OF_DAY: (moment.strftime("%H:%M:%SZ"),),
        "request.utc-timestamp.day-of-week": (DAYS[moment.weekday()],),
        "request.utc-timestamp.day-of-month": (str(moment.day),),
        "request.utc-timestamp.month-of-year": (str(moment.month),),
    }


def _compares(comparison: Comparison, look_up: Lookup) -> bool:
    left = look_up(comparison.left.text.lower())
    if left is None:
        return False
    operator = comparison.operator
    if operator in ("before", "after", "between"):
        return _in_time(comparison, left, look_up)
    stars = has_quoted_stars(comparison.left.text)
    known = [_matcher(operand, look_up, stars) for operand in comparison.right]
    if None in known:
        return False
    matched = any(matches(value) for matches in known if matches is not None for value in left)
    return matched is (operator in ("=", "in"))


def has_quoted_stars(variable: str) -> bool:
    """Whether a star in a quoted value of that variable stands for any text, as its page shows.

    Args:
        variable: in any case.
    """
    found = find_variable(variable)
    return found is not None and found.quoted_stars


def _matcher(operand: Operand, look_up: Lookup, quoted_stars: bool) -> Callable[[str], bool] | None:
    """What tells whether a value matches the operand; None for a variable that the request does not carry."""
    if isinstance(operand, Pattern) or (quoted_stars and isinstance(operand, QuotedValue)):
        return lambda value: match_pattern(operand.text, value)
    if isinstance(operand, QuotedValue):
        wanted = operand.text.lower()
        return (lambda _: True) if wanted == "*" else (lambda value: value.lower() == wanted)
    values = look_up(operand.text.lower())
    if values is None:
        return None
    folded = {value.lower() for value in values}
    return lambda value: value.lower() in folded


def match_pattern(pattern: str, value: str) -> bool:
    """Whether ``value`` fits a pattern whose stars stand for any run of characters. Linear in both lengths.

    Args:
        pattern: text between the slashes; case does not count.

    No regular expression: patterns come from manifests, and one with many stars would take
    exponential time.
    """
    head, *rest = pattern.lower().split("*")
    value = value.lower()
    if not rest:
        return value == head
    *middle, tail = rest
    if not value.startswith(head) or not value.endswith(tail) or len(value) < len(head) + len(tail):
        return False
    at, end = len(head), len(value) - len(tail)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _in_time(comparison: Comparison, left: Values, look_up: Lookup) -> bool:
    """Whether the request's time is before, after or between the operands. An unreadable operand makes it False.

    Days of the week and of the month, and months, are compared in their order (UNCONFIRMED: Oracle's page shows lists of them).
    """
    found = find_variable(comparison.left.text)
    form = MOMENT if found is None else found.form
    bounds = [_first(operand, look_up) for operand in comparison.right]
    moment, first, last = (
        None if text is None else form.order(text) for text in ((*left, None)[0], bounds[0], bounds[-1])
    )
    if moment is None or first is None or last is None:
        return False
    if comparison.operator == "before":
        return moment < first
    if comparison.operator == "after":
        return moment > first
    if first <= last:
        return first <= moment <= last
    # a span over midnight, between 22:00 and 06:00; there is nothing between two dates in the wrong order
    return form.cyclic and (moment >= first or moment <= last)


def _first(operand: Operand, look_up: Lookup) -> str | None:
    if isinstance(operand, ConditionVariable):
        values = look_up(operand.text.lower())
        return values[0] if values else None
    return operand.text


def _calls(call: FunctionCall, look_up: Lookup) -> bool:
    """Whether a set function holds. Functions other than the two documented ones are False."""
    sets = [_set_of(argument, look_up) for argument in call.arguments]
    if len(sets) != 2 or sets[0] is None or sets[1] is None:
        return False
    left, right = sets[0], sets[1]
    if call.function == "sets-intersect":
        return not left.isdisjoint(right)
    return call.function == "sets-equal" and left == right


def _set_of(argument: Operand | tuple[Operand, ...], look_up: Lookup) -> set[str] | None:
    """The values of one argument, in lower case; None when the request lacks a variable in it."""
    values: set[str] = set()
    for operand in argument if isinstance(argument, tuple) else (argument,):
        if isinstance(operand, ConditionVariable):
            known = look_up(operand.text.lower())
            if known is None:
                return None
            values.update(value.lower() for value in known)
        else:
            values.add(operand.text.lower())
    return values
