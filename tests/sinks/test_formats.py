"""The two forms of contents: what consumers read, that nothing is lost on the way, and that nothing damaged passes for whole."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genai_iac.core import Address, Item, Record, Secret
from genai_iac.delivery.sinks import _dotenv, _json_format
from genai_iac.delivery.sinks._base import Names
from genai_iac.delivery.sinks._contents import Contents, Unreadable, sort_items
from genai_iac.delivery.sinks._dotenv import read_dotenv
from genai_iac.delivery.sinks._json_format import read_json

from .samples import ADDRESS, BASE_URL, KEY_ID, OWNER, VALUES, item, mask


def parse_dotenv(text: Secret) -> Contents | Unreadable | None:
    """The one key in a dotenv file; where a damaged record names another key, its values count as well."""
    found = read_dotenv(text)
    if found is None or isinstance(found, Unreadable):
        return found
    first, *others = found.sections
    return replace(first, items=(*first.items, *(item for one in others for item in one.items)))


DOTENV = SimpleNamespace(render=_dotenv.render, parse=parse_dotenv)
JSON = SimpleNamespace(render=_json_format.render, parse=read_json)
FORMATS = pytest.mark.parametrize("form", [DOTENV, JSON], ids=["dotenv", "json"])
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
        "# Written by genai-iac at every delivery. Lines that begin with '# genai-iac:' are its records: keep them.",
        f"OPENAI_BASE_URL={BASE_URL}",
        f"OPENAI_API_KEY={VALUES['a']}",
        f"OPENAI_API_KEY_STANDBY={VALUES['b']}",
        f"OPENAI_API_KEY_PENDING={VALUES['c']}",
        f"# OPENAI_API_KEY_INACTIVE={VALUES['c']}",
    ]
    records = [json.loads(line.removeprefix("# genai-iac: ")) for line in lines if line.startswith("# genai-iac: ")]
    whose = {"address": "ApiKey/chat-app", "id": KEY_ID, "owner": OWNER}
    assert records[0] == {"format": 2, **whose, "base_url": BASE_URL, "env": Names().as_env}
    assert all(whose.items() <= record.items() for record in records)
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
def test_a_second_secret_of_a_kind_gets_a_name_of_its_own(form: SimpleNamespace) -> None:
    several = replace(ALL_ROLES, items=(item("key-one", "a", "pending"), item("key-two", "b", "pending")))
    text = form.render(several).reveal()
    assert "OPENAI_API_KEY_PENDING_2" in text and "OPENAI_API_KEY=" not in text and '"OPENAI_API_KEY":' not in text
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
    assert read_json(_json_format.render(whole)) == whole


@settings(deadline=None)
@given(contents)
def test_dotenv_gives_back_what_it_was_given_or_refuses_it_before(whole: Contents) -> None:
    text = _dotenv.render(whole)
    assert text is None or parse_dotenv(text) == whole


@FORMATS
@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_text_never_gives_a_record_a_value_that_is_not_its_own(
    form: SimpleNamespace, data: st.DataObject
) -> None:
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
def test_a_value_changed_by_hand_is_no_longer_held_and_the_other_one_is(form: SimpleNamespace) -> None:
    text = form.render(ALL_ROLES).reveal().replace(VALUES["a"], "sk-by-hand")
    found = form.parse(Secret(text))
    assert isinstance(found, Contents) and [one.record.secret for one in found.items] == ["key-two"]


def test_whatever_line_of_a_dotenv_file_is_lost_the_other_values_are_still_held() -> None:
    lines = _lines(DOTENV)
    note = next(number for number, line in enumerate(lines) if line.startswith("# Written"))
    for number in range(len(lines)):
        found = parse_dotenv(Secret("\n".join(lines[:number] + lines[number + 1 :])))
        assert isinstance(found, Contents), number
        lost = [] if number < 3 else ["key-one"] if number < 5 else ["key-two"]
        assert [item.record.secret for item in found.items] == [
            name for name in ("key-one", "key-two") if name not in lost
        ], number
        assert bool(found.damage) is (number not in (note, 2)), number


def test_lines_of_another_hand_are_kept_as_they_are() -> None:
    lines = _lines(DOTENV)
    for number in range(2, len(lines) + 1):
        edited = "\n".join([*lines[:number], "FOO='bar baz'", *lines[number:]])
        found = read_dotenv(Secret(edited))
        assert found and not isinstance(found, Unreadable)
        (contents,) = found.sections
        assert found.others([contents]).reveal() == "FOO='bar baz'\n"
        between = number in (4, 6)  # a record and the line below it were torn apart
        assert len(contents.items) == (1 if between else 2), number


def test_every_field_of_json_that_is_added_is_seen() -> None:
    data = json.loads(_json_format.render(ALL_ROLES).reveal())
    added = read_json(Secret(json.dumps({**data, "FOO": "bar"})))
    assert isinstance(added, Unreadable) and "FOO" in added.why and "intact" in added.hint
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        lost = read_json(Secret(json.dumps({key: value for key, value in data.items() if key != name})))
        assert isinstance(lost, Contents) and lost.damage


def _lines(form: SimpleNamespace) -> list[str]:
    return list(form.render(ALL_ROLES).reveal().splitlines())


UNCHANGED = {
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "old mac": lambda text: text.replace("\n", "\r"),
    "byte order mark": lambda text: "\ufeff" + text,
    "blank lines": lambda text: "\n" + text.replace("\n", "\n\n"),
    "trailing spaces": lambda text: text.replace("\n", "  \t\n"),
    "no last line end": lambda text: text.rstrip("\n"),
    "all of them": lambda text: "\ufeff" + text.replace("\n", " \r\n\r\n"),
}


@FORMATS
@pytest.mark.parametrize("change", UNCHANGED)
def test_what_editors_and_git_add_is_not_content(form: SimpleNamespace, change: str) -> None:
    found = form.parse(Secret(UNCHANGED[change](form.render(ALL_ROLES).reveal())))
    assert found == ALL_ROLES and found.damage == ""


@pytest.mark.parametrize("wording", ["# Another sentence.", "#", "# genai-iac wrote this", "", "# OTHER=1"])
def test_a_delivered_file_is_not_recognised_by_its_wording(wording: str) -> None:
    head, _, *rest = _lines(DOTENV)
    found = read_dotenv(Secret("\n".join([head, wording, *rest])))
    assert found and not isinstance(found, Unreadable)
    assert found.sections == (ALL_ROLES,) and not found.sections[0].damage
    assert found.others([ALL_ROLES]).reveal() == ""


FIRST_FORMAT = """\
# genai-iac: {"format": 1, "address": "ApiKey/chat-app", "id": "KEY", "owner": "chat@dev"}
# Written whole at every delivery: keep other variables in another file.
OPENAI_BASE_URL=https://example.com/v1
# genai-iac: {"secret": "key-one", "mask": "m", "role": "current", "expires": null, "digest": "DIGEST1"}
OPENAI_API_KEY=sk-one
# genai-iac: {"secret": "key-two", "mask": "m", "role": "inactive", "expires": null, "digest": "DIGEST2"}
# OPENAI_API_KEY_INACTIVE=sk-two
"""


def _first_format(text: str) -> Secret:
    for number, (name, value) in enumerate([("key-one", "sk-one"), ("key-two", "sk-two")], 1):
        text = text.replace(f"DIGEST{number}", hashlib.sha256(f"{name}\0m\0{value}".encode()).hexdigest())
    return Secret(text)


def test_what_the_version_before_wrote_is_read() -> None:
    expected = Contents(
        OWNER,
        ADDRESS,
        "KEY",
        "https://example.com/v1",
        (
            Item(Record("key-one", "m", "current"), Secret("sk-one")),
            Item(Record("key-two", "m", "inactive"), Secret("sk-two")),
        ),
    )
    found = parse_dotenv(_first_format(FIRST_FORMAT))
    assert found == expected and isinstance(found, Contents) and not found.damage
    records = [json.loads(line[13:]) for line in FIRST_FORMAT.splitlines() if '"secret"' in line]
    head = json.loads(FIRST_FORMAT.splitlines()[0][13:])
    data = {
        "OPENAI_API_KEY": "sk-one",
        "OPENAI_API_KEY_INACTIVE": "sk-two",
        "OPENAI_BASE_URL": "https://example.com/v1",
        "genai-iac": {**head, "records": records},
    }
    found = read_json(_first_format(json.dumps(data)))
    assert found == expected and isinstance(found, Contents) and not found.damage


@FORMATS
def test_what_a_later_version_wrote_is_left_alone(form: SimpleNamespace) -> None:
    found = form.parse(Secret(form.render(ALL_ROLES).reveal().replace('"format": 2', '"format": 3')))
    assert isinstance(found, Unreadable) and "newer genai-iac" in found.why and "intact" in found.hint


@FORMATS
@pytest.mark.parametrize("value", ["two words", "$HOME", '"', "#", "a`b", "=", "'quoted'", "~", " lead", "trail "])
def test_odd_values_come_back_as_they_were(form: SimpleNamespace, value: str) -> None:
    odd = replace(ALL_ROLES, base_url="https://x/ y", items=(Item(Record("key-one", "m", "current"), Secret(value)),))
    text = form.render(odd)
    assert form.parse(text) == odd if text else "'" in value


@FORMATS
@pytest.mark.parametrize("text", ["", " \n", "\n\n"])
def test_an_empty_text_holds_nothing(form: SimpleNamespace, text: str) -> None:
    assert form.parse(Secret(text)) is None


@FORMATS
@pytest.mark.parametrize(
    "text",
    ["[" * 60_000, '{"a":' * 10_000, "# genai-iac: " + "[" * 60_000, '{"genai-iac": {}}', "# genai-iac: {}", "null"],
)
def test_hostile_texts_end_in_a_reason(form: SimpleNamespace, text: str) -> None:
    assert isinstance(form.parse(Secret(text)), Unreadable)


@FORMATS
def test_a_text_of_ours_that_was_changed_is_distinguished_from_one_that_never_was_ours(form: SimpleNamespace) -> None:
    text = form.render(ALL_ROLES).reveal()
    changed = form.parse(Secret(text.replace('"owner"', '"sender"').replace('"digest"', '"sum"')))
    strange = form.parse(Secret('{"OPENAI_API_KEY": "sk-mine"}'))
    assert (
        isinstance(changed, Unreadable)
        and changed.ours
        and "changed by another hand" in changed.why
        and "intact" in changed.hint
    )
    assert isinstance(strange, Unreadable) and not strange.ours
