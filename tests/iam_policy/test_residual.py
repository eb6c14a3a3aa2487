"""What is left of conditions once all that is known is put in, and which of two remainders holds wherever the other does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_iac.iam_policy import Condition, condition_holds, parse_matching_rule
from genai_iac.iam_policy.condition_eval import clock_variables, condition_truth
from genai_iac.iam_policy.conditions import variables
from genai_iac.iam_policy.residual import Remainder, implies, residual, write_exceptions, write_remainders

from .strategies import conditions

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
TIME, DAY, HOURS = (f"request.utc-timestamp{end}" for end in ("", ".day-of-week", ".time-of-day"))
OFFICE, HOME = "request.networksource.name = 'office'", "request.networksource.name = 'home'"
RED = "target.resource.tag.team.name = 'red'"

# what holds in fewer cases, and what in more
NARROWER = [
    (f"all {{{OFFICE}, {RED}}}", f"any {{{OFFICE}, {RED}}}"),
    (f"all {{{OFFICE}, {RED}}}", OFFICE),
    (OFFICE, f"any {{{RED}, {OFFICE}}}"),
    (OFFICE, "request.networksource.name in ('home', 'office')"),
    ("request.networksource.name in ('office')", "request.networksource.name != 'home'"),
    (OFFICE, "request.networksource.name = /off*/"),
    ("request.networksource.name = /off*e/", "request.networksource.name = /off*/"),
    (OFFICE, "request.networksource.name"),
    ("request.networksource.name != 'home'", "request.networksource.name"),
    (f"{TIME} before '2027-01-01T00:00:00Z'", f"{TIME} before '2028-01-01T00:00:00Z'"),
    (f"{TIME} after '2028-01-01T00:00:00Z'", f"{TIME} after '2027-01-01T00:00:00Z'"),
    (
        f"{TIME} between '2027-01-01T00:00:00Z' and '2027-02-01T00:00:00Z'",
        f"{TIME} between '2026-01-01T00:00:00Z' and '2027-02-01T00:00:01Z'",
    ),
    (f"{HOURS} between '09:00:00Z' and '17:00:00Z'", f"{HOURS} between '08:59:59Z' and '17:00:00Z'"),
    (f"{HOURS} between '23:00:00Z' and '05:00:00Z'", f"{HOURS} between '22:00:00Z' and '06:00:00Z'"),
    (f"{DAY} = 'monday'", f"{DAY} != 'sunday'"),
    (f"{DAY} in ('monday', 'friday')", f"{DAY} not in ('saturday', 'sunday')"),
    (f"all {{{OFFICE}, {DAY} = 'monday'}}", f"any {{all {{{DAY} = 'monday', {OFFICE}}}, {HOME}}}"),
]
# written otherwise, the same cases
EQUAL = [
    (OFFICE, "request.networksource.name in ('office')"),
    (f"any {{{OFFICE}, {HOME}}}", "request.networksource.name in ('HOME', 'office')"),
    (f"all {{{OFFICE}, any {{{RED}, {HOME}}}}}", f"all {{{OFFICE}, {RED}}}"),
    (f"{TIME} before '2027-01-01T00:00:00Z'", f"{TIME} before '2027-01-01T01:00:00+01:00'"),
    (
        f"{TIME} between '2020-01-01T00:00:00Z' and '2027-01-01T00:00:00Z'",
        f"{TIME} between '2021-01-01T00:00:00Z' and '2027-01-01T00:00:00Z'",
    ),
    (f"{HOURS} before '09:00:00Z'", f"{HOURS} before '09:00Z'"),
    (f"{DAY} in ('saturday', 'sunday')", f"{DAY} not in ('monday', 'tuesday', 'wednesday', 'thursday', 'friday')"),
    (
        "sets-intersect(request.networksource.name, ('b', 'a'))",
        "sets-intersect(('a', 'b'), request.networksource.name)",
    ),
]


def given_by(text: str | None = None, taken: str | None = None) -> tuple[Remainder, ...]:
    read = [None if one is None else parse_matching_rule(one) for one in (text, taken)]
    return (Remainder(*read),)


@pytest.mark.parametrize(("narrow", "wide"), NARROWER)
def test_what_holds_in_fewer_cases_is_told_from_what_holds_in_more(narrow: str, wide: str) -> None:
    assert implies(given_by(narrow), given_by(wide), NOW) and not implies(given_by(wide), given_by(narrow), NOW)
    # what is taken counts the other way round
    assert implies(given_by(None, wide), given_by(None, narrow), NOW)
    assert not implies(given_by(None, narrow), given_by(None, wide), NOW)
    assert implies(given_by(narrow), given_by(), NOW) and not implies(given_by(), given_by(wide), NOW)
    assert implies((*given_by(narrow), *given_by(RED)), given_by(narrow), NOW)


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_the_same_cases_are_the_same_however_they_are_written(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        assert implies(given_by(first), given_by(second), NOW)
        assert implies(given_by(None, first), given_by(None, second), NOW)


def test_too_many_cases_are_taken_for_other_cases_unless_the_texts_are_there() -> None:
    tags = [f"target.resource.tag.a.b{number} = 'x'" for number in range(16)]
    every, less = f"all {{{', '.join(tags)}}}", f"all {{{', '.join(tags[1:])}}}"
    assert implies(given_by(every), given_by(less), NOW)
    assert not implies(given_by(less), given_by(every), NOW)


def test_what_access_depends_on_and_where_it_is_missing_in_words() -> None:
    remainders = given_by(f"all {{{OFFICE}, any {{{RED}, {DAY} = 'monday'}}}}", f"any {{{HOME}, {RED}}}")
    assert write_remainders(remainders) == (
        OFFICE,
        f"any {{{RED}, {DAY} = 'monday'}}",
        f"unless {HOME}",
        f"unless {RED}",
    )
    assert write_exceptions(remainders) == (
        f"not meeting {OFFICE} or not meeting any {{{RED}, {DAY} = 'monday'}} or meeting {HOME} or meeting {RED}"
    )
    assert write_remainders(given_by()) == () and write_exceptions(given_by()) == ""


def _values(chance: Random, condition: Condition) -> Callable[[str], tuple[str, ...] | None]:
    """Some values, or none, for the variables of a condition; of those that it names, most are compared with one of its own."""
    texts = [one.text for one in variables(condition)]
    held = {text.lower(): chance.choice([None, ("x",), ("a", "b"), (chance.choice(texts),)]) for text in texts}
    return held.get


@given(conditions, st.integers(0, 10**6))
def test_what_is_left_decides_as_the_whole_condition_does(condition: Condition, seed: int) -> None:
    chance = Random(seed)
    look_up = _values(chance, condition)
    unknown = {one.text.lower() for one in variables(condition) if chance.random() < 0.5}

    def is_unknown(part: Condition) -> bool:
        return any(one.text.lower() in unknown for one in variables(part))

    left = residual(condition, look_up, is_unknown)
    truth = condition_truth(condition, look_up, is_unknown)
    assert (None if not isinstance(left, bool) else left) is truth
    whole = condition_holds(condition, look_up)
    assert (left if isinstance(left, bool) else condition_holds(left, look_up)) is whole


_PARTS = [text for pair in (*NARROWER, *EQUAL) for text in pair]
_written = st.recursive(
    st.sampled_from(_PARTS),
    lambda inner: st.builds(
        lambda mode, items: f"{mode} {{{', '.join(items)}}}",
        st.sampled_from(["all", "any"]),
        st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=3,
)


@given(_written, _written, st.integers(0, 10**6))
def test_what_implies_holds_in_no_case_without_the_other(narrow: str, wide: str, seed: int) -> None:
    first, second = parse_matching_rule(narrow), parse_matching_rule(wide)
    found = implies((Remainder(first),), (Remainder(second),), NOW)
    chance = Random(seed)
    for _ in range(30):
        moment = datetime(2027, chance.randint(1, 12), chance.randint(1, 28), chance.randint(0, 23), tzinfo=UTC)
        held = dict(clock_variables(moment)) | {
            "request.networksource.name": chance.choice([None, ("office",), ("home",), ("offspace",), ("b",)]),
            "target.resource.tag.team.name": chance.choice([None, ("red",), ("blue",)]),
        }
        if condition_holds(first, held.get) and not condition_holds(second, held.get):
            assert not found
