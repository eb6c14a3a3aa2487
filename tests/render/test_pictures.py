"""The graph in its three forms, the expiry timeline, and the page they stand on."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from rendered_plans import AROUND, EVERYTHING, INVALIDATING, LIFE, NOTHING, NOW, large_plan

from genai_iac.core import Address
from genai_iac.render.common.markup import bar_svg, graph_svg
from genai_iac.render.graph import dot, layers, mermaid
from genai_iac.render.plan.context import AccessBeforeAfter, PlanContext, SecretExpiry, expiries_after
from genai_iac.render.plan.html import render_html


def _address(name: str) -> Address:
    return Address("ApiKey", name)


A, B, C, D = map(_address, "abcd")


def test_an_arrow_goes_from_what_is_needed() -> None:
    needs = {B: [A], C: [A, B], A: []}
    assert mermaid(needs) == (
        'flowchart LR\n  n0["ApiKey/a"]\n  n1["ApiKey/b"]\n  n2["ApiKey/c"]\n  n0 --> n1\n  n0 --> n2\n  n1 --> n2\n'
    )
    assert dot(needs).splitlines()[3:-1] == [
        '  n0 [label="ApiKey/a"];',
        '  n1 [label="ApiKey/b"];',
        '  n2 [label="ApiKey/c"];',
        "  n0 -> n1;",
        "  n0 -> n2;",
        "  n1 -> n2;",
    ]


def test_what_is_only_needed_is_drawn_too() -> None:
    assert 'n0["ApiKey/a"]' in mermaid({B: [A]})


def test_names_cannot_end_their_labels() -> None:
    needs = {_address('x"]; click n0 "https://evil'): [], _address("a\\"): []}
    assert mermaid(needs).count('"') == 4
    assert re.findall(r'label="((?:[^"\\]|\\.)*)"', dot(needs)) == [
        "ApiKey/a\\\\",
        'ApiKey/x\\"]; click n0 \\"https://evil',
    ]


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({}, []),
        ({A: []}, [[A]]),
        ({A: [], B: [A], C: [B], D: [A]}, [[A], [B, D], [C]]),
        ({C: [A, B], B: [A]}, [[A], [B], [C]]),
    ],
)
def test_layers(needs: dict[Address, list[Address]], expected: list[list[Address]]) -> None:
    assert layers(needs) == expected


def test_a_cycle_and_a_long_chain_end() -> None:
    assert sorted(address for layer in layers({A: [B], B: [A], C: [C]}) for address in layer) == [A, B, C]
    chain = {_address(f"n{number:05}"): [_address(f"n{number + 1:05}")] for number in range(5_000)}
    assert len(layers(chain)) == 5_001


def test_the_drawing_is_well_formed_and_has_every_node_and_arrow() -> None:
    picture = ET.fromstring(graph_svg({B: [A], C: [A, B]}, {A: "invalidate"}, {A: "!"}))
    assert [node.get("class") for node in picture.iter("g")] == ["invalidate", "", ""]
    assert [text.text for text in picture.iter("text")] == ["! ApiKey/a", "ApiKey/b", "ApiKey/c"]
    assert len(list(picture.iter("path"))) == 3
    long = ET.fromstring(graph_svg({_address("<&>" * 30): []}, {}, {}))
    assert [text.text for text in long.iter("text")] == ["ApiKey/<&><&><&><&><&><…"]


@pytest.mark.parametrize(("share", "width"), [(0.5, "50.0%"), (-1.0, "0.0%"), (7.0, "100.0%")])
def test_a_bar_stays_in_its_place(share: float, width: str) -> None:
    assert f'<rect width="{width}"' in bar_svg(share)


def test_expiries_are_those_after_the_plan_soonest_first() -> None:
    shown = {
        (str(expiry.address), expiry.secret): expiry.at.date().isoformat()
        for expiry in expiries_after(EVERYTHING, AROUND)
    }
    assert list(shown.values()) == sorted(shown.values())
    assert shown["ApiKey/front", "key-one"] == "2027-06-30"  # renewed to an exact date
    assert shown["ApiKey/front", "key-two"] == "2027-01-31"  # not renewed: what it has
    assert shown["ApiKey/chat-app", "key-two"] == "2027-02-21"  # a life counts from now
    assert shown["ApiKey/quiet", "key-one"] == "2026-11-28"  # left alone
    assert ("ApiKey/leaked", "key-one") not in shown  # revoked
    assert ("ApiKey/retired", "key-two") not in shown  # deleted


def test_a_renewed_life_counts_from_now() -> None:
    secrets = {"key-one": {"state": "active", "expires": LIFE}, "key-two": {"state": "inactive", "expires": LIFE}}
    plan = replace(
        EVERYTHING, changes=(replace(INVALIDATING[0], after={"secrets": secrets}, losses=INVALIDATING[0].losses[:1]),)
    )
    shown = {expiry.secret: expiry.at.date().isoformat() for expiry in expiries_after(plan, PlanContext(now=NOW))}
    assert shown == {"key-one": "2027-02-21", "key-two": "2027-01-31"}


def test_without_a_clock_lives_are_not_guessed() -> None:
    shown = {(str(expiry.address), expiry.secret) for expiry in expiries_after(EVERYTHING, PlanContext())}
    assert ("ApiKey/chat-app", "key-one") in shown
    assert ("ApiKey/chat-app", "key-two") not in shown


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    page = render_html(EVERYTHING, AROUND)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" in page
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import|style=|http:|https:", page)


STOPS = ("1 secret value stops working", "3 secret values stop working; none in use")


def test_the_page_has_every_part_that_there_is_something_for() -> None:
    page, empty = render_html(EVERYTHING, AROUND), render_html(NOTHING)
    for title in (
        "1 secret value stops working",
        "3 secret values stop working; none in use",
        "Notes",
        "Changes (13)",
        "Access",
        "Expirations",
        "Graph",
    ):
        assert f"<h2>{title}</h2>" in page
        assert title not in empty
    assert "No changes. 12 resources checked, no differences." in empty
    assert page.count("<details") == 13
    assert page.count(" open>") == len(INVALIDATING)
    assert "<bdi>${Compartment/chat.id} (known after apply)</bdi>" in page


def test_access_is_shown_side_by_side() -> None:
    page = render_html(NOTHING, PlanContext(access=AccessBeforeAfter(["a", "same"], ["same", "b"])))
    assert "<del><bdi>a</bdi></del>" in page
    assert "<ins><bdi>b</bdi></ins>" in page
    assert page.count('<span class="same"><bdi>same</bdi></span>') == 2
    assert '<span class="same soft">none</span>' in render_html(
        NOTHING, PlanContext(access=AccessBeforeAfter([], ["b"]))
    )


def test_a_graph_too_large_to_read_is_not_drawn() -> None:
    plan = large_plan(200)
    needs = {change.address: [A] for change in plan.changes}
    page = render_html(plan, PlanContext(now=NOW, needs=needs))
    assert "200 resources are too many to draw" in page
    few = replace(plan, changes=plan.changes[:3])
    assert render_html(few, PlanContext(needs=needs)).count("<g ") == 4


def test_a_long_list_of_expiries_is_cut_with_a_count() -> None:
    expiries = [SecretExpiry(_address(f"k{number}"), "one", NOW + timedelta(hours=number)) for number in range(1, 301)]
    page = render_html(NOTHING, PlanContext(now=NOW, expiries=expiries))
    assert page.count("<time ") == 200
    assert "and 100 later ones" in page


def test_the_style_sheet_fits_a_phone_and_the_dark() -> None:
    css = (Path(render_html.__code__.co_filename).parent / "page.css").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in css
    assert "max-width: 40rem" in css
    assert css.count("{") == css.count("}")
