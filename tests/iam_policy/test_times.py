"""Times in conditions: no text of a bound stops a verb, and what is compared in an order is compared in that of its values."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_iac.iam_policy import Comparison, condition_holds, is_equivalent, parse_matching_rule
from genai_iac.iam_policy.condition_eval import clock_variables
from genai_iac.iam_policy.condition_variables import VARIABLES, find_variable
from genai_iac.iam_policy.lint import lint_statement
from genai_iac.iam_policy.request import KeyUse, is_unknown_of_key, key_request

NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
CLOCK = [one.name for one in VARIABLES if one.name.startswith("request.utc-timestamp")]
LISTED = [one.name for one in VARIABLES if one.form.values]
ODD = [
    *("2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:01:00Z", "2026-01-01T00:00:00+25:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00.1234567891Z", "2026-01-01t00:00z"),
    *("25:00:00Z", "09:60", "9:00", "", "0", "32", "01", "mon", "*", "１２", "2026-W01-1", "20260101"),
]
texts = st.one_of(
    st.sampled_from(ODD),
    st.from_regex(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?\Z"),
    st.from_regex(r"\A\d\d:\d\d(:\d\d)?Z?\Z"),
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12),
).filter(bool)


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@given(st.sampled_from(CLOCK), st.sampled_from(["before", "after", "between"]), texts, texts)
def test_no_text_of_a_time_stops_a_verb(variable: str, operator: str, first: str, last: str) -> None:
    condition = f"{variable} {operator} {quoted(first)}" + (f" and {quoted(last)}" if operator == "between" else "")
    part = parse_matching_rule(condition)
    assert condition_holds(part, clock_variables(NOW).get) in (True, False)
    statement = f"allow any-user to use generative-ai-chat in tenancy where {condition}"
    lint_statement(statement)
    assert is_equivalent([statement], [f"{statement} "], None, "ocid1.tenancy.oc1..a")
    request = key_request(KeyUse("ocid1.generativeaiapikey.oc1..k", ("ocid1.tenancy.oc1..a",)), "Chat", "m", NOW)
    assert is_unknown_of_key(part, request) in (True, False)


@pytest.mark.parametrize(("variable", "operator"), [*product(CLOCK, ["before", "after", "between"])])
def test_a_bound_that_is_no_time_makes_the_comparison_false(variable: str, operator: str) -> None:
    found = find_variable(variable)
    assert found is not None
    bad = [text for text in (*ODD, "x") if text and found.form.order(text) is None]
    assert len(bad) > 5
    for text in bad:
        more = f" and {quoted(text)}" if operator == "between" else ""
        assert not condition_holds(
            parse_matching_rule(f"{variable} {operator} {quoted(text)}{more}"), clock_variables(NOW).get
        )


@pytest.mark.parametrize("variable", LISTED)
def test_days_and_months_are_compared_in_their_order_and_the_list_that_lint_offers_holds_for_the_same(
    variable: str,
) -> None:
    values = next(one.form.values for one in VARIABLES if one.name == variable)
    for first, last in product(range(len(values)), repeat=2):
        bounds = f"'{values[first]}' and '{values[last]}'"
        statement = f"allow group a to use buckets in tenancy where {variable} between {bounds}"
        held = {value for value in values if _holds(f"{variable} between {bounds}", variable, value)}
        places = range(first, last + 1) if first <= last else [*range(first, len(values)), *range(last + 1)]
        assert held == {values[place] for place in places}
        (finding,) = [one for one in lint_statement(statement) if one.rule == "time-order"]
        assert finding.replacement is not None
        listed = finding.replacement.partition(" where ")[2]
        assert held == {value for value in values if _holds(listed, variable, value)}


def _holds(condition: str, variable: str, value: str) -> bool:
    part = parse_matching_rule(condition)
    assert isinstance(part, Comparison)
    return condition_holds(part, {variable: (value,)}.get)


@pytest.mark.parametrize("written", ["17:00", "17:00Z", "17:00:00", "17:00:00z"])
def test_a_time_of_day_is_the_same_however_it_is_written(written: str) -> None:
    variable = "request.utc-timestamp.time-of-day"
    inside = f"{variable} between '09:00:00Z' and '{written}'"
    assert _holds(inside, variable, "17:00:00Z") and not _holds(inside, variable, "17:00:01Z")
    one, other = (
        f"allow group a to use buckets in tenancy where {variable} before '{text}'" for text in (written, "17:00:00Z")
    )
    assert is_equivalent([one], [other], None, "ocid1.tenancy.oc1..a")
