"""What holds for every statement there is, and for every text that is none."""

from __future__ import annotations

import pytest
from counting import guard_against_hanging
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genai_iac.iam_policy import (
    PolicySyntaxError,
    Statement,
    Template,
    compare,
    is_equivalent,
    parse,
    parse_matching_rule,
    parse_statements,
    unparse,
    unparse_condition,
)
from genai_iac.iam_policy.equivalence import canonical
from genai_iac.iam_policy.lint import lint_policy

from . import strategies
from .corpora import statements
from .directory import HERE, EveryName

SEEDS = (
    "allow group 'D'/A, id ocid1.group.oc1..a to manage x-family in compartment a:b"
    " where all {r.p = 'q', any {r.s != /t*/, u.v in ('w', 'x')}}",
    "admit dynamic-group A of tenancy B to {P, Q} in tenancy where sets-intersect(a.b, ('c', 'd'))",
    "endorse any-user to associate x in compartment c of tenancy d with y in tenancy where not e.f",
    "define tenancy T as ocid1.tenancy.oc1..t",
    "deny endorse resource s t to read u in any-tenancy where a.b between 'c' and 'd'",
)
CHARACTERS = st.sampled_from(
    [*"'/{}(),:=!.\\*$ \n\t\"#‘\u00a0\u200b\ue000é", " where ", " to ", " id ", "ocid1.", "all {", "${x}"]
)


@given(strategies.statements)
def test_what_is_printed_is_read_back(statement: Statement) -> None:
    text = unparse(statement)
    assert parse(text) == statement
    assert unparse(parse(text)) == text
    assert "\n" not in text


@given(strategies.conditions)
def test_matching_rules_are_read_back(condition: object) -> None:
    assert parse_matching_rule(unparse_condition(condition)) == condition  # type: ignore[arg-type]


@given(strategies.statements)
def test_the_canonical_form_is_one(statement: Statement) -> None:
    once = canonical(statement, None, HERE)
    assert canonical(once, None, HERE) == once
    assert parse(unparse(once)) == once
    assert is_equivalent([unparse(statement)], [unparse(once)], EveryName(), HERE)


@given(st.lists(strategies.statements, max_size=4), st.lists(strategies.statements, max_size=4))
def test_comparing_says_what_sameness_says(left: list[Statement], right: list[Statement]) -> None:
    texts = [unparse(statement) for statement in left], [unparse(statement) for statement in right]
    assert is_equivalent(*texts, None, HERE) is (compare(*texts, None, HERE) == ())
    assert compare(texts[0], texts[0][::-1], None, HERE) == ()


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), CHARACTERS), min_size=1, max_size=4),
)
@settings(max_examples=400)
def test_broken_statements_raise_the_parsers_own_error(seed: str, edits: list[tuple[int, int, str]]) -> None:
    _check_any_text(_mutate(seed, edits))


@given(st.text(max_size=60))
@example("\\")
@example("allow group A to use x in tenancy where a.b = '\\'")
def test_any_text_is_read_or_refused(text: str) -> None:
    _check_any_text(text)


@pytest.mark.matrix
def test_mutated_published_statements() -> None:
    import random

    chance = random.Random(3)
    for text in statements("policies.tsv"):
        for _ in range(100):
            edits = [
                (chance.randrange(200), chance.randrange(4), chance.choice("'/{}(),:=!.\\*$ \n\"#‘é0aZ"))
                for _ in range(chance.randint(1, 4))
            ]
            _check_any_text(_mutate(text, edits))


def _mutate(text: str, edits: list[tuple[int, int, str]]) -> str:
    for at, cut, put in edits:
        start = at % (len(text) + 1)
        text = text[:start] + put + text[start + cut :]
    return text


def _check_any_text(text: str) -> None:
    try:
        tree = parse(text)
    except PolicySyntaxError as error:
        assert 1 <= error.column <= len(text) + 1
        assert error.text == text
    else:
        assert parse(unparse(tree)) == tree
    for read in (parse_statements, parse_matching_rule, Template.parse):
        try:
            read(text)
        except PolicySyntaxError as error:
            assert 1 <= error.column <= len(text) + 1
    lint_policy([text, text])


_LONG = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "allow group " + ", ".join("g" * 8 for _ in range(_LONG // 10)) + " to use x in tenancy",
        "allow group A to {" + ", ".join("OBJECT_READ" for _ in range(_LONG // 13)) + "} in tenancy",
        "allow group A to use x in compartment " + ":".join("c" for _ in range(_LONG // 2)),
        "allow group A to use x in tenancy where all {" + ", ".join("a.b = 'c'" for _ in range(_LONG // 11)) + "}",
        "allow group A to use x in tenancy where a.b in (" + ", ".join("'c'" for _ in range(_LONG // 5)) + ")",
        "allow group A to use x in tenancy where " + "all {" * (_LONG // 5),
        "allow group A to use x in tenancy where " + "all {any {" * 20 + "a.b = 'c'" + "}}" * 20,
        "allow group '" + "a" * _LONG,
        "allow group '" + "\\'" * (_LONG // 2),
        "allow group A to use x in tenancy where a.b = " + "/" * _LONG,
        "allow group A to use x in tenancy where a.b = " + "/a\\" * (_LONG // 3),
        "allow group A to use x in tenancy where a.b = " + "'a\n" * (_LONG // 3),
        "allow" + " " * _LONG + "group",
        "!" * _LONG,
        "! " * (_LONG // 2),
        "allow group " + "a" * _LONG,
        "allow group " + "${a}" * (_LONG // 4),
        "allow group " + "${" * (_LONG // 2),
        "a" * _LONG,
    ],
    ids=lambda text: str(text)[:20] + "…" + str(text)[60:72],
)
def test_long_statements_take_linear_time(text: str) -> None:
    with guard_against_hanging():  # quadratic time would be 10,000,000,000 steps
        for read in (parse, Template.parse):
            try:
                unparse(read(text) if read is parse else parse(text))  # type: ignore[arg-type]
            except PolicySyntaxError as error:
                assert len(str(error)) < 1_000
        assert is_equivalent([text], [text + " "], None, HERE)
