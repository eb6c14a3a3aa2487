"""What this machine remembers of its deliveries: what is lost here, what may be elsewhere, and where a key was delivered before."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from conftest import read_journal
from msgspec.structs import replace

from genai_iac.core import Address, LiveSecret
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import Context, DeliveryLog, open_sink
from genai_iac.delivery.sinks._journal import read_log

from .samples import ADDRESS, KEY_ID, OWNER, VALUES, delivery, item, mask

NOW = datetime(2027, 3, 1, tzinfo=UTC)
FILE = {"file": {"path": "a.env"}}
OTHER = {"file": {"path": "b.env"}}


def context(root: Path, **changes: Any) -> Context:
    return replace(Context(root, root / ".genai-iac", ADDRESS, OWNER, KEY_ID), **changes)


def live(letter: str, created: datetime = NOW, name: str = "key-one") -> LiveSecret:
    return LiveSecret(name, "ACTIVE", mask(letter), created, None, None)


def log_delivery(root: Path, entry: Mapping[str, Any], *letters: str, **changes: Any) -> None:
    made = context(root, **changes)
    for letter in letters:
        DeliveryLog(made).delivered(entry, open_sink(entry, made), delivery(item("key-one", letter, "current")))


def test_what_ever_arrived_is_known_and_what_never_did_is_not(tmp_path: Path) -> None:
    log_delivery(tmp_path, FILE, "a", "b")
    memory = DeliveryLog(context(tmp_path)).memory()
    assert memory.knows(live("a")) and memory.knows(live("b")) and not memory.knows(live("c"))
    assert not memory.knows(live("a", name="key-two"))


@pytest.mark.parametrize(
    ("after", "ours"),
    [(timedelta(), True), (timedelta(minutes=30), True), (timedelta(days=1), False), (-timedelta(days=1), False)],
)
def test_a_value_is_of_an_announcement_when_it_was_made_soon_after_it(
    tmp_path: Path, after: timedelta, ours: bool
) -> None:
    log = DeliveryLog(context(tmp_path))
    log.announce(FILE, open_sink(FILE, context(tmp_path)), ["key-one"], NOW)
    assert log.memory().knows(live("c", NOW + after)) is ours
    log.withdraw(FILE, open_sink(FILE, context(tmp_path)), {"key-one"})
    assert not log.memory().knows(live("c", NOW + after))


@pytest.mark.parametrize(
    "other", [{"owner": "chat@prod", "id": "ocid1.other"}, {"address": replace(ADDRESS, name="other"), "id": "ocid1.x"}]
)
def test_another_key_and_another_environment_know_nothing_of_it(tmp_path: Path, other: dict[str, Any]) -> None:
    log_delivery(tmp_path, FILE, "a")
    assert not DeliveryLog(context(tmp_path, **other)).memory().knows(live("a"))


def test_two_checkouts_that_share_a_journal_have_files_of_their_own(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    log_delivery(tmp_path / "here", FILE, "a", notes=notes)
    assert DeliveryLog(context(tmp_path / "here", notes=notes)).memory().knows(live("a"))
    assert not DeliveryLog(context(tmp_path / "there", notes=notes)).memory().knows(live("a"))


def test_a_key_looks_at_its_own_notes_however_many_there_are(tmp_path: Path) -> None:
    seen = []
    for number in range(6):
        log_delivery(
            tmp_path,
            {"file": {"path": f"{number}.env"}},
            "a",
            id=f"{KEY_ID}{number}",
            address=Address("ApiKey", f"k{number}"),
        )
        with mock.patch.object(Path, "resolve", autospec=True, side_effect=Path.resolve) as resolved:
            memory = DeliveryLog(context(tmp_path, id=f"{KEY_ID}0", address=Address("ApiKey", "k0"))).memory()
        assert memory.knows(live("a"))
        seen.append(resolved.call_count)
    assert len(set(seen)) == 1


def log_keys(root: Path, numbers: range) -> None:
    for number in numbers:
        address = Address("ApiKey", f"k{number}")
        log_delivery(root, {"file": {"path": f"{number}.env"}}, "a", id=f"{KEY_ID}{number}", address=address)


def test_a_journal_that_nobody_changed_is_not_opened_again(tmp_path: Path) -> None:
    """Each key of a plan asks several times; opening it without following links takes a call for each part of the path."""
    log_delivery(tmp_path, FILE, "a")
    with mock.patch("os.open", side_effect=AssertionError("opened")):
        assert all(DeliveryLog(context(tmp_path)).memory().knows(live("a")) for _ in range(3))
    file = tmp_path / ".genai-iac" / "deliveries.json"
    file.write_text(file.read_text().replace("key-one", "key-two"))
    memory = DeliveryLog(context(tmp_path)).memory()
    assert memory.knows(live("a", name="key-two")) and not memory.knows(live("a"))


def test_a_change_adds_a_line_however_many_there_are(tmp_path: Path) -> None:
    from genai_iac.delivery.sinks import _journal, _journal_entries

    file = tmp_path / ".genai-iac/deliveries.json"
    log_keys(tmp_path, range(1))
    for numbers in (range(1, 5), range(5, 90)):
        before = file.read_bytes()
        with (
            mock.patch.object(_journal, "parse_journal", side_effect=_journal.parse_journal) as parsed,
            mock.patch.object(_journal_entries, "_data", side_effect=_journal_entries._data) as rendered,
        ):
            log_keys(tmp_path, numbers)
        assert (parsed.call_count, rendered.call_count) == (0, len(numbers))
        assert file.read_bytes().startswith(before) and file.read_bytes().count(b"\n") == 1 + numbers.stop


def test_outdated_lines_do_not_pile_up(tmp_path: Path) -> None:
    file, most = tmp_path / ".genai-iac/deliveries.json", 0
    for _ in range(150):
        log_keys(tmp_path, range(2))
        most = max(most, file.read_bytes().count(b"\n"))
    assert 100 < most <= 1 + 2 * 2 + 100 and len(read_journal(file)) == 2


@pytest.mark.parametrize("cut", [1, 20, 200, "all but the end of the line"])
def test_a_line_that_was_cut_off_is_passed_over_and_the_next_change_writes_the_file_whole(
    tmp_path: Path, cut: int | str
) -> None:
    file = tmp_path / ".genai-iac/deliveries.json"
    log_keys(tmp_path, range(3))
    whole = file.read_bytes()
    last = whole.splitlines()[-1]
    file.write_bytes(whole + (last[:cut] if isinstance(cut, int) else last))
    log_keys(tmp_path, range(3, 4))
    assert {one["address"] for one in read_journal(file).values()} == {f"ApiKey/k{number}" for number in range(4)}
    assert file.read_bytes().endswith(b"\n") and len(file.read_bytes().splitlines()) == 5


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_a_change_that_cannot_be_written_leaves_the_journal_as_it_was(tmp_path: Path, failing: str) -> None:
    file = tmp_path / ".genai-iac/deliveries.json"
    log_keys(tmp_path, range(3))
    before = file.read_bytes()
    with (
        mock.patch.object(os, failing, side_effect=OSError(errno.ENOSPC, "No space left on device")),
        pytest.raises(SinkError, match=r"deliveries\.json: could not add to the file: No space left"),
    ):
        log_keys(tmp_path, range(3, 4))
    assert file.read_bytes() == before
    assert {one.address for one in read_log(file.parent).values()} == {f"ApiKey/k{number}" for number in range(3)}
    log_keys(tmp_path, range(3, 5))
    assert len(read_journal(file)) == 5


def test_a_journal_that_others_may_read_is_made_private_again(tmp_path: Path) -> None:
    file = tmp_path / ".genai-iac/deliveries.json"
    log_keys(tmp_path, range(2))
    file.chmod(0o644)
    log_keys(tmp_path, range(2, 3))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(read_journal(file)) == 3


def test_what_another_process_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    file = tmp_path / ".genai-iac/deliveries.json"
    log_keys(tmp_path, range(2))
    two = file.read_bytes()
    log_keys(tmp_path, range(2, 4))
    four = file.read_bytes()
    file.write_bytes(two)  # as another process would: of the same size at times, and within one tick of the clock
    log_keys(tmp_path, range(4, 5))
    assert [one["address"] for one in read_journal(file).values()].count("ApiKey/k2") == 0
    file.write_bytes(four)
    log_keys(tmp_path, range(5, 6))
    found = {one["address"] for one in read_journal(file).values()}
    assert found == {f"ApiKey/k{number}" for number in (0, 1, 2, 3, 5)}
    file.write_bytes(b"")
    with pytest.raises(SinkError):
        log_keys(tmp_path, range(1))


def test_a_place_that_is_not_declared_any_more_is_found(tmp_path: Path) -> None:
    log_delivery(tmp_path, FILE, "a")
    log = DeliveryLog(context(tmp_path))
    assert list(log.former([OTHER], KEY_ID)) == [FILE]
    assert list(log.former([FILE, OTHER], KEY_ID)) == []
    assert list(log.former([{"file": {**FILE["file"], "format": "json"}}], KEY_ID)) == []
    assert list(log.former([OTHER], "ocid1.another")) == []


def test_the_memory_has_bounds_and_no_values(tmp_path: Path) -> None:
    log_delivery(tmp_path, FILE, *"abc" * 20)
    text = (tmp_path / ".genai-iac/deliveries.json").read_text()
    (note,) = read_journal(tmp_path / ".genai-iac/deliveries.json").values()
    assert len(note["brought"]) == 3 and not any(value in text for value in VALUES.values())
    for number in range(50):
        made = context(tmp_path)
        one = item("key-one", "a", "current")
        record = replace(one.record, mask=f"sk-{number}")
        DeliveryLog(made).delivered(FILE, open_sink(FILE, made), delivery(replace(one, record=record)))
    (note,) = read_journal(tmp_path / ".genai-iac/deliveries.json").values()
    assert len(note["brought"]) == 32


# A raw file and its records


@pytest.mark.parametrize("fails", [0, 1])
def test_a_raw_file_shows_a_value_that_is_recognised_wherever_a_write_ends(tmp_path: Path, fails: int) -> None:
    entry = {"file": {"path": "a.key", "format": "raw"}}
    opened = open_sink(entry, context(tmp_path))
    opened.write(delivery(item("key-one", "a", "current")))
    renames, real = [], os.rename

    def rename(*arguments: Any, **named: Any) -> None:
        renames.append(arguments)
        if len(renames) > fails:
            raise OSError(5, "I/O")
        real(*arguments, **named)

    with mock.patch.object(os, "rename", rename), pytest.raises(SinkError):
        opened.write(delivery(item("key-one", "b", "current")))
    holding = open_sink(entry, context(tmp_path)).read()
    assert holding and holding.holds("key-one", mask("a")) and (tmp_path / "a.key").read_text() == VALUES["a"]
    opened.write(delivery(item("key-one", "b", "current")))
    assert (tmp_path / "a.key").read_text() == VALUES["b"]
    assert VALUES["a"] not in (tmp_path / "a.key.genai-iac.json").read_text()


def test_a_raw_value_without_its_record_is_not_overwritten(tmp_path: Path) -> None:
    entry = {"file": {"path": "a.key", "format": "raw"}}
    (tmp_path / "a.key").write_text("theirs")
    opened = open_sink(entry, context(tmp_path))
    for attempt in (opened.read, opened.prove, lambda: opened.write(delivery(item("key-one", "a", "current")))):
        with pytest.raises(SinkError, match=r"no record beside it \(a\.key\.genai-iac\.json\)"):
            attempt()
    assert (tmp_path / "a.key").read_text() == "theirs"


# Two keys in one file


def test_keys_that_share_names_do_not_share_a_file(tmp_path: Path) -> None:
    first = open_sink(FILE, context(tmp_path))
    first.write(delivery(item("key-one", "a", "current")))
    other = context(tmp_path, address=replace(ADDRESS, name="other"), id="ocid1.other")
    with pytest.raises(SinkError, match="holds the secrets of ApiKey/chat-app"):
        open_sink(FILE, other).read()
    named = {"file": {"path": "a.env", "env": {"key": "X", "baseUrl": "Y", "project": "Z"}}}
    second = open_sink(named, other)
    assert second.read() is None
    theirs = replace(delivery(item("key-one", "b", "current")), address=other.address, id="ocid1.other")
    second.write(theirs)
    held = (open_sink(FILE, context(tmp_path)).take("key-one", mask("a")), second.take("key-one", mask("b")))
    assert [one.reveal() for one in held if one] == [VALUES["a"], VALUES["b"]]
    first.write(delivery())
    text = (tmp_path / "a.env").read_text()
    assert VALUES["a"] not in text and VALUES["b"] in text
    second.write(replace(theirs, items=()))
    assert not (tmp_path / "a.env").exists()
