"""Every registered sink is held to what `Sink` promises."""

from __future__ import annotations

import base64
import io
import logging
import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genai_iac.core import Address, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import SINKS, open_sink
from genai_iac.delivery.sinks._names import ENV_SCHEMA

from .samples import ADDRESS, BASE_URL, KEY_ID, VALUES, delivery, item, mask, traces
from .sink_harness import BENCHES, Bench, ExecBench, ordered

BOTH = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))


PROJECT = "ocid1.generativeaiproject.oc1.us-chicago-1.example"
REPRESENTATIONS: dict[str, Callable[[str], str]] = {
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "byte order mark": lambda text: "\ufeff" + text,
    "a line end more": lambda text: text + "\n",
    "a line end of Windows more": lambda text: text + "\r\n",
}


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    for value in VALUES.values():
        Secret(value)  # as in a run, which makes its values itself: the redactor knows them
    return BENCHES[request.param](tmp_path)


def test_every_sink_of_the_shelf_has_a_bench() -> None:
    assert {word for bench in BENCHES.values() for word in bench.entry} == set(SINKS)


def test_opening_touches_nothing(bench: Bench) -> None:
    before = bench.outside()
    sink = bench.open()
    assert sink.place and not traces(sink.place)
    assert bench.outside() == before


def test_prove_leaves_no_trace_in_an_empty_place(bench: Bench) -> None:
    before = bench.outside()
    bench.open().prove()
    assert bench.outside() == before


def test_prove_leaves_no_trace_in_a_full_place(bench: Bench) -> None:
    bench.open().write(BOTH)
    before = bench.outside()
    bench.open().prove()
    assert bench.outside() == before


def test_an_empty_place_holds_nothing(bench: Bench) -> None:
    holding = bench.open().read()
    if bench.certain:
        assert holding is None
    else:
        assert holding and not holding.records
        assert holding.holds("key-one", mask("a")) is None, "unknown, which is not the same as not held"


def test_what_was_written_is_read_by_a_sink_that_was_not_there(bench: Bench) -> None:
    bench.open().write(BOTH)
    holding = bench.open().read()
    assert holding
    assert (holding.address, holding.id, holding.base_url) == (ADDRESS, KEY_ID, BASE_URL)
    assert ordered(holding.records) == bench.kept(BOTH)
    assert holding.holds("key-one", mask("a")) is True
    assert holding.holds("key-one", mask("c")) is (False if bench.certain else None)
    assert bench.consumer() == VALUES["a"]


def test_reading_writes_nothing(bench: Bench) -> None:
    bench.open().write(BOTH)
    before = bench.outside()
    bench.open().read()
    bench.open().take("key-one", mask("a"))
    assert bench.open().clean() == ()
    assert bench.outside() == before


def test_values_can_be_taken_from_readable_places_only(bench: Bench) -> None:
    bench.open().write(BOTH)
    current, standby = bench.open().take("key-one", mask("a")), bench.open().take("key-two", mask("b"))
    if bench.open().readable:
        assert current and current.reveal() == VALUES["a"]
    else:
        assert current is None
    if "standby" in bench.open().roles:
        assert standby and standby.reveal() == VALUES["b"]
    else:
        assert standby is None
    assert bench.open().take("key-two", mask("a")) is None
    assert bench.open().take("key-three", mask("b")) is None


def test_an_item_without_a_value_keeps_the_one_that_is_held(bench: Bench) -> None:
    bench.open().write(BOTH)
    again = delivery(item("key-one", "a", "current", kept=True), item("key-two", "b", "inactive", kept=True))
    bench.open().write(again)
    holding = bench.open().read()
    assert holding and ordered(holding.records) == bench.kept(again)
    assert bench.consumer() == VALUES["a"]


def test_an_item_that_is_not_held_cannot_be_kept(bench: Bench) -> None:
    bench.open().write(BOTH)
    if not bench.certain:
        bench.open().announce(("key-three",))
    before = bench.outside()
    with pytest.raises(SinkError, match=r"does not hold key-three .*nothing was written.*plan again"):
        bench.open().write(delivery(item("key-three", "c", "current", kept=True)))
    assert bench.outside() == before


def test_nothing_can_be_kept_in_an_empty_place(bench: Bench) -> None:
    if not bench.certain:
        bench.open().announce(("key-one",))
    before = bench.outside()
    with pytest.raises(SinkError, match="does not hold key-one"):
        bench.open().write(delivery(item("key-one", "a", "current", kept=True)))
    assert bench.outside() == before


def test_what_is_not_delivered_again_is_gone(bench: Bench) -> None:
    bench.open().write(BOTH)
    only = delivery(item("key-two", "c", "current"))
    bench.open().write(only)
    holding = bench.open().read()
    assert holding and ordered(holding.records) == bench.kept(only)
    assert bench.consumer() == VALUES["c"]


