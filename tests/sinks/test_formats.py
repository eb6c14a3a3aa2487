"""The two forms of contents: what consumers read, that nothing is lost on the way, and that nothing damaged passes for whole."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_iac.core import Address, Item, Record, Secret
from genai_iac.delivery.sinks import _dotenv, _json_format
from genai_iac.delivery.sinks._contents import Contents, Unreadable, sort_items

from .samples import ADDRESS, BASE_URL, KEY_ID, OWNER, VALUES, item, mask

FORMATS = pytest.mark.parametrize("form", [_dotenv, _json_format], ids=["dotenv", "json"])
ALL_ROLES = Contents(
    OWNER, ADDRESS, KEY_ID, BASE_URL, (item("key-one", "a", "current"), item("key-two", "b", "standby"))
)

ZONES = [UTC, timezone(timedelta(hours=5, minutes=30))]
MOMENTS = datetime(2000, 1, 1), datetime(2100, 1, 1)

roles = st.sampled_from(["current", "standby", "pending", "inactive"])
texts = st.text(st.characters(codec="utf-8"), max_size=40)
moments = st.none() | st.datetimes(MOMENTS[0], MOMENTS[1], timezones=st.sampled_from(ZONES))
items = st.builds(Item, st.builds(Record, texts, texts, roles, moments), st.builds(Secret, texts))
addresses = st.builds(Address, st.just("ApiKey"), st.from_regex("[a-z]{1,9}", fullmatch=True))
contents = st.builds(Contents, texts, addresses, texts, texts, st.lists(items, max_size=4).map(tuple))


def test_dotenv_looks_like_this() -> None:
    text = _dotenv.render(
        replace(ALL_ROLES, items=(*ALL_ROLES.items, item("key-x", "c", "pending"), item("key-y", "c", "inactive")))
    )
    assert text
    lines = text.reveal().splitlines()
    assert [line for line in lines if not line.startswith("# genai-iac: ")] == [
        "# Written whole at every delivery: keep other variables in another file.",
        f"OPENAI_BASE_URL={BASE_URL}",
        f"OPENAI_API_KEY={VALUES['a']}",
        f"OPENAI_API_KEY_STANDBY={VALUES['b']}",
        f"OPENAI_API_KEY_PENDING={VALUES['c']}",
        f"# OPENAI_API_KEY_INACTIVE={VALUES['c']}",
    ]
    records = [json.loads(line.removeprefix("# genai-iac: ")) for line in lines if line.startswith("# genai-iac: ")]
    assert records[0] == {"format": 1, "address": "ApiKey/chat-app", "id": KEY_ID, "owner": OWNER}
    assert {name: records[1][name] for name in ("secret", "mask", "role", "expires")} == {
        "secret": "key-one",
        "mask": mask("a"),
        "role": "current",
        "expires": "2027-06-30T12:30:15.250000Z",
    }


def test_json_looks_like_this() -> None:
    data = json.loads(_json_format.render(ALL_ROLES).reveal())
    assert data.pop("genai-iac")["records"][1]["mask"] == mask("b")
    assert data == {"OPENAI_API_KEY": VALUES["a"], "OPENAI_API_KEY_STANDBY": VALUES["b"], "OPENAI_BASE_URL": BASE_URL}


@FORMATS
def test_a_second_secret_of_a_kind_gets_a_name_of_its_own(form: ModuleType) -> None:
    several = replace(ALL_ROLES, items=(item("key-one", "a", "pending"), item("key-two", "b", "pending")))
    text = form.render(several).reveal()
    assert "OPENAI_API_KEY_PENDING_2" in text and '"OPENAI_API_KEY"' not in text and "OPENAI_API_KEY=" not in text
    assert form.parse(Secret(text)) == several


def test_a_shell_reads_the_values_and_nothing_else(tmp_path: Path) -> None:
    odd = 'sk-with $(touch hacked) `touch hacked` ; & | " < > # spaces'
    inside = replace(
        ALL_ROLES,
        items=sort_items(
            [
                *ALL_ROLES.items,
                item("key-x", "c", "inactive"),
                Item(Record("key-y", "sk-w****", "pending"), Secret(odd)),
            ]
        ),
    )
    text = _dotenv.render(inside)
    assert text
    (tmp_path / "chat.env").write_text(text.reveal())
    script = "set -a; . ./chat.env; env | grep ^OPENAI_ | sort"
    for shell in filter(shutil.which, ("sh", "bash", "dash")):
        ran = subprocess.run([shell, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert ran.stdout.splitlines() == [
            f"OPENAI_API_KEY={VALUES['a']}",
            f"OPENAI_API_KEY_PENDING={odd}",
            f"OPENAI_API_KEY_STANDBY={VALUES['b']}",
            f"OPENAI_BASE_URL={BASE_URL}",
        ]
        assert ran.stderr == "" and not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("value", ["a'b", "a\\b", "a\nOPENAI_API_KEY=evil", "a\0", "ä", "\x1b"])
def test_dotenv_refuses_what_its_readers_disagree_on(value: str) -> None:
    assert _dotenv.render(replace(ALL_ROLES, items=(Item(Record("key-one", "m", "current"), Secret(value)),))) is None


@settings(deadline=None)
@given(contents)
def test_json_gives_back_what_it_was_given(whole: Contents) -> None:
    assert _json_format.parse(_json_format.render(whole)) == whole


@settings(deadline=None)
@given(contents)
def test_dotenv_gives_back_what_it_was_given_or_refuses_it_before(whole: Contents) -> None:
    text = _dotenv.render(whole)
    assert text is None or _dotenv.parse(text) == whole


@FORMATS
@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_text_never_gives_a_record_a_value_that_is_not_its_own(form: ModuleType, data: st.DataObject) -> None:
    text = form.render(ALL_ROLES).reveal()
    place = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 60))
    damaged = text[:place] + data.draw(st.text(max_size=3)) + text[place + length :]
    found = form.parse(Secret(damaged))
    whole = {(one.record.secret, one.record.mask): one.value for one in ALL_ROLES.items}
    if isinstance(found, Contents):
        assert all(whole.get((one.record.secret, one.record.mask)) == one.value for one in found.items)
    else:
        assert found is None or isinstance(found, Unreadable)


@FORMATS
def test_a_value_changed_by_hand_is_no_longer_held_and_the_other_one_is(form: ModuleType) -> None:
    text = form.render(ALL_ROLES).reveal().replace(VALUES["a"], "sk-by-hand")
    found = form.parse(Secret(text))
    assert isinstance(found, Contents) and [one.record.secret for one in found.items] == ["key-two"]


@FORMATS
def test_every_line_that_is_added_or_lost_is_seen(form: ModuleType) -> None:
    lines = form.render(ALL_ROLES).reveal().splitlines()
    for number in range(len(lines)):
        lost = form.parse(Secret("\n".join(lines[:number] + lines[number + 1 :])))
        assert isinstance(lost, Unreadable), number
    for number in range(1, len(lines)):
        added = form.parse(Secret("\n".join([*lines[:number], "FOO=bar", *lines[number:]])))
        assert isinstance(added, Unreadable), number


@FORMATS
@pytest.mark.parametrize("value", ["two words", "$HOME", '"', "#", "a`b", "=", "'quoted'", "~", " lead", "trail "])
def test_odd_values_come_back_as_they_were(form: ModuleType, value: str) -> None:
    odd = replace(ALL_ROLES, base_url="https://x/ y", items=(Item(Record("key-one", "m", "current"), Secret(value)),))
    text = form.render(odd)
    assert form.parse(text) == odd if text else "'" in value


@FORMATS
@pytest.mark.parametrize("text", ["", " \n", "\n\n"])
def test_an_empty_text_holds_nothing(form: ModuleType, text: str) -> None:
    assert form.parse(Secret(text)) is None


@FORMATS
@pytest.mark.parametrize(
    "text",
    ["[" * 60_000, '{"a":' * 10_000, "# genai-iac: " + "[" * 60_000, '{"genai-iac": {}}', "# genai-iac: {}", "null"],
)
def test_hostile_texts_end_in_a_reason(form: ModuleType, text: str) -> None:
    assert isinstance(form.parse(Secret(text)), Unreadable)


@FORMATS
def test_a_text_of_ours_that_was_changed_is_told_from_one_that_never_was_ours(form: ModuleType) -> None:
    text = form.render(ALL_ROLES).reveal()
    changed = form.parse(Secret(text.replace('"mask"', '"mark"')))
    strange = form.parse(Secret('{"OPENAI_API_KEY": "sk-mine"}'))
    assert isinstance(changed, Unreadable) and changed.ours and "changed by another hand" in changed.why
    assert isinstance(strange, Unreadable) and not strange.ours
