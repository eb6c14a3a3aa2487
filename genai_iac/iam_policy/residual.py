"""What is left of conditions once everything known is put in, and whether what is left on one side holds wherever the other does.

Conditions on the time, a tag or a network source are decided with each request. Two sides are compared by trying: for every variable the
values that no condition tells apart are one case, and every combination of cases is asked on both sides.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

from msgspec import Struct

from genai_iac.iam_policy.condition_eval import Lookup, Unknown, Values, condition_holds, condition_truth
from genai_iac.iam_policy.condition_variables import TIME_OF_DAY, find_variable, read_moment
from genai_iac.iam_policy.conditions import condition_parts, find_classes
from genai_iac.iam_policy.equivalence import canonical_condition
from genai_iac.iam_policy.printer import unparse_condition
from genai_iac.iam_policy.request import StatementInForce
from genai_iac.iam_policy.syntax_tree import Comparison, Condition, ConditionGroup, Pattern, Presence, QuotedValue

_MOST_CASES = 20_000  # combinations that are tried; policies have a handful
_IN_TIME = ("before", "after", "between")


class Remainder(NamedTuple):
    """What decides about one permission with each request: it is given where `given` holds and `taken` does not."""

    given: Condition | None = None  # None: always
    taken: Condition | None = None  # None: never


class Assessment(Struct, frozen=True):
    """A decision as far as it is known. ``allowed`` is None where it depends on what is left of conditions.

    ``by`` are the statements that allow, or may; ``denied_by`` those that deny, or may. ``remainders``: per permission, none where
    something is not given.
    """

    allowed: bool | None
    by: tuple[StatementInForce, ...] = ()
    denied_by: tuple[StatementInForce, ...] = ()
    remainders: tuple[Remainder, ...] = ()

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The conditions that decide with each request, as texts that all have to hold; empty for a plain answer."""
        return write_remainders(self.remainders)


def residual(condition: Condition, look_up: Lookup, is_unknown: Unknown) -> Condition | bool:
    """The part of a condition that decides it, with all that is known put in; True or False where nothing is left.

    Args:
        look_up: name in lower case to its values, None for one that the request does not have.
        is_unknown: asked about each part before it is evaluated.
    """
    if not isinstance(condition, ConditionGroup):
        truth = condition_truth(condition, look_up, is_unknown)
        return condition if truth is None else truth
    decisive = condition.mode == "any"
    # every member is asked, also behind the decisive one: the emulator notes which variables are asked for in vain
    found = [residual(item, look_up, is_unknown) for item in condition.items]
    if decisive in found:
        return decisive
    return join_conditions(condition.mode, [one for one in found if not isinstance(one, bool)]) or (not decisive)


def join_conditions(mode: str, items: Sequence[Condition]) -> Condition | None:
    """The conditions as one, `all` or `any` of them; None for none."""
    distinct = tuple(dict.fromkeys(items))
    if len(distinct) < 2:
        return distinct[0] if distinct else None
    return ConditionGroup("any" if mode == "any" else "all", distinct)


def split_conditions(mode: str, condition: Condition | None) -> tuple[Condition, ...]:
    """The members of a group of that mode; a condition of another form by itself; none of None."""
    if isinstance(condition, ConditionGroup) and condition.mode == mode:
        return condition.items
    return () if condition is None else (condition,)


def write_remainders(remainders: Sequence[Remainder]) -> tuple[str, ...]:
    """What access depends on, as texts that all have to hold: conditions, and `unless` before what takes it."""
    given = [unparse_condition(part) for one in remainders for part in split_conditions("all", one.given)]
    taken = [f"unless {unparse_condition(part)}" for one in remainders for part in split_conditions("any", one.taken)]
    return tuple(dict.fromkeys((*given, *taken)))


def write_exceptions(remainders: Sequence[Remainder]) -> str:
    """Where access with these remainders is missing, in words: `not meeting A or meeting B`."""
    given = [
        f"not meeting {unparse_condition(part)}" for one in remainders for part in split_conditions("all", one.given)
    ]
    taken = [f"meeting {unparse_condition(part)}" for one in remainders for part in split_conditions("any", one.taken)]
    return " or ".join(dict.fromkeys((*given, *taken)))


