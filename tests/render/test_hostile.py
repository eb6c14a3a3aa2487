"""Foreign text cannot drive the terminal, the pull request, the page or the runner: each text in every field of every rendering."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser

import pytest
from hostile import TOKEN, hostile_texts
from markdown_it import MarkdownIt
from rendered_plans import hostile_errors, hostile_outcomes, hostile_plan, hostile_surroundings
from renderings import OF_A_PLAN, OF_ERRORS, OF_OUTCOMES

from genai_iac.render.errors import problems_json, problems_text
from genai_iac.render.plan.html import render_html
from genai_iac.render.plan.json import read_saved_plan, render_json, saved_plan
from genai_iac.render.plan.markdown import STEP_SUMMARY_LIMIT, render_markdown
from genai_iac.render.plan.text import render_text

TEXTS = hostile_texts()
NUMBERED = [pytest.param(text, id=str(number)) for number, text in enumerate(TEXTS)]
OUR_COLOUR = re.compile(r"\x1b\[(0|1|2|31|32|33|36|1;31)m")
OUR_LINE = re.compile(r"((Stack|Note:)( |$)|[ +~!.=-]{1,3} |-/\+ |Plan: |\d+ resource|$)")
OUR_HTML_BLOCK = re.compile(
    r"<!-- genai-iac plan [\w.@%~-]+ -->|</details>|<details( open)?><summary>(<code>[^<>]*</code>|[^<>])*</summary>"
)


def test_there_are_enough_of_them() -> None:
    assert len(TEXTS) >= 200
    assert all(TOKEN in text for text in TEXTS)


@pytest.mark.parametrize("text", NUMBERED)
def test_no_rendering_holds_a_control_or_a_command(text: str) -> None:
    plan, around = hostile_plan(text), hostile_surroundings(text)
    outputs = {name: render(plan, around) for name, render in OF_A_PLAN.items()}
    outputs |= {name: render(hostile_outcomes(text)) for name, render in OF_OUTCOMES.items()}
    outputs |= {name: render(hostile_errors(text)) for name, render in OF_ERRORS.items()}
    for name, output in outputs.items():
        assert _offences(output, name) == [], name


@pytest.mark.parametrize("text", NUMBERED)
def test_text_cannot_imitate_a_line(text: str) -> None:
    lines = render_text(hostile_plan(text), hostile_surroundings(text)).splitlines()
    assert [line for line in lines if not OUR_LINE.match(line)] == []
    assert [line for line in lines if line.startswith("Plan:")] == [lines[-1]]
    errors = problems_text(hostile_errors(text)).splitlines()
    assert sum(line.startswith("Error:") for line in errors) == 4


@pytest.mark.parametrize("text", NUMBERED)
def test_markdown_keeps_it_inside_code(text: str) -> None:
    tokens, benign = (MarkdownIt("gfm-like", {"linkify": False}).parse(_markdown(each)) for each in (text, TOKEN))
    assert [token.type for token in tokens] == [token.type for token in benign]
    for token in tokens:
        if token.type == "html_block":
            assert OUR_HTML_BLOCK.fullmatch(token.content.strip()), token.content
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "softbreak", "strong_open", "strong_close"), child
            assert child.type == "code_inline" or not (
                {"@", "<", TOKEN} & {*child.content, *re.findall(TOKEN, child.content)}
            ), child
    kinds = Counter(
        re.match(r"</?details", token.content)[0]
        for token in tokens
        if "details" in token.content[:9] and token.type == "html_block"
    )
    assert kinds["<details"] == kinds["</details"] > 0
    assert sum(token.type == "heading_open" for token in tokens) == 1


@pytest.mark.parametrize("text", NUMBERED)
def test_markdown_says_nothing_to_programs_that_do_not_parse_it(text: str) -> None:
    raw, benign = _markdown(text), _markdown(TOKEN)
    for mark in ("<!--", "-->", "<details", "</details", "<summary", "</summary", "### "):
        lines, expected = (
            [line for line in each.lower().split("\n") if mark in line and not line.startswith("+")]
            for each in (raw, benign)
        )
        assert len(lines) == len(expected), mark
    assert raw.count("-->") == 1


@pytest.mark.parametrize("text", NUMBERED)
def test_html_keeps_it_text(text: str) -> None:
    page, benign = _Page(), _Page()
    page.feed(render_html(hostile_plan(text), hostile_surroundings(text)))
    benign.feed(render_html(hostile_plan(TOKEN), hostile_surroundings(TOKEN)))
    assert page.tags == benign.tags
    assert page.attributes <= benign.attributes | {"lang"}
    assert not {"src", "href", "style", "onload", "onerror", "onclick"} & page.attributes
    assert not {"script", "img", "iframe", "form", "base", "link", "object"} & set(page.tags)


@pytest.mark.parametrize("text", NUMBERED)
def test_json_gives_the_text_back(text: str) -> None:
    exact = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for document in (
        json.loads(render_json(hostile_plan(text))),
        read_saved_plan(saved_plan(hostile_plan(text), {text: text})),
    ):
        assert document["stack"] == exact
        assert document["changes"][0]["reason"] == exact
        assert document["changes"][0]["after"]["freeformTags"][exact] == exact
    assert exact in {error["message"] for error in json.loads(problems_json(hostile_errors(text)))["errors"]}


def _markdown(text: str) -> str:
    # the larger limit, so that hostile and benign have all their details
    return render_markdown(hostile_plan(text), hostile_surroundings(text), STEP_SUMMARY_LIMIT)


def _offences(output: str, name: str) -> list[str]:
    output.encode("utf-8")
    body = OUR_COLOUR.sub("", output) if "colour" in name else output
    found = [f"U+{ord(character):04X}" for character in set(body) - {"\n"} if not _is_plain(character)]
    found += [line for line in body.split("\n") if line.lstrip().startswith("::") or "##[" in line]
    if "ascii" in name and not body.isascii():
        found.append("not ASCII")
    return found


def _is_plain(character: str) -> bool:
    return (
        unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        and character not in "\u3164\u115f\u2800\ufe0f\u3000\u00a0"
    )


class _Page(HTMLParser):
    """The tags and attribute names of a page, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")