def test_an_empty_delivery_empties_the_place(bench: Bench) -> None:
    bench.open().write(delivery())
    bench.open().write(BOTH)
    bench.open().write(delivery())
    holding = bench.open().read()
    if bench.open().readable or bench.open().forgets:
        assert holding is None and bench.consumer() is None
    else:
        assert bench.consumer() == VALUES["a"], "a program cannot be asked to forget"
    bench.open().prove()
    bench.open().write(BOTH)
    assert bench.consumer() == VALUES["a"]


def test_a_failing_write_keeps_the_old_value(bench: Bench) -> None:
    bench.open().write(BOTH)
    before, held = bench.outside(), bench.open().read()
    with bench.broken(), pytest.raises(SinkError) as caught:
        bench.open().write(delivery(item("key-one", "c", "current")))
    assert bench.open().place in str(caught.value) and caught.value.hint
    assert bench.outside() == before
    assert bench.open().read() == held and bench.consumer() == VALUES["a"]
    bench.open().write(delivery(item("key-one", "c", "current")))
    assert bench.consumer() == VALUES["c"]


def test_a_failing_first_write_leaves_nothing(bench: Bench) -> None:
    before = bench.outside()
    with bench.broken(), pytest.raises(SinkError):
        bench.open().write(BOTH)
    assert bench.outside() == before


def test_a_delivery_that_was_announced_and_never_arrived_is_not_held(bench: Bench) -> None:
    bench.open().announce(("key-one", "key-two"))
    holding = bench.open().read()
    assert holding is None or holding.holds("key-one", mask("a")) is False
    bench.open().write(BOTH)
    arrived = bench.open().read()
    assert arrived and arrived.holds("key-one", mask("a")) is True


def test_a_mint_that_did_not_happen_leaves_the_old_value_held(bench: Bench) -> None:
    bench.open().write(BOTH)
    bench.open().announce(("key-one",))
    holding = bench.open().read()
    assert holding and holding.holds("key-one", mask("a")) is True


def test_a_consumer_has_a_working_value_at_every_step_of_a_rotation(bench: Bench) -> None:
    sink = bench.open
    sink().write(delivery(item("key-one", "a", "current"), item("key-two", "b", "standby")))
    sink().announce(("key-two",))
    pending = delivery(item("key-one", "a", "current", kept=True), item("key-two", "c", "pending"))
    sink().write(pending)
    assert bench.consumer() == VALUES["a"]
    _check_holding(bench, pending)
    sink().write(pending)
    if "pending" in sink().roles:
        taken = sink().take("key-two", mask("c"))
        assert taken and taken.reveal() == VALUES["c"], "not lost, although nobody reads it yet"
    flipped = delivery(
        item("key-two", "c", "current", kept="pending" in sink().roles), item("key-one", "a", "standby", kept=True)
    )
    sink().write(flipped)
    assert bench.consumer() == VALUES["c"]
    _check_holding(bench, flipped)
    retired = delivery(item("key-two", "c", "current", kept=True), item("key-one", "a", "inactive", kept=True))
    sink().write(retired)
    assert bench.consumer() == VALUES["c"]
    _check_holding(bench, retired)
    back = delivery(item("key-two", "c", "current", kept=True), item("key-one", "a", "standby", kept=True))
    sink().write(back)
    _check_holding(bench, back)


def _check_holding(bench: Bench, wanted: object) -> None:
    holding = bench.open().read()
    assert isinstance(holding, SinkContents)
    assert ordered(holding.records) == bench.kept(wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"address": Address("ApiKey", "other")}, {"owner": "chat@prod"}])
def test_the_place_of_another_key_or_environment_is_refused(bench: Bench, change: dict[str, object]) -> None:
    bench.open().write(BOTH)
    before = bench.outside()
    if not bench.certain:
        stranger = bench.open(**change).read()
        assert stranger and not stranger.records, "the journal tells keys and environments apart"
        return
    for attempt in (bench.open(**change).prove, bench.open(**change).read):
        with pytest.raises(SinkError, match=r"holds the secrets of ApiKey/chat-app of chat@dev.*a place of its own"):
            attempt()
    assert bench.outside() == before


@pytest.mark.parametrize("change", REPRESENTATIONS)
def test_how_a_text_is_laid_out_is_not_content(bench: Bench, change: str) -> None:
    if not bench.open().readable:
        return
    bench.open().write(BOTH)
    bench.rewrite(REPRESENTATIONS[change])
    holding = bench.open().read()
    assert holding and ordered(holding.records) == bench.kept(BOTH) and holding.damage == ""
    taken = bench.open().take("key-one", mask("a"))
    assert taken and taken.reveal() == VALUES["a"]
    if bench.open().local:
        bench.open().write(BOTH)
        assert bench.consumer() == VALUES["a"]


