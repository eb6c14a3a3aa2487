"""Code spans, fences and folds, each parsed again by a CommonMark parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from genai_iac.render.common.markup import alert, code_html, fenced, folded, md_code, size
from genai_iac.render.common.sanitize import escape_control

MARKS = st.text(alphabet="`~<>!-/ deatilsmry\\\n#|@[]()*_", max_size=40)


@given(MARKS | st.text(max_size=60))
def test_a_code_span_is_one_code_span(text: str) -> None:
    inline = MarkdownIt("commonmark").parseInline(f"a {md_code(text)} b")[0].children or []
    assert [child.type for child in inline] == ["text", "code_inline", "text"]
    if not {"<", ">"} & set(text):
        assert inline[1].content == (escape_control(text, 255) or " ")


@given(st.lists(MARKS | st.text(max_size=60), min_size=1, max_size=5))
def test_a_fence_is_one_fence(lines: list[str]) -> None:
    tokens = MarkdownIt("commonmark").parse(fenced([escape_control(line) for line in lines], "diff"))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content.count("\n") == len(lines)


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert fenced(["```", "`````"], "diff") == "``````diff\n```\n`````\n``````"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!-- x -->", "`\\x3c!-- x --\\x3e`"),
        ("</details>", "`\\x3c/details>`"),
        ("<Summary>", "`\\x3cSummary>`"),
        ("a < b <b> -> c", "`a < b <b> -> c`"),
        ("", "` `"),
        ("`", "`` ` ``"),
        (" x", "`  x `"),
    ],
)
def test_what_looks_like_our_own_markup_is_escaped(text: str, shown: str) -> None:
    assert md_code(text) == shown


def test_code_in_html_is_escaped() -> None:
    assert code_html('<b a="1">&\n') == "<code>&lt;b a=&quot;1&quot;&gt;&amp;\\n</code>"


def test_a_fold_and_an_alert() -> None:
    assert folded("s", "body", open=True) == "<details open><summary>s</summary>\n\nbody\n\n</details>"
    assert alert("CAUTION", "two", ["a", "b"]) == "> [!CAUTION]\n> **two**\n>\n> - a\n> - b"
    assert size("é😀") == 6
