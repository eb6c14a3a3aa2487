"""Refusals: the column, what was expected there, and what to type instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genai_iac.policy import PolicySyntaxError, parse, parse_matching_rule, parse_matching_rules, parse_statements

CASES = json.loads((Path(__file__).parent / "cases" / "errors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["text"])[:70])
def test_a_refusal_says_where_what_and_how(case: dict[str, str]) -> None:
    text, column = case["text"].replace("¦", ""), case["text"].index("¦") + 1  # the bar marks the column
    with pytest.raises(PolicySyntaxError) as refused:
        parse(text)
    error = refused.value
    assert (error.column, error.text) == (column, text)
    if "expected" in case:
        assert case["expected"] in error.expected
    assert (error.hint or "") == case["hint"]
    assert str(error) == f"column {column}: {error.message}" + (f"; {error.hint}" if error.hint else "")


def test_statements_may_follow_each_other() -> None:
    one = "allow group 'D'/A to use x in compartment a where b.c = /d*/"
    two = "Define tenancy T as ocid1.tenancy.oc1..t"
    assert parse_statements(f"{one}\n{two} {one}") == (parse(one), parse(two), parse(one))
    with pytest.raises(PolicySyntaxError) as refused:
        parse(f"{one}\n{two}")
    assert refused.value.column == len(one) + 2


def test_matching_rules_are_conditions() -> None:
    rule = "ANY {instance.id = 'ocid1.instance.oc1..a', tag.ns.key.value}"
    assert parse_matching_rules(f"{rule}\n\n{rule}") == (parse_matching_rule(rule),) * 2
    with pytest.raises(PolicySyntaxError) as refused:
        parse_matching_rule(f"{rule} }}")
    assert refused.value.column == len(rule) + 2


def test_a_domain_slash_opens_no_pattern() -> None:
    """A tokenizer that takes the slash of 'domain'/'group' for a pattern's swallows the text up to the next slash."""
    text = "allow group 'D'/'A', D/B, 'E/F'/C to read buckets in tenancy where target.bucket.name = /logs*/"
    tree = parse(text)
    assert [(member.domain, member.text) for member in tree.subject.members] == [("D", "A"), ("D", "B"), ("E/F", "C")]  # type: ignore[union-attr]
    assert tree.condition.right[0].text == "logs*"  # type: ignore[union-attr]


def test_any_depth_that_people_write_is_read_and_no_more() -> None:
    head, leaf = "allow group A to use x in tenancy where ", "b.c = 'd'"
    parse(head + "all {" * 60 + leaf + "}" * 60)
    with pytest.raises(PolicySyntaxError, match="nest deeper"):
        parse(head + "all {" * 10_000 + leaf + "}" * 10_000)


def test_a_stray_angle_is_dropped_as_the_service_does() -> None:
    assert parse("allow group A to read x in >> tenancy") == parse("allow group A to read x in tenancy")
    with pytest.raises(PolicySyntaxError):
        parse("allow group A to read x in tenancy where a.b > 'c'")
