"""A comment always fits, stays well-formed, and keeps its counts and dangers; what is left out is left out whole, and said."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace
from rendered_plans import AROUND, EVERYTHING, large_plan

from genai_iac.core import Address, Call, Change, Notice, Plan
from genai_iac.render.common.phrases import plan_line
from genai_iac.render.plan.context import PlanContext
from genai_iac.render.plan.markdown import COMMENT_LIMIT, STEP_SUMMARY_LIMIT, marker, render_markdown

TEXTS = {
    "short": "x",
    "backticks": "`" * 300,
    "four bytes": "😀" * 100,
    "escaped": "\u202e" * 100,
    "long": "lorem ipsum " * 500,
}


@pytest.mark.parametrize("limit", [8_192, COMMENT_LIMIT, STEP_SUMMARY_LIMIT])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("size", [1, 9, 400])
def test_it_fits(size: int, text: str, limit: int) -> None:
    plan = large_plan(size, text)
    _check(plan, render_markdown(plan, AROUND, limit), limit)


@pytest.mark.parametrize("limit", [COMMENT_LIMIT, STEP_SUMMARY_LIMIT])
def test_five_thousand_changes_fit(limit: int) -> None:
    plan = large_plan(5_000, TEXTS["four bytes"])
    _check(plan, render_markdown(plan, AROUND, limit), limit)


@pytest.mark.matrix
@pytest.mark.parametrize("limit", [8_192, 32_768, COMMENT_LIMIT, STEP_SUMMARY_LIMIT])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("size", [*range(1, 60), 100, 150, 200, 300, 400, 600, 800, 1_200, 2_000, 3_000, 5_000])
def test_every_size_fits(size: int, text: str, limit: int) -> None:
    plan = large_plan(size, text)
    _check(plan, render_markdown(plan, AROUND, limit), limit)


@settings(max_examples=15, deadline=None)
@given(
    size=st.integers(1, 5_000),
    text=st.text(max_size=400),
    losses=st.booleans(),
    limit=st.integers(8_192, STEP_SUMMARY_LIMIT),
)
def test_any_plan_fits(size: int, text: str, losses: bool, limit: int) -> None:
    plan = large_plan(size, text, losses)
    _check(plan, render_markdown(plan, AROUND, limit), limit)


def test_one_change_that_is_too_large_is_left_out_whole() -> None:
    statements = [f"allow group g{number} to read buckets in tenancy" for number in range(5_000)]
    change = Change(
        Address("Policy", "huge"),
        ("create",),
        "not in the tenancy",
        after={"statements": statements},
        calls=(Call("CreatePolicy"),),
    )
    plan = replace(EVERYTHING, changes=(*EVERYTHING.changes, change))
    text = render_markdown(plan, AROUND)
    _check(plan, text, COMMENT_LIMIT)
    assert "- `+ Policy/huge` create" in text
    assert "The details of 1 change are left out to fit." in text
    assert "allow group g0 " not in text
    assert "- statements: allow group analysts to use generative-ai-chat in compartment lab" in text


def test_dangers_come_before_details_when_room_is_short() -> None:
    text = render_markdown(large_plan(300, "é" * 300), AROUND, 31_000)
    with_detail = re.findall(r"<summary><code>(\S+) ", text)
    assert with_detail
    assert set(with_detail) == {"!"}


def test_the_most_recently_used_values_are_named_when_not_all_can_be() -> None:
    text = render_markdown(large_plan(5_000), AROUND)
    assert "> - `ApiKey/k0`: `key-one` was last used at 2026-11-23T12:00:00Z, a moment before this plan" in text
    named = len(re.findall(r"> - `ApiKey/k\d+`: `key-one`", text))
    more = [int(number.replace(",", "")) for number in re.findall(r"> - and ([\d,]+) more secret value", text)]
    assert named + sum(more) == 1_667


def test_many_notes_and_much_access_fit_too() -> None:
    notices = tuple(Notice("ü" * 1_500, Address("ApiKey", f"k{number}")) for number in range(500))
    plan = replace(EVERYTHING, notices=notices)
    _check(plan, render_markdown(plan, AROUND), COMMENT_LIMIT)


def test_long_names_at_the_head_fit_the_smallest_limit() -> None:
    name = "\U000e0001" * 5_000
    plan = replace(large_plan(50), stack=name, environment=name, tenancy=name, region=name)
    _check(plan, render_markdown(plan, PlanContext(), 8_192), 8_192)


def test_a_limit_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="give at least 8192"):
        render_markdown(EVERYTHING, AROUND, 8_191)


def test_the_marker_distinguishes_stacks_and_environments() -> None:
    plans = [
        replace(EVERYTHING, stack=stack, environment=env)
        for stack in ("a", "a-b", "a--> b")
        for env in (None, "dev", "prod")
    ]
    markers = {marker(plan) for plan in plans}
    assert len(markers) == len(plans)
    assert all(text.count("-->") == 1 for text in markers)


def test_a_small_plan_leaves_nothing_out() -> None:
    text = render_markdown(large_plan(4))
    assert "left out" not in text
    assert text.count("<details") == 4


def _check(plan: Plan, text: str, limit: int) -> None:
    assert len(text.encode("utf-8")) <= limit
    assert text.splitlines()[0] == marker(plan)
    assert f"### {plan_line(plan)}" in text
    assert "Fingerprint `sha256:" in text
    assert f"{plan.unchanged} resources unchanged." in text
    lost = sum(len(change.losses) for change in plan.changes)
    counts = [
        int(number.replace(",", "")) for number in re.findall(r"\*\*([\d,]+) secret values? stops? working", text)
    ]
    assert sum(counts) == lost
    _check_form(text)


def _check_form(text: str) -> None:
    """Every fence and every fold that begins also ends."""
    opened = 0
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "html_block":
            opened += {"<d": 1, "</": -1, "<!": 0}[token.content[:2]]
            assert opened in (0, 1)
        if token.type == "fence":
            assert token.content
            assert "</details>" not in token.content
    assert opened == 0
