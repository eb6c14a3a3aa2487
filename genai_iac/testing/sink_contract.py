"""What every sink promises, as tests: subclass `SinkContract`, and give it a fixture `harness`.

A sink fails them that keeps nothing, loses a value in a failed write, overwrites what is not its own, or lets a value out anywhere else.
"""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from genai_iac.core import Address, Delivery
from genai_iac.core.errors import SinkError
from genai_iac.schema.sink_settings import find_faults
from genai_iac.testing.sink_harness import (
    ADDRESS,
    BASE_URL,
    KEY_ID,
    VALUES,
    SecrecyContract,
    SinkHarness,
    both,
    delivery,
    item,
    mask,
    ordered,
    traces,
)

PROJECT = "ocid1.generativeaiproject.oc1.us-chicago-1.example"


class SinkContract(SecrecyContract):
    """The promises of `genai_iac.delivery.sinks.Sink`."""

    def test_opening_touches_nothing(self, harness: SinkHarness) -> None:
        before = harness.outside()
        sink = harness.open()
        assert sink.place and not traces(sink.place)
        assert harness.outside() == before

    def test_validate_refuses_settings_that_the_sink_does_not_know(self, harness: SinkHarness) -> None:
        schema = getattr(harness.open(), "schema", None)
        if schema is None:
            pytest.skip("the sink declares no schema, so validate accepts whatever stands in a manifest")
        ((word, settings),) = harness.entry.items()
        assert list(find_faults(schema, settings)) == [], "the schema refuses the harness's own entry"
        assert json.loads(json.dumps(schema)) == schema, "a schema is plain data: editors and validate read it"
        for name in (*settings, "settng"):
            unknown = {**settings, f"{name}x": "x"}
            faults = [fault.message for fault in find_faults(schema, unknown)]
            assert any(f"{name}x" in message for message in faults), f"{word} accepts {name}x, which may be misspelt"

    def test_prove_leaves_no_trace_in_an_empty_place(self, harness: SinkHarness) -> None:
        before = harness.outside()
        harness.open().prove()
        assert harness.outside() == before

    def test_prove_leaves_no_trace_in_a_full_place(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        before = harness.outside()
        harness.open().prove()
        assert harness.outside() == before

    def test_an_empty_place_holds_nothing(self, harness: SinkHarness) -> None:
        holding = harness.open().read()
        if harness.certain:
            assert holding is None
        else:
            assert holding and not holding.records
            assert holding.holds("key-one", mask("a")) is None, "unknown, which is not the same as not held"

    def test_what_was_written_is_read_by_a_sink_that_was_not_there(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        holding = harness.open().read()
        assert holding
        assert (holding.address, holding.id, holding.base_url) == (ADDRESS, KEY_ID, BASE_URL)
        assert ordered(holding.records) == harness.kept(both())
        assert holding.holds("key-one", mask("a")) is True
        assert holding.holds("key-one", mask("c")) is (False if harness.certain else None)
        assert harness.consumer() == VALUES["a"]

    def test_reading_writes_nothing(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        before = harness.outside()
        harness.open().read()
        harness.open().take("key-one", mask("a"))
        assert harness.open().clean() == ()
        assert harness.outside() == before

    def test_values_can_be_taken_from_readable_places_only(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        current, standby = harness.open().take("key-one", mask("a")), harness.open().take("key-two", mask("b"))
        if harness.open().readable:
            assert current and current.reveal() == VALUES["a"]
        else:
            assert current is None
        if "standby" in harness.open().roles:
            assert standby and standby.reveal() == VALUES["b"]
        else:
            assert standby is None
        assert harness.open().take("key-two", mask("a")) is None
        assert harness.open().take("key-three", mask("b")) is None

    def test_an_item_without_a_value_keeps_the_one_that_is_held(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        again = delivery(item("key-one", "a", "current", kept=True), item("key-two", "b", "inactive", kept=True))
        harness.open().write(again)
        holding = harness.open().read()
        assert holding and ordered(holding.records) == harness.kept(again)
        assert harness.consumer() == VALUES["a"]

    def test_an_item_that_is_not_held_cannot_be_kept(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        if not harness.certain:
            harness.open().announce(("key-three",))
        before = harness.outside()
        with pytest.raises(SinkError, match=r"does not hold key-three .*nothing was written.*plan again"):
            harness.open().write(delivery(item("key-three", "c", "current", kept=True)))
        assert harness.outside() == before

    def test_nothing_can_be_kept_in_an_empty_place(self, harness: SinkHarness) -> None:
        if not harness.certain:
            harness.open().announce(("key-one",))
        before = harness.outside()
        with pytest.raises(SinkError, match="does not hold key-one"):
            harness.open().write(delivery(item("key-one", "a", "current", kept=True)))
        assert harness.outside() == before

    def test_what_is_not_delivered_again_is_gone(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        only = delivery(item("key-two", "c", "current"))
        harness.open().write(only)
        holding = harness.open().read()
        assert holding and ordered(holding.records) == harness.kept(only)
        assert harness.consumer() == VALUES["c"]

    def test_an_empty_delivery_empties_the_place(self, harness: SinkHarness) -> None:
        harness.open().write(delivery())
        harness.open().write(both())
        harness.open().write(delivery())
        holding = harness.open().read()
        if harness.open().readable or harness.open().forgets:
            assert holding is None and harness.consumer() is None
        else:
            assert harness.consumer() == VALUES["a"], "a program cannot be asked to forget"
        harness.open().prove()
        harness.open().write(both())
        assert harness.consumer() == VALUES["a"]

    def test_a_failing_write_keeps_the_old_value(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        before, held = harness.outside(), harness.open().read()
        with harness.broken(), pytest.raises(SinkError) as caught:
            harness.open().write(delivery(item("key-one", "c", "current")))
        assert harness.open().place in str(caught.value) and caught.value.hint
        assert harness.outside() == before
        assert harness.open().read() == held and harness.consumer() == VALUES["a"]
        harness.open().write(delivery(item("key-one", "c", "current")))
        assert harness.consumer() == VALUES["c"]

    def test_a_failing_first_write_leaves_nothing(self, harness: SinkHarness) -> None:
        before = harness.outside()
        with harness.broken(), pytest.raises(SinkError):
            harness.open().write(both())
        assert harness.outside() == before

    def test_a_delivery_that_was_announced_and_never_arrived_is_not_held(self, harness: SinkHarness) -> None:
        harness.open().announce(("key-one", "key-two"))
        holding = harness.open().read()
        assert holding is None or holding.holds("key-one", mask("a")) is False
        harness.open().write(both())
        arrived = harness.open().read()
        assert arrived and arrived.holds("key-one", mask("a")) is True

    def test_a_renewal_that_did_not_happen_leaves_the_old_value_held(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        harness.open().announce(("key-one",))
        holding = harness.open().read()
        assert holding and holding.holds("key-one", mask("a")) is True

    def test_a_consumer_has_a_working_value_at_every_step_of_a_rotation(self, harness: SinkHarness) -> None:
        sink = harness.open
        sink().write(delivery(item("key-one", "a", "current"), item("key-two", "b", "standby")))
        sink().announce(("key-two",))
        pending = delivery(item("key-one", "a", "current", kept=True), item("key-two", "c", "pending"))
        sink().write(pending)
        assert harness.consumer() == VALUES["a"]
        check_holding(harness, pending)
        sink().write(pending)
        if "pending" in sink().roles:
            taken = sink().take("key-two", mask("c"))
            assert taken and taken.reveal() == VALUES["c"], "not lost, although nobody reads it yet"
        flipped = delivery(
            item("key-two", "c", "current", kept="pending" in sink().roles), item("key-one", "a", "standby", kept=True)
        )
        sink().write(flipped)
        assert harness.consumer() == VALUES["c"]
        check_holding(harness, flipped)
        retired = delivery(item("key-two", "c", "current", kept=True), item("key-one", "a", "inactive", kept=True))
        sink().write(retired)
        assert harness.consumer() == VALUES["c"]
        check_holding(harness, retired)
        back = delivery(item("key-two", "c", "current", kept=True), item("key-one", "a", "standby", kept=True))
        sink().write(back)
        check_holding(harness, back)

    @pytest.mark.parametrize("change", [{"address": Address("ApiKey", "other")}, {"owner": "chat@prod"}])
    def test_the_place_of_another_key_or_environment_is_refused(
        self, harness: SinkHarness, change: dict[str, object]
    ) -> None:
        harness.open().write(both())
        before = harness.outside()
        if not harness.certain:
            foreign = harness.open(**change).read()
            assert foreign and not foreign.records, "the journal tells keys and environments apart"
            return
        for attempt in (harness.open(**change).prove, harness.open(**change).read):
            with pytest.raises(
                SinkError, match=r"holds the secrets of ApiKey/chat-app of chat@dev.*a place of its own"
            ):
                attempt()
        assert harness.outside() == before

    def test_other_names_are_reported_and_lose_nothing(self, harness: SinkHarness) -> None:
        if not harness.open().readable:
            return
        harness.open().write(both())
        ((word, settings),) = harness.entry.items()
        if "env" not in harness.open().schema.get("properties", {}):
            pytest.skip("this sink has names of its own")
        renamed = {word: {**settings, "env": {"key": "OTHER_KEY", "baseUrl": "OTHER_URL"}}}
        holding = harness.open_entry(renamed).read()
        assert holding and holding.damage and ordered(holding.records) == harness.kept(both())
        kept = delivery(item("key-one", "a", "current", kept=True), item("key-two", "b", "standby", kept=True))
        harness.open_entry(renamed).write(kept)
        again = harness.open_entry(renamed).read()
        assert again and not again.damage and ordered(again.records) == harness.kept(both())

    def test_a_project_goes_beside_the_value_and_only_where_there_is_one(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        assert PROJECT not in str(harness.outside())
        harness.open().write(replace(both(), project=PROJECT))
        holding = harness.open().read()
        assert holding and ordered(holding.records) == harness.kept(both())
        assert PROJECT in str(harness.outside())

    def test_the_same_key_under_a_new_name_finds_its_values(self, harness: SinkHarness) -> None:
        harness.open().write(both())
        renamed = harness.open(address=Address("ApiKey", "renamed"), owner="talk", id=KEY_ID)
        holding = renamed.read()
        assert holding and holding.holds("key-one", mask("a")) is (True if harness.certain else None)


def check_holding(harness: SinkHarness, wanted: Delivery) -> None:
    """Assert that the place holds what the sink keeps of that delivery, and nothing else."""
    holding = harness.open().read()
    assert holding is not None and ordered(holding.records) == harness.kept(wanted)
