"""Every documented variable: its form, its source, and values that fit it and that do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from genai_iac.iam_policy import parse
from genai_iac.iam_policy.condition_eval import clock_variables
from genai_iac.iam_policy.condition_variables import (
    BOOLEAN,
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    MOMENT,
    MONTH,
    OCID,
    REGION_KEY,
    TEXT,
    TIME_OF_DAY,
    VARIABLES,
    VariableForm,
    find_variable,
)
from genai_iac.iam_policy.lint import lint_statement

RIGHT: dict[VariableForm, list[str]] = {
    TEXT: ["anything", "*"],
    OCID: ["ocid1.user.oc1..a"],
    REGION_KEY: ["ord", "IAD"],
    BOOLEAN: ["true", "False"],
    MOMENT: ["2026-11-28T12:00:00Z", "2026-11-28T12:00:00+01:00"],
    TIME_OF_DAY: ["09:00:00Z", "23:59:59Z"],
    DAY_OF_WEEK: ["monday", "Sunday"],
    DAY_OF_MONTH: ["1", "31"],
    MONTH: ["1", "12"],
}
WRONG: dict[VariableForm, list[str]] = {
    TEXT: [],
    OCID: ["admins"],
    REGION_KEY: ["us-chicago-1"],
    BOOLEAN: ["yes"],
    MOMENT: ["28 Nov 2026", "09:00:00Z"],
    TIME_OF_DAY: ["25:00:00Z", "2026-11-28T12:00:00Z"],
    DAY_OF_WEEK: ["1", "montag"],
    DAY_OF_MONTH: ["0", "32", "01"],
    MONTH: ["june", "0", "13", "06"],
}


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda one: one.name)
def test_a_documented_variable(variable: object) -> None:
    found = next(one for one in VARIABLES if one is variable)
    name = found.name.replace("*.*", "ns.key")
    assert find_variable(name.upper()) is found
    assert found.source
    assert found.form.text
    for value in RIGHT[found.form]:
        statement = f"allow group a to use buckets in tenancy where {name} = '{value}'"
        parse(statement)
        assert not [one for one in lint_statement(statement) if one.rule in ("value-form", "unknown-variable")]
    for value in WRONG[found.form]:
        findings = lint_statement(f"allow group a to use buckets in tenancy where {name} = '{value}'")
        assert [one for one in findings if one.rule == "value-form"]


def test_the_clock_gives_values_of_the_documented_forms() -> None:
    """Every day of two years: the clock's variables are in the table and their values fit it."""
    start = datetime(2026, 11, 28, 6, 30, tzinfo=UTC)
    for day in range(731):
        for name, values in clock_variables(start + timedelta(days=day)).items():
            found = find_variable(name)
            assert found is not None
            assert all(found.form.fits(value) for value in values), (name, values)


@pytest.mark.parametrize(("written", "meant"), [("june", "6"), ("JUN", "6"), ("06", "6"), ("december", "12")])
def test_a_month_by_name_is_corrected(written: str, meant: str) -> None:
    text = f"allow group a to use buckets in tenancy where request.utc-timestamp.month-of-year = '{written}'"
    (finding,) = [one for one in lint_statement(text) if one.rule == "value-form"]
    assert finding.replacement == text.replace(f"'{written}'", f"'{meant}'")


def test_a_name_of_no_page_is_unknown() -> None:
    assert find_variable("request.principal.shoe.size") is None
    assert find_variable("target.resource.tag.ns.key") is not None
