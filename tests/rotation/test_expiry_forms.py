"""What `status` and `expiry` say in each form, for people, programs, calendars and monitors."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import timedelta

import pytest
from render.hostile import TOKEN, hostile_texts

from genai_iac.analysis.secret_status import due_within
from genai_iac.render.common.sanitize import columns
from genai_iac.render.common.terminal import Terminal
from genai_iac.render.expiry import render_expiry
from genai_iac.render.status import status_json, status_text

from .entries import ENTRIES, NOW, entry, hostile_entries
from .readers import read_calendar, read_metrics

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def test_status_lists_the_secrets_and_places_of_each_key() -> None:
    text = status_text("chat", ENTRIES, NOW)
    assert text == (
        "Stack chat at 2027-03-01T12:00:00Z\n"
        "\n"
        "ApiKey/chat-app  overlap: key-two to be retired\n"
        "  key-one  ACTIVE  current  expires in 12 days   used 4 minutes ago\n"
        "      sk-Rq****JZ1S in file secrets/chat-app.env, vault chat-app in …a1b2c3\n"
        "  key-two  ACTIVE  standby  expires in 30 hours  used 3 days ago\n"
        "      sk-Rq****JZ1S is in no readable sink\n"
        "\n"
        "ApiKey/embed  no rotation\n"
        "  key-one  ACTIVE    current  expires in 200 days  used 4 minutes ago\n"
        "      sk-Rq****JZ1S in file secrets/chat-app.env, vault chat-app in …a1b2c3\n"
        "  key-two  INACTIVE  stored   expires in 90 days   never used\n"
        "      sk-Rq****JZ1S in file secrets/chat-app.env, vault chat-app in …a1b2c3\n"
        "\n"
        "ApiKey/past  overlap: key-two to be retired\n"
        "  gone  REVOKED                         used 4 minutes ago\n"
        "  old   EXPIRED    expired 5 hours ago  used 4 minutes ago\n"
        "\n"
        "3 keys, 6 secrets.\n"
    )


def test_status_as_data() -> None:
    document = json.loads(status_json("chat", ENTRIES, NOW))
    assert document["now"] == "2027-03-01T12:00:00Z"
    first, second, *_, expired, revoked = document["secrets"]
    assert first["sinks"] == ["file secrets/chat-app.env", "vault chat-app in …a1b2c3"]
    assert (first["hours_left"], second["hours_left"], expired["hours_left"]) == (291.0, 30.0, None)
    assert revoked["hours_left"] is None and revoked["role"] is None
    assert set(first) == {
        "address", "id", "secret", "state", "mask", "role", "expires", "hours_left", "last_used", "sinks", "rotation", "project",
    }  # fmt: skip


def test_expiry_is_a_table_and_a_timeline_with_the_nearest_first() -> None:
    text = render_expiry("text", "chat", ENTRIES, NOW, (ENTRIES[1],))
    assert text == (
        "Stack chat at 2027-03-01T12:00:00Z\n"
        "\n"
        "2027-03-01T07:00:00Z  expired 5 hours ago  ApiKey/past      old      EXPIRED\n"
        "2027-03-02T18:00:00Z  in 30 hours          ApiKey/chat-app  key-two  ACTIVE\n"
        "    standby\n"
        "2027-03-13T15:00:00Z  in 12 days           ApiKey/chat-app  key-one  ACTIVE\n"
        "    current\n"
        "2027-05-30T12:00:00Z  in 90 days           ApiKey/embed     key-two  INACTIVE\n"
        "    stored\n"
        "2027-09-17T12:00:00Z  in 200 days          ApiKey/embed     key-one  ACTIVE\n"
        "    current\n"
        "\n"
        "ApiKey/chat-app key-two  ●\n"
        "ApiKey/chat-app key-one  ━━●\n"
        "ApiKey/embed key-two     ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌○\n"
        "ApiKey/embed key-one     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━●\n"
        "                         now                                        in 200 days\n"
        "\n"
        "1 working secret expires within 30 hours.\n"
    )


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(seconds=1), "in 1 second"),
        (timedelta(minutes=59, seconds=59), "in 59 minutes"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(hours=23, minutes=59), "in 23 hours"),
        (timedelta(hours=24), "in 24 hours"),
        (timedelta(hours=47, minutes=59), "in 47 hours"),
        (timedelta(hours=48), "in 2 days"),
        (timedelta(hours=-30), "expired 30 hours ago"),
    ],
)
def test_a_short_lifetime_is_shown_in_hours(left: timedelta, words: str) -> None:
    text = render_expiry("text", "chat", (entry(expires=left),), NOW)
    assert f"  {words}  " in text
    assert not re.search(r"\b[01] days?\b", text)


@pytest.mark.parametrize(
    ("role", "title"),
    [("current", "1 current secret has expired and 1 working secret expires within 30 hours."), ("", "")],
)
def test_what_callers_read_is_reported_when_it_has_expired_already(role: str, title: str) -> None:
    """An alarm must not end when what it warned of happens."""
    expired = entry(state="EXPIRED", role=role, expires=timedelta(hours=-5))
    soon = entry("key-two", expires=timedelta(hours=30), role="standby")
    expiring = due_within((expired, soon), timedelta(days=2), NOW)
    assert (expired in expiring) == bool(title) and soon in expiring
    assert title in render_expiry("text", "chat", (expired, soon), NOW, expiring)


def test_a_stack_without_mortal_secrets_says_so() -> None:
    assert "No secret of this stack expires." in render_expiry("text", "chat", (), NOW)
    assert "No secret works." in render_expiry("text", "chat", (entry(state="INACTIVE"),), NOW)
    assert status_text("chat", (), NOW).endswith("\n0 keys, 0 secrets.\n")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("terminal", [Terminal(), Terminal(colour=True), Terminal(unicode=False)], ids=str)
def test_lines_fit_the_terminal(width: int, terminal: Terminal) -> None:
    fitting = Terminal(width, terminal.colour, terminal.unicode)
    for text in (
        status_text("chat", ENTRIES, NOW, fitting),
        render_expiry("text", "chat", ENTRIES, NOW, ENTRIES[:2], fitting),
    ):
        shown = COLOUR.sub("", text)
        assert [line for line in shown.splitlines() if columns(line) > width] == []
        assert terminal.unicode or (shown.isascii() and "\\u2" not in shown.replace("\\u2026", ""))


def test_expiry_as_data_points_out_the_dying() -> None:
    document = json.loads(render_expiry("json", "chat", ENTRIES, NOW, (ENTRIES[1],)))
    assert [(one["secret"], one["dying"]) for one in document["secrets"]][:3] == [
        ("old", False),
        ("key-two", True),
        ("key-one", False),
    ]


def test_the_calendar_has_an_event_for_each_working_secret() -> None:
    calendar = read_calendar(render_expiry("ics", "chat", ENTRIES, NOW))
    assert (calendar["VERSION"], calendar["PRODID"]) == ("2.0", "-//genai-iac//expiry//EN")
    assert [event.text("SUMMARY") for event in calendar.inner] == [
        "ApiKey/chat-app key-two expires",
        "ApiKey/chat-app key-one expires",
        "ApiKey/embed key-one expires",
    ]
    event = calendar.inner[1]
    assert (event["DTSTAMP"], event["DTSTART"]) == ("20270301T120000Z", "20270313T150000Z")
    assert "sk-Rq****JZ1S stops working" in event.text("DESCRIPTION")
    assert "file secrets/chat-app.env, vault chat-app" in event.text("DESCRIPTION")
    assert [(alarm.name, alarm["ACTION"], alarm["TRIGGER"]) for alarm in event.inner] == [
        ("VALARM", "DISPLAY", "-P14D"),
        ("VALARM", "DISPLAY", "-P2D"),
    ]
    assert len({event["UID"] for event in calendar.inner}) == 3


def test_a_renewed_secret_keeps_its_event() -> None:
    before, after = (
        read_calendar(render_expiry("ics", "chat", (one,), NOW)).inner[0]
        for one in (entry(), entry(expires=timedelta(days=90), mask="sk-Zz****9999"))
    )
    assert before["UID"] == after["UID"]
    assert before["DTSTART"] < after["DTSTART"]


def test_metrics_have_a_sample_for_each_secret() -> None:
    samples = read_metrics(render_expiry("prometheus", "chat", ENTRIES, NOW))
    expiries = {
        (labels["address"], labels["secret"]): value
        for labels, value in samples["genai_iac_secret_expiry_timestamp_seconds"]
    }
    assert expiries["ApiKey/chat-app", "key-two"] == (NOW + timedelta(hours=30)).timestamp()
    assert ("ApiKey/past", "gone") not in expiries
    assert len(samples["genai_iac_secret_last_used_timestamp_seconds"]) == 5
    assert samples["genai_iac_read_timestamp_seconds"] == [({"stack": "chat"}, NOW.timestamp())]
    assert {labels["state"] for labels, _ in samples["genai_iac_secret_sinks"]} == {
        "ACTIVE", "INACTIVE", "EXPIRED", "REVOKED",
    }  # fmt: skip


@pytest.mark.parametrize("text", [pytest.param(text, id=str(number)) for number, text in enumerate(hostile_texts())])
def test_foreign_text_stays_what_it_is(text: str) -> None:
    entries = hostile_entries(text)
    for form in ("text", "json", "ics", "prometheus"):
        output = render_expiry(form, text, entries, NOW)
        _check_plain(output.replace("\r\n", "\n") if form == "ics" else output)
    for output in (status_text(text, entries, NOW), status_json(text, entries, NOW)):
        _check_plain(output)
    events = read_calendar(render_expiry("ics", text, entries, NOW)).inner
    assert [event.name for event in events] == ["VEVENT"]
    samples = read_metrics(render_expiry("prometheus", text, entries, NOW))
    assert [len(each) for each in samples.values()] == [2, 2, 2, 1]
    assert TOKEN in str(samples) or len(text) > 255
    lines = status_text("chat", entries, NOW).splitlines()
    assert [
        line for line in lines if not line.startswith(("Stack chat", "ApiKey/chat-app", '"ApiKey/', " ", "2 keys"))
    ] == [""] * lines.count("")


def _check_plain(output: str) -> None:
    output.encode("utf-8")
    found = {
        character for character in output if unicodedata.category(character)[0] in "C" or character in "\u2028\u2029"
    }
    assert found <= {"\n"}
    assert not [line for line in output.split("\n") if line.lstrip().startswith("::") or "##[" in line]
