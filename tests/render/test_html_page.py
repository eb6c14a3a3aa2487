"""The HTML page in a real browser: no complaint, no request, and every difference to be read on a phone and on a desktop."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PROGRAM, Browser, running_browser
from hostile import hostile_texts
from rendered_plans import AROUND, EVERYTHING, NOTHING, hostile_plan, hostile_surroundings

from genai_iac.render.plan.html import render_html

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no chromium or google-chrome is on PATH")

WIDTHS, SCHEMES = (360, 1280), ("light", "dark")
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# of every difference that is shown: whether it has a size and lies between the edges of the window
SEEN = """[...document.querySelectorAll('del, ins')].map(one => {
  const box = one.getBoundingClientRect()
  return one.checkVisibility() && box.width > 40 && box.height > 10 && box.left >= 0
    && box.right <= document.documentElement.clientWidth + 1
})"""
# the lowest contrast of any text with what is behind it, as WCAG reckons it
CONTRAST = """(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number)
  const light = colour => parts(colour).slice(0, 3).map(one => one / 255)
    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0)
  const behind = one => {
    while (one && parts(getComputedStyle(one).backgroundColor)[3] === 0) one = one.parentElement
    return one ? light(getComputedStyle(one).backgroundColor) : 1
  }
  const texts = [...document.body.querySelectorAll('*')].filter(one => !one.closest('svg') &&
    [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
  return Math.min(...texts.map(one => {
    const [dark, bright] = [light(getComputedStyle(one).color), behind(one)].sort((a, b) => a - b)
    return (bright + 0.05) / (dark + 0.05)
  }))
})()"""
# the labels of the graph that are wider than their boxes
CUT = """[...document.querySelectorAll('.picture g')].filter(node =>
  node.querySelector('text').getBBox().width + 12 > node.querySelector('rect').getBBox().width).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan with every kind of change."""
    file = tmp_path_factory.mktemp("page") / "plan.html"
    file.write_text(render_html(EVERYTHING, AROUND), encoding="utf-8")
    return file


@pytest.mark.parametrize(("width", "scheme"), list(itertools.product(WIDTHS, SCHEMES)))
def test_every_difference_can_be_read(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.open(page, width, scheme)
    assert browser.evaluate("document.title").startswith("chat@prod: Plan: 4 to add, 2 to change, 3 to destroy")
    folded = sum(browser.evaluate(SEEN))
    browser.evaluate(OPEN_ALL)
    shown = browser.evaluate(SEEN)
    assert all(shown) and len(shown) > folded > 10, "invalidating changes are unfolded, the rest when asked"
    assert browser.evaluate(OVERFLOW) == 0, "the page scrolls sideways"
    assert browser.evaluate(CUT) == 0
    assert browser.evaluate(CONTRAST) >= 4.5
    assert browser.complaints() == []
    assert browser.requested() == [page.as_uri()]


def test_dark_and_light_are_two(browser: Browser, page: Path) -> None:
    colours = set()
    for scheme in SCHEMES:
        browser.open(page, 360, scheme)
        colours.add(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


def test_no_change_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "plan.html"
    file.write_text(render_html(NOTHING), encoding="utf-8")
    browser.open(file, 360, "light")
    assert "No changes. 12 resources checked, no differences." in browser.evaluate("document.body.innerText")
    assert (browser.complaints(), browser.evaluate(OVERFLOW)) == ([], 0)


def test_foreign_text_does_nothing(browser: Browser, tmp_path: Path) -> None:
    """All of the hostile texts on pages of their own would take minutes: one text holds those that a browser could act on."""
    text = " ".join(one for one in hostile_texts() if "<" in one)[:4000]
    file = tmp_path / "plan.html"
    file.write_text(render_html(hostile_plan(text), hostile_surroundings(text)), encoding="utf-8")
    browser.open(file, 360, "dark")
    browser.evaluate(OPEN_ALL)
    assert browser.evaluate("document.querySelectorAll('script, img, a, iframe, form, input, object').length") == 0
    assert (browser.complaints(), browser.requested()) == ([], [file.as_uri()])
    assert browser.evaluate(OVERFLOW) == 0


def test_a_browser_that_is_asked_too_much_complains(browser: Browser, tmp_path: Path) -> None:
    """What the other tests rely on: a request and a refused style are heard of."""
    file = tmp_path / "bad.html"
    text = render_html(NOTHING).replace(
        "</body>", '<img src="http://127.0.0.1:9/x.png"><b style="color:red">x</b></body>'
    )
    file.write_text(text, encoding="utf-8")
    browser.open(file, 360, "light")
    assert browser.complaints()