def test_every_sink_takes_names(bench: Bench) -> None:
    assert bench.open().schema["properties"]["env"] == ENV_SCHEMA
    ((word, settings),) = bench.entry.items()
    for env in ({"key": "A", "standby": "A"}, {"key": "a b"}, {"baseUrl": "OPENAI_API_KEY"}):
        with pytest.raises(SinkError, match="env"):
            open_sink({word: {**settings, "env": env}}, bench.context)


def test_other_names_are_told_and_lose_nothing(bench: Bench) -> None:
    if not bench.open().readable:
        return
    bench.open().write(BOTH)
    ((word, settings),) = bench.entry.items()
    renamed = {word: {**settings, "env": {"key": "OTHER_KEY", "baseUrl": "OTHER_URL"}}}
    holding = open_sink(renamed, bench.context).read()
    assert holding and holding.damage and ordered(holding.records) == bench.kept(BOTH)
    kept = delivery(item("key-one", "a", "current", kept=True), item("key-two", "b", "standby", kept=True))
    open_sink(renamed, bench.context).write(kept)
    again = open_sink(renamed, bench.context).read()
    assert again and not again.damage and ordered(again.records) == bench.kept(BOTH)


def test_a_project_goes_beside_the_value_and_only_where_there_is_one(bench: Bench) -> None:
    bench.open().write(BOTH)
    assert PROJECT not in str(bench.outside())
    bench.open().write(replace(BOTH, project=PROJECT))
    holding = bench.open().read()
    assert holding and ordered(holding.records) == bench.kept(BOTH)
    assert PROJECT in str(bench.outside())


def test_a_file_that_others_may_use_says_so(bench: Bench) -> None:
    bench.open().write(BOTH)
    holding = bench.open().read()
    assert holding and not holding.damage
    files = [path for path in bench.root.rglob("*") if path.is_file() and ".genai-iac" not in path.parts]
    for path in files if bench.open().local else ():
        for mode in (0o640, 0o604, 0o644):
            path.chmod(mode)
            opened = bench.open().read()
            assert opened and f"{mode:04o}" in opened.damage and ordered(opened.records) == bench.kept(BOTH)
        bench.open().write(BOTH)
        healed = bench.open().read()
        assert healed and not healed.damage and path.stat().st_mode & 0o777 == 0o600


def test_the_same_key_under_a_new_name_finds_its_values(bench: Bench) -> None:
    bench.open().write(BOTH)
    renamed = bench.open(address=Address("ApiKey", "renamed"), owner="talk", id=KEY_ID)
    holding = renamed.read()
    assert holding and holding.holds("key-one", mask("a")) is (True if bench.certain else None)


def test_the_search_for_leaks_finds_them() -> None:
    value = VALUES["b"]
    assert all(
        map(
            traces, (value[5:20], value.upper(), value.encode().hex(), base64.b64encode(b"x" + value.encode()).decode())
        )
    )
    code = compile(
        "def careless(value):\n  text = value + '!'\n  raise SinkError('no')", "/genai_iac/careless.py", "exec"
    )
    names: dict[str, Any] = {"SinkError": SinkError}
    exec(code, names)
    with pytest.raises(SinkError) as caught:
        names["careless"](value)
    assert traces(_everything_about(caught.value))


def test_no_value_leaves_by_another_door(
    bench: Bench, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    sink = bench.open()

    def failing(attempt: Callable[[], object]) -> None:
        try:
            attempt()
        except SinkError as error:
            told.append(_everything_about(error))
        else:
            pytest.fail("this was to fail")

    sink.prove()
    sink.announce(("key-one", "key-two"))
    with bench.broken():
        failing(lambda: sink.write(BOTH))
    sink.write(BOTH)
    told += [repr(sink), repr(vars(sink)), repr(sink.read()), repr(sink.take("key-two", mask("b"))), repr(BOTH)]
    with bench.broken():
        failing(lambda: sink.write(delivery(item("key-one", "c", "current"))))
    if bench.certain:
        failing(lambda: sink.write(delivery(item("key-three", "c", "current", kept=True))))
        failing(bench.open(owner="other").prove)
    if isinstance(bench, ExecBench):
        told.append((bench.root / "seen").read_text())
        told.append((bench.root / ".genai-iac/deliveries.json").read_text())
    told += [*capfd.readouterr(), caplog.text, repr(os.environ)]
    assert [found for text in told for found in traces(text)] == []


def _everything_about(error: BaseException) -> str:
    """What a debugger or a rich traceback would show: texts, arguments, chained exceptions, the locals of every frame."""
    shown = io.StringIO()
    for one in _chain(error):
        report = traceback.TracebackException.from_exception(one, capture_locals=True)
        frames = traceback.StackSummary(
            frame for frame in report.stack if "/genai_iac/" in frame.filename or "/lib/" in frame.filename
        )
        shown.write(f"{one!r} {one} {one.args!r} {vars(one)!r}\n")
        shown.writelines(frames.format())
    return shown.getvalue()


def _chain(error: BaseException | None) -> list[BaseException]:
    return [error, *_chain(error.__cause__), *_chain(error.__context__)] if error else []