@lru_cache(maxsize=4_096)
def implies(narrow: tuple[Remainder, ...], wide: tuple[Remainder, ...], now: datetime) -> bool:
    """Whether every request from now on that has what `narrow` gives has what `wide` gives too.

    Args:
        narrow: per permission.
        wide: per permission.
        now: aware; times before it do not come again.

    Returns:
        False also where there are too many cases to try and the texts differ.
    """
    if narrow == wide or not any(given or taken for given, taken in wide):
        return True
    parts = [
        part for given, taken in (*narrow, *wide) for condition in (given, taken) for part in condition_parts(condition)
    ]
    compared = [part for part in parts if _is_comparable(part)]
    names = list(dict.fromkeys(_variable(part) for part in compared))
    values = [_values_of(name, [part for part in compared if _variable(part) == name], now) for name in names]
    others = list(dict.fromkeys(_text(part) for part in parts if not _is_comparable(part)))
    if prod(map(len, values)) * 2 ** len(others) > _MOST_CASES:
        return set(write_remainders(wide)) <= set(write_remainders(narrow))
    for held in product(*values):
        known = dict(zip(names, held, strict=True))
        for truths in product((True, False), repeat=len(others)):
            opaque = dict(zip(others, truths, strict=True))
            if _gives(narrow, known, opaque) and not _gives(wide, known, opaque):
                return False
    return True


def _is_comparable(part: Condition) -> bool:
    """Whether the part is about one variable and what is written: another one is true or false as a whole."""
    if isinstance(part, Presence):
        return True
    return isinstance(part, Comparison) and all(isinstance(one, QuotedValue | Pattern) for one in part.right)


def _variable(part: Condition) -> str:
    assert isinstance(part, Comparison | Presence)
    return (part.left if isinstance(part, Comparison) else part.variable).text.lower()


def _text(part: Condition) -> str:
    return unparse_condition(canonical_condition(part))


def _gives(remainders: Sequence[Remainder], known: Mapping[str, str | None], opaque: Mapping[str, bool]) -> bool:
    return all(
        (given is None or _holds(given, known, opaque)) and not (taken and _holds(taken, known, opaque))
        for given, taken in remainders
    )


def _holds(condition: Condition, known: Mapping[str, str | None], opaque: Mapping[str, bool]) -> bool:
    if isinstance(condition, ConditionGroup):
        found = (_holds(item, known, opaque) for item in condition.items)
        return any(found) if condition.mode == "any" else all(found)
    if not _is_comparable(condition):
        return opaque[_text(condition)]

    def look_up(name: str) -> Values | None:
        value = known[name]
        return None if value is None else (value,)

    return condition_holds(condition, look_up)


def _values_of(name: str, parts: Sequence[Condition], now: datetime) -> tuple[str | None, ...]:
    """A value of the variable for each case that the parts tell apart; None stands for a request without it."""
    operands = [one for part in parts if isinstance(part, Comparison) for one in part.right]
    found = find_variable(name)
    if found is not None and found.form.values:
        return found.form.values
    if found is not None and found.form is TIME_OF_DAY:
        return tuple(_times_of_day(operands, found.form.order))
    exact = [one.text for one in operands if isinstance(one, QuotedValue) and one.text != "*"]
    patterns = [one.text for one in operands if isinstance(one, Pattern)]
    examples = [None, *(one.example for one in find_classes(exact, patterns))]
    in_time = any(isinstance(part, Comparison) and part.operator in _IN_TIME for part in parts)
    if name == "request.utc-timestamp":
        return tuple(_moments(operands, now))
    return (*examples, *(_moments(operands, datetime.min.replace(tzinfo=UTC)) if in_time else ()))


_SECOND = timedelta(seconds=1)


def _moments(operands: Sequence[object], start: datetime) -> Iterator[str]:
    """Every bound, the second before and the second after it, none of them before `start`."""
    texts = [one.text for one in operands if isinstance(one, QuotedValue | Pattern)]
    bounds = {moment for text in texts if (moment := read_moment(text)) is not None}
    around = {start, *bounds}
    for bound in bounds:
        for step in (-_SECOND, _SECOND):
            try:
                around.add(bound + step)
            except OverflowError:  # the first or last second of all years
                continue
    for moment in sorted(around):
        if moment >= start:
            yield moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _times_of_day(operands: Sequence[object], order: Callable[[str], float | None]) -> Iterator[str]:
    """Midnight, every bound, and the seconds around it."""
    texts = [one.text for one in operands if isinstance(one, QuotedValue | Pattern)]
    bounds = [second for text in texts if (second := order(text)) is not None]
    for second in sorted({0, *(int(one + step) % 86_400 for one in bounds for step in (-1, 0, 1))}):
        yield f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
