"""Refusals: the column, what was expected there, and what to type instead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from genai_iac.iam_policy import (
    Grant,
    PolicySyntaxError,
    parse,
    parse_matching_rule,
    parse_matching_rules,
    parse_statements,
)

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


def test_an_extra_angle_bracket_is_dropped_as_the_service_does() -> None:
    assert parse("allow group A to read x in >> tenancy") == parse("allow group A to read x in tenancy")
    with pytest.raises(PolicySyntaxError):
        parse("allow group A to read x in tenancy where a.b > 'c'")


def test_a_long_token_is_shown_in_short() -> None:
    for length, shown in ((40, "x" * 40), (41, "x" * 37 + "...")):
        with pytest.raises(PolicySyntaxError) as refused:
            parse(f"allow group A to {'x' * length} y in tenancy")
        assert f"found `{shown}`" in refused.value.message


def test_only_what_could_stand_there_is_expected() -> None:
    with pytest.raises(PolicySyntaxError) as allowed:
        parse("allow group A to use x in y")
    with pytest.raises(PolicySyntaxError) as endorsed:
        parse("endorse group A to use x in y")
    assert allowed.value.expected == ("a location", "`tenancy`", "`compartment`")
    assert endorsed.value.expected == (*allowed.value.expected, "`any-tenancy`")


def test_nodes_know_their_columns() -> None:
    text = (
        "admit group 'D'/A, id ocid1.group.oc1..a of tenancy T to use x-family, y in compartment id ocid1.compartment.oc1..c"
        " where all {a.b = 'c', d.e in ('f', /g*/), sets-equal(h.i, ('j')), any {k.l = m.n, not o.p}}"
    )
    tree = parse(text)
    found = dict(_columns(tree))
    assert found == {
        "Grant": 1,
        "Subject": text.index("group") + 1,
        "D/A": text.index("'D'") + 1,
        **{
            word: text.index(word) + 1
            for word in ("ocid1.group.oc1..a", "ocid1.compartment.oc1..c", "T", "x-family", "y")
        },
        **{
            word: text.index(word) + 1
            for word in ("a.b", "d.e", "h.i", "k.l", "m.n", "o.p", "sets-equal", "all", "any")
        },
        **{value: text.index(f"'{value}'") + 1 for value in ("c", "f", "j")},
        "g*": text.index("/g*/") + 1,
    } | {"T": text.index("tenancy T") + 1, "y": text.index(", y") + 3}
    assert isinstance(tree, Grant)
    assert tree.action_column == text.index("use") + 1
    assert parse("allow group A {P} in tenancy").action_column == 15  # type: ignore[union-attr]


def _columns(node: object) -> Iterator[tuple[str, int]]:
    if isinstance(node, tuple):
        for item in node:
            yield from _columns(item)
    elif isinstance(node, Struct):
        named = [getattr(node, name, None) for name in ("text", "id", "tenancy", "function", "mode")]
        name = next((str(value) for value in named if value), type(node).__name__)
        if hasattr(node, "column"):
            yield (f"{node.domain}/{name}" if getattr(node, "domain", None) else name), node.column  # type: ignore[attr-defined]
        for part in node.__struct_fields__:
            yield from _columns(getattr(node, part))
