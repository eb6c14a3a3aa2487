"""The plan for a terminal: its width, its last line, its words and its symbols."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace
from rendered_plans import AROUND, CREATES, EVERYTHING, INVALIDATING, NOTHING, NOW, UPDATES, large_plan

from genai_iac.cli import cli
from genai_iac.core import Action, Address, Change, Invalidation, Lifetime, Notice, Plan, Reference
from genai_iac.render.common.phrases import elapsed_words, join_words, loss_words, plan_line, sign
from genai_iac.render.common.sanitize import columns
from genai_iac.render.common.terminal import Terminal
from genai_iac.render.plan.context import PlanContext, SecretExpiry
from genai_iac.render.plan.differences import Edit
from genai_iac.render.plan.text import render_text

LIFE = Lifetime("90d", timedelta(days=90))
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(
    "plan", [EVERYTHING, NOTHING, large_plan(7, "日本語の説明 " * 30)], ids=["everything", "nothing", "wide letters"]
)
def test_no_line_but_the_last_is_wider_than_the_terminal(plan: Plan, colour: bool, width: int) -> None:
    *lines, last = render_text(plan, AROUND, Terminal(width, colour)).splitlines()
    assert [line for line in lines if columns(COLOUR.sub("", line)) > width] == []
    assert COLOUR.sub("", last) == plan_line(plan)


def test_colours_change_nothing_else() -> None:
    assert COLOUR.sub("", render_text(EVERYTHING, AROUND, Terminal(colour=True))) == render_text(
        EVERYTHING, AROUND, Terminal()
    )
    assert "\x1b" not in render_text(EVERYTHING, AROUND, Terminal())


def test_ascii_is_ascii_at_the_same_width() -> None:
    lines = render_text(EVERYTHING, AROUND, Terminal(80, unicode=False)).splitlines()
    assert all(line.isascii() for line in lines)
    assert max(map(len, lines[:-1])) <= 80


@pytest.mark.parametrize(
    ("actions", "line"),
    [
        ([("create",), ("create",), ("update",)], "Plan: 2 to add, 1 to change, 0 to destroy."),
        ([("renew",)], "Plan: 0 to add, 0 to change, 0 to destroy, 1 to rotate."),
        (
            [("update", "renew", "deactivate"), ("delete",)],
            "Plan: 0 to add, 1 to change, 1 to destroy, 1 to rotate, 1 to deactivate.",
        ),
        (
            [("activate",), ("revoke",), ("forget",), ("deliver",)],
            "Plan: 0 to add, 0 to change, 0 to destroy, 1 to activate, 1 to revoke, 1 to forget, 1 to deliver.",
        ),
        ([("delete", "create")], "Plan: 1 to add, 0 to change, 1 to destroy."),
        ([], "No changes."),
    ],
)
def test_the_last_line(actions: list[tuple[Action, ...]], line: str) -> None:
    plan = replace(
        NOTHING, changes=tuple(Change(Address("ApiKey", f"k{n}"), each, "") for n, each in enumerate(actions))
    )
    assert render_text(plan).splitlines()[-1] == line


@pytest.mark.parametrize(
    ("actions", "invalidates", "mark"),
    [
        (("create",), False, "+"),
        (("create", "deliver"), False, "+"),
        (("update",), False, "~"),
        (("activate",), False, "~"),
        (("delete",), False, "-"),
        (("delete",), True, "!"),
        (("delete", "create"), False, "-/+"),
        (("delete", "create"), True, "!"),
        (("renew",), False, "!"),
        (("update", "revoke"), True, "!"),
        (("deactivate",), False, "!"),
        (("forget",), False, "."),
        (("deliver",), False, "="),
    ],
)
def test_symbols(actions: tuple[Action, ...], invalidates: bool, mark: str) -> None:
    losses = (Invalidation("key-one", None, "delete"),) if invalidates else ()
    change = Change(Address("ApiKey", "k"), actions, "", losses=losses)
    assert sign(change) == mark
    assert re.search(
        rf"^ *{re.escape(mark)} ApiKey/k  {join_words(actions)}$",
        render_text(replace(NOTHING, changes=(change,))),
        re.MULTILINE,
    )


@pytest.mark.parametrize(
    ("elapsed", "words"),
    [
        (timedelta(seconds=-30), "a moment"),
        (timedelta(), "a moment"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=4, seconds=59), "4 minutes"),
        (timedelta(minutes=61), "1 hour"),
        (timedelta(hours=23, minutes=59), "23 hours"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(hours=48), "2 days"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_elapsed_time_is_shown_as_it_is(elapsed: timedelta, words: str) -> None:
    assert elapsed_words(elapsed) == words
    assert loss_words(Invalidation("k", NOW - elapsed, "revoke"), NOW).startswith(f"was last used {words} ago; revoke ")


def test_without_a_clock_the_moment_itself_is_shown() -> None:
    assert loss_words(Invalidation("k", NOW, "renew"), None).startswith("was last used at 2026-11-23T12:00:00Z; ")
    assert loss_words(Invalidation("k", None, "renew"), None).startswith("has no recorded use; ")


def test_what_after_does_not_mention_is_kept() -> None:
    text = _changed({"a": "1", "tags": {"x": "1", "y": "2"}}, {"tags": {"x": "3"}})
    assert 'tags.x: "1" → "3"' in text
    assert "tags.y" not in text
    assert " a:" not in text


def test_a_lifetime_is_no_difference_unless_a_value_is_created() -> None:
    before = {
        "secrets": {"one": {"expires": "2026-12-31T00:00:00+00:00"}, "two": {"expires": "2026-12-31T00:00:00+00:00"}}
    }
    after = {"secrets": {"one": {"expires": LIFE}, "two": {"expires": LIFE}}}
    assert "expires" not in _changed(before, after)
    change = Change(Address("ApiKey", "k"), ("renew",), "", before, after, losses=(Invalidation("two", None, "renew"),))
    text = render_text(replace(NOTHING, changes=(change,)))
    assert "secrets.two.expires: 2026-12-31T00:00:00Z → 90d" in text
    assert "secrets.one" not in text


def test_the_same_moment_written_otherwise_is_no_difference() -> None:
    assert "at:" not in _changed({"at": "2027-01-01T00:00:00+00:00"}, {"at": "2027-01-01T00:00:00Z"})
    assert "at: 2027-01-01T00:00:00Z → 2027-01-01T00:00:01Z" in _changed(
        {"at": "2027-01-01T00:00:00+00:00"}, {"at": "2027-01-01T00:00:01Z"}
    )


def test_items_with_names_are_reported_by_name() -> None:
    text = _changed(
        {"keys": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]},
        {"keys": [{"name": "b", "v": 2}, {"name": "a", "v": 1}]},
    )
    assert "keys.b.v: 1 → 2" in text
    assert "keys.a" not in text


def test_items_without_names_are_reported_by_number() -> None:
    assert "keys.1.v: false → true" in _changed(
        {"keys": [{"v": True}, {"v": False}]}, {"keys": [{"v": True}, {"v": True}]}
    )


def test_statements_can_be_compared_by_who_knows_better() -> None:
    around = PlanContext(compare_texts=lambda before, after: [Edit(before[0], after[0], "verb use → manage")])
    text = render_text(replace(NOTHING, changes=(UPDATES[1],)), around, Terminal(unicode=False))
    assert "(verb use -> manage)" in text
    assert "old-hands" not in text


def test_an_ocid_is_shown_with_what_people_call_it() -> None:
    around = PlanContext(names={"ocid1.compartment.oc1..a": "/platform/chat"})
    text = _changed(
        {"compartmentId": "ocid1.compartment.oc1..a"}, {"compartmentId": Reference(Address("Compartment", "b"))}, around
    )
    assert '- "/platform/chat" "ocid1.compartment.oc1..a"' in text
    assert "+ ${Compartment/b.id} (known after apply)" in text


def test_ocids_are_shortened_in_their_middle_only_when_they_must_be() -> None:
    before, after = ({"compartmentId": f"ocid1.compartment.oc1..{letter * 52}{letter}end"} for letter in "ab")
    assert 'compartmentId: "ocid1.compartment.oc1..aaaaaa…aaaaaend"' in _created(before)
    assert "aaaaend" in _changed(before, after)
    similar = {"compartmentId": f"ocid1.compartment.oc1..{'a' * 30}b{'a' * 22}end"}
    assert f'+ "ocid1.compartment.oc1..{"a" * 30}b' in _changed(before, similar)  # shortened, the two would look alike
    wide = render_text(replace(NOTHING, changes=(_update(before, after),)), None, Terminal(240))
    assert f'"{before["compartmentId"]}" → "{after["compartmentId"]}"' in wide


@pytest.mark.parametrize(
    ("days", "said"),
    [(-1, "ApiKey/k key-one expired 24 hours ago, at"), (13, "ApiKey/k key-one expires in 13 days, at"), (15, None)],
)
def test_the_nearest_expiry_is_reported(days: int, said: str | None) -> None:
    around = PlanContext(
        now=NOW, expiries=[SecretExpiry(Address("ApiKey", "k"), "key-one", NOW + timedelta(days=days))]
    )
    text = render_text(NOTHING, around, Terminal(200))
    assert (said in text) if said else ("expire" not in text)


def test_a_renewed_secret_does_not_die_of_its_old_expiry() -> None:
    around = PlanContext(
        now=NOW + timedelta(days=35),
        expiries=[SecretExpiry(INVALIDATING[0].address, "key-one", NOW + timedelta(days=37))],
    )
    assert "ApiKey/front key-one expires" not in render_text(
        replace(EVERYTHING, changes=INVALIDATING[:1]), around, Terminal(200)
    )


@pytest.mark.parametrize(("state", "shown"), [("active", True), ("inactive", False)])
def test_a_secret_that_is_off_dies_without_a_word(state: str, shown: bool) -> None:
    on = {"secrets": {"key-one": {"state": "active", "expires": (NOW + timedelta(days=3)).isoformat()}}}
    after = {"secrets": {"key-one": {**on["secrets"]["key-one"], "state": state}}}
    text = render_text(replace(NOTHING, changes=(_update(on, after),)), PlanContext(now=NOW), Terminal(200))
    assert ("key-one expires in 3 days" in text) == shown


def test_notices_name_their_resource() -> None:
    plan = replace(NOTHING, notices=(Notice("something", Address("ApiKey", "k")), Notice("else")))
    assert "Note: ApiKey/k: something\nNote: else\n" in render_text(plan)


def test_sources_and_sinks_are_shown_where_they_are_known() -> None:
    alone, around = (
        render_text(replace(EVERYTHING, changes=CREATES), surroundings) for surroundings in (PlanContext(), AROUND)
    )
    assert "stacks/chat.yaml:19:1" in around
    assert "= key-one and key-two → file secrets/chat-app.env, vault chat-app" in around
    assert "= key-one and key-two → its sinks" in alone


def _update(before: dict[str, object], after: dict[str, object]) -> Change:
    return Change(Address("ApiKey", "k"), ("update",), "because", before, after)  # type: ignore[arg-type]


def _changed(before: dict[str, object], after: dict[str, object], around: PlanContext | None = None) -> str:
    return render_text(replace(NOTHING, changes=(_update(before, after),)), around)


def _created(after: dict[str, object]) -> str:
    change = Change(Address("ApiKey", "k"), ("create",), "because", None, after)  # type: ignore[arg-type]
    return render_text(replace(NOTHING, changes=(change,)))


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize(
    "whole",
    [
        f"ocid1.tenancy.oc1..{'a' * 60}",
        f"(ocid1.compartment.oc1..{'b' * 60}).",
        "genai-iac --env prod --var 'x=a b' rotate ApiKey/chat-app 'stacks/a b' --accept-outage",
        f"genai-iac import Policy/p ocid1.policy.oc1..{'c' * 60}",
        f"{'A1' * 16}/{'B2' * 16}/{'C3' * 16}",
        f"{'A1' * 16}/{'B2' * 16})",
    ],
)
def test_an_ocid_and_a_command_stay_on_one_line(whole: str, width: int) -> None:
    lines = Terminal(width).wrap(f"some words before it: {whole}; and {'many words ' * 20}", "Note: ", "      ")
    assert len(lines) > 2 and sum(whole in line for line in lines) == 1


def test_the_command_of_every_verb_stays_on_one_line() -> None:
    for verb in cli.list_commands(None):  # type: ignore[arg-type]
        whole = f"genai-iac {verb} --one-option of-a-value --another-option of-another"
        lines = Terminal(40).wrap(f"some words before it: {whole}; and more words", "Note: ", "      ")
        assert sum(whole in line for line in lines) == 1, verb
