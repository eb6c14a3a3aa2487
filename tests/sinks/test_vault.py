"""The vault sink: stages, versions, recovery; and that the calls it predicts are the calls it makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genai_iac.core import Delivery, Role, Secret
from genai_iac.core.errors import ServiceFailure, SinkError
from genai_iac.testing.sink_harness import ordered

from .fake_vault import MAX_VERSIONS
from .samples import ADDRESS, OWNER, VALUES, delivery, item, mask
from .sink_harness import VaultHarness

A = item("key-one", "a", "current")
A_STANDBY = item("key-one", "a", "standby", kept=True)
B = item("key-two", "b", "standby")
C_PENDING = item("key-two", "c", "pending")


@pytest.fixture
def vault_harness(tmp_path: Path) -> VaultHarness:
    return VaultHarness(tmp_path)


def served(harness: VaultHarness) -> dict[str, Any]:
    text = harness.vault.served()
    assert text
    return dict(json.loads(text.reveal()))


def test_a_key_has_one_secret_with_both_values(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(A, B))
    (made,) = vault_harness.vault.secrets.values()
    assert made["secretName"] == "chat" and made["keyId"] == "ocid1.key.oc1..k"
    assert made["description"] == f"Secrets of {ADDRESS} of {OWNER}, kept by genai-iac"
    assert (
        served(vault_harness)["OPENAI_API_KEY"] == VALUES["a"]
        and served(vault_harness)["OPENAI_API_KEY_STANDBY"] == VALUES["b"]
    )
    assert vault_harness.vault.calls == ["CreateSecret"]


def test_a_value_is_pending_until_it_is_made_current_by_one_promotion(vault_harness: VaultHarness) -> None:
    sink = vault_harness.open()
    sink.write(delivery(A, B))
    sink.write(delivery(replace(A, value=None), C_PENDING))
    before = served(vault_harness)
    assert VALUES["c"] not in json.dumps(before), "readers of CURRENT do not see it"
    holding = sink.read()
    assert holding and ordered(holding.records) == [A.record, C_PENDING.record]
    vault_harness.vault.calls.clear()
    sink.write(delivery(item("key-two", "c", "current", kept=True), A_STANDBY))
    assert vault_harness.vault.calls == ["UpdateSecret"], (
        "the version that was verified is the one that becomes current"
    )
    assert (
        served(vault_harness)["OPENAI_API_KEY"] == VALUES["c"]
        and served(vault_harness)["OPENAI_API_KEY_STANDBY"] == VALUES["a"]
    )


def test_a_pending_value_can_be_given_up(vault_harness: VaultHarness) -> None:
    sink = vault_harness.open()
    sink.write(delivery(A, B))
    sink.write(delivery(replace(A, value=None), C_PENDING))
    sink.write(delivery(replace(A, value=None), item("key-two", "c", "inactive", kept=True)))
    holding = sink.read()
    assert holding and {record.secret: record.role for record in holding.records} == {
        "key-one": "current",
        "key-two": "inactive",
    }
    assert served(vault_harness)["OPENAI_API_KEY"] == VALUES["a"]


def test_a_first_delivery_that_is_pending_is_not_read_by_consumers(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(item("key-one", "a", "pending"), item("key-two", "b", "pending")))
    assert "OPENAI_API_KEY" not in served(vault_harness)
    holding = vault_harness.open().read()
    assert holding and {record.role for record in holding.records} == {"pending"}


def test_an_upload_that_was_never_promoted_is_found_and_promoted(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(A, B))
    real = vault_harness.vault.promote_version
    vault_harness.vault.promote_version = _fails  # type: ignore[method-assign,assignment]
    with pytest.raises(
        SinkError, match=r"vault chat in …oc1\.\.v: could not make its version 2 current: out of order; try again"
    ):
        vault_harness.open().write(delivery(item("key-one", "c", "current"), replace(B, value=None)))
    vault_harness.vault.promote_version = real  # type: ignore[method-assign]
    assert served(vault_harness)["OPENAI_API_KEY"] == VALUES["a"]
    taken = vault_harness.open().take("key-one", mask("c"))
    assert taken and taken.reveal() == VALUES["c"], "it is in the vault, so it is not lost"
    vault_harness.vault.calls.clear()
    vault_harness.open().write(delivery(item("key-one", "c", "current", kept=True), replace(B, value=None)))
    assert vault_harness.vault.calls == ["UpdateSecret"] and served(vault_harness)["OPENAI_API_KEY"] == VALUES["c"]


def _fails(*arguments: object) -> None:
    raise ServiceFailure("out of order", operation="UpdateSecret", hint="try again")


def test_a_hundred_rotations_fit_into_the_room_for_versions(vault_harness: VaultHarness) -> None:
    sink = vault_harness.open()
    sink.write(delivery(A, B))
    for round in range(100):
        current, other = ("key-one", "key-two") if round % 2 == 0 else ("key-two", "key-one")
        fresh = Secret(f"sk-{round:048d}")
        record = replace(C_PENDING.record, secret=other, mask=f"sk-{round}")
        held = sink.read()
        assert held
        kept = replace(A, record=next(one for one in held.records if one.secret == current), value=None)
        sink.write(delivery(kept, replace(C_PENDING, record=record, value=fresh)))
        assert sink.calls(delivery(kept, replace(C_PENDING, record=record, value=None))) == ()
        sink.write(
            delivery(
                replace(C_PENDING, record=replace(record, role="current"), value=None),
                replace(kept, record=replace(kept.record, role="standby")),
            )
        )
        assert served(vault_harness)["OPENAI_API_KEY"] == fresh.reveal()
        (secret,) = vault_harness.vault.secrets
        in_use = [one for one in vault_harness.vault.list_versions(secret) if not one["timeOfDeletion"]]
        assert len(in_use) <= 4 < MAX_VERSIONS
        vault_harness.vault.let_a_day_pass()
    assert max(number for _, number in vault_harness.vault.contents) == 101


def test_a_full_secret_is_reported_before_a_value_is_created(vault_harness: VaultHarness) -> None:
    for round in range(2 * MAX_VERSIONS - 1):
        vault_harness.open().prove()
        vault_harness.open().write(delivery(item("key-one", "abc"[round % 3], "current")))
    in_use = [
        one
        for one in vault_harness.vault.list_versions(next(iter(vault_harness.vault.secrets)))
        if not one["timeOfDeletion"]
    ]
    assert len(in_use) == MAX_VERSIONS - 1 and len(vault_harness.vault.leaving) == MAX_VERSIONS
    vault_harness.open().write(delivery(item("key-one", "c", "current")))
    with pytest.raises(SinkError, match="has 30 versions in use and as many waiting to be deleted; wait a day"):
        vault_harness.open().prove()
    vault_harness.vault.let_a_day_pass()
    vault_harness.open().prove()


def test_the_key_that_encrypts_is_looked_at_before_a_value_is_created(vault_harness: VaultHarness) -> None:
    vault_harness.vault.key["lifecycleState"] = "DISABLED"
    with pytest.raises(SinkError, match=r"the key ocid1\.key\.oc1\.\.k is DISABLED"):
        vault_harness.open().prove()
    vault_harness.vault.key.update(lifecycleState="ENABLED", vaultId="ocid1.vault.oc1..other")
    with pytest.raises(SinkError, match="is of another vault; name a key of ocid1"):
        vault_harness.open().prove()
    vault_harness.vault.failing = {"GetKey"}
    with pytest.raises(SinkError, match="could not look at its key"):
        vault_harness.open().prove()


def test_another_key_cannot_be_given_to_a_secret(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(A))
    (made,) = vault_harness.vault.secrets.values()
    made["keyId"] = "ocid1.key.oc1..older"
    with pytest.raises(SinkError, match=r"is encrypted with ocid1\.key\.oc1\.\.older, and OCI cannot give it another"):
        vault_harness.open().prove()


def test_a_compartment_that_is_not_made_yet_holds_nothing(vault_harness: VaultHarness) -> None:
    early = vault_harness.open(compartment=lambda written: None)
    early.prove()
    assert early.read() is None and early.take("key-one", mask("a")) is None
    assert early.calls(delivery(A)) == ("CreateSecret",)
    with pytest.raises(SinkError, match=r"its compartment ocid1\.compartment\.oc1\.\.c was not made; apply again"):
        early.write(delivery(A))
    assert vault_harness.vault.calls == []
    vault_harness.open(compartment={"ocid1.compartment.oc1..c": "ocid1.compartment.oc1..made"}.get).write(delivery(A))
    (made,) = vault_harness.vault.secrets.values()
    assert made["compartmentId"] == "ocid1.compartment.oc1..made"


def test_a_place_that_cannot_be_read_is_not_taken_for_an_empty_one(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(A))
    vault_harness.vault.stages.clear()
    for attempt in (
        vault_harness.open().read,
        vault_harness.open().prove,
        lambda: vault_harness.open().write(delivery(B)),
    ):
        with pytest.raises(SinkError, match="cannot be read; let this identity read secret-bundles there"):
            attempt()


def test_what_is_there_is_not_written_again(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(A, B))
    vault_harness.vault.calls.clear()
    vault_harness.open().write(delivery(replace(A, value=None), replace(B, value=None)))
    vault_harness.open().write(delivery(A, B))
    assert vault_harness.vault.calls == []


def test_a_secret_that_waits_to_be_deleted_is_recovered(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(A))
    vault_harness.open().write(delivery())
    assert vault_harness.vault.calls == ["CreateSecret", "ScheduleSecretDeletion"]
    assert vault_harness.open().read() is None and vault_harness.open().take("key-one", mask("a")) is None
    vault_harness.open().write(delivery())
    vault_harness.open().prove()
    vault_harness.open().write(delivery(item("key-one", "c", "current")))
    assert vault_harness.vault.calls[2:] == ["CancelSecretDeletion", "UpdateSecret", "UpdateSecret"]
    assert served(vault_harness)["OPENAI_API_KEY"] == VALUES["c"] and len(vault_harness.vault.secrets) == 1


def test_a_secret_of_another_hand_is_refused_alive_or_dying(vault_harness: VaultHarness) -> None:
    details = {
        "vaultId": "ocid1.vault.oc1..v",
        "compartmentId": "ocid1.compartment.oc1..c",
        "keyId": "ocid1.key.oc1..k",
        "secretName": "chat",
        "description": "mine",
    }
    made = vault_harness.vault.create_secret(details, Secret('{"password": "precious"}'))
    before = vault_harness.outside()
    for attempt in (
        vault_harness.open().prove,
        vault_harness.open().read,
        lambda: vault_harness.open().write(delivery(A)),
        lambda: vault_harness.open().write(delivery()),
    ):
        with pytest.raises(SinkError, match=r"vault chat in .* was not written by genai-iac; move it away") as caught:
            attempt()
        assert "precious" not in str(caught.value)
    assert vault_harness.outside() == before
    vault_harness.vault.schedule_deletion(made["id"])
    for attempt in (
        vault_harness.open().prove,
        vault_harness.open().read,
        lambda: vault_harness.open().write(delivery(A)),
    ):
        with pytest.raises(
            SinkError, match="waits to be deleted and was not made by genai-iac; deliver under another name"
        ):
            attempt()


def test_a_pending_version_of_another_hand_is_refused(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(A))
    (secret,) = vault_harness.vault.secrets
    vault_harness.vault.add_version(secret, Secret("precious"), "PENDING")
    with pytest.raises(SinkError, match="is not JSON that genai-iac wrote"):
        vault_harness.open().write(delivery(item("key-one", "c", "current")))


@pytest.mark.parametrize("state", ["CREATING", "UPDATING", "DELETING", "FAILED", "CANCELLING_DELETION"])
def test_a_secret_in_between_is_not_touched(vault_harness: VaultHarness, state: str) -> None:
    vault_harness.open().write(delivery(A))
    next(iter(vault_harness.vault.secrets.values()))["lifecycleState"] = state
    with pytest.raises(SinkError, match=f"is {state}; try again in a minute"):
        vault_harness.open().read()


@pytest.mark.parametrize(
    "operation",
    ["ListSecrets", "GetSecretBundle", "ListSecretVersions", "UpdateSecret", "ScheduleSecretVersionDeletion"],
)
def test_every_call_that_fails_is_named_and_consumers_keep_their_value(
    vault_harness: VaultHarness, operation: str
) -> None:
    for letter in "abc":
        vault_harness.open().write(delivery(item("key-one", letter, "current")))
    vault_harness.vault.failing = {operation}
    with pytest.raises(
        SinkError, match=r"vault chat in …oc1\.\.v: could not .*: the service is out of order; try again"
    ) as caught:
        vault_harness.open().write(delivery(A))
    assert isinstance(caught.value.__cause__, ServiceFailure)
    assert served(vault_harness)["OPENAI_API_KEY"] == VALUES["c"]
    vault_harness.vault.failing = set()
    vault_harness.open().write(delivery(A))
    assert served(vault_harness)["OPENAI_API_KEY"] == VALUES["a"]


def test_content_that_does_not_read_back_is_never_promoted(vault_harness: VaultHarness) -> None:
    vault_harness.open().write(delivery(A))
    real = vault_harness.vault.add_version
    vault_harness.vault.add_version = lambda secret, content, *rest: real(secret, Secret("torn"), *rest)  # type: ignore[method-assign]
    with pytest.raises(SinkError, match="does not read back as it was written"):
        vault_harness.open().write(delivery(item("key-one", "c", "current")))
    assert served(vault_harness)["OPENAI_API_KEY"] == VALUES["a"]


def test_a_first_content_that_does_not_read_back_is_an_error(vault_harness: VaultHarness) -> None:
    real = vault_harness.vault.create_secret
    vault_harness.vault.create_secret = lambda details, content: real(details, Secret("torn"))  # type: ignore[method-assign]
    with pytest.raises(SinkError, match="does not read back as it was written"):
        vault_harness.open().write(delivery(A))


roles: st.SearchStrategy[tuple[Role, Role]] = st.sampled_from(
    [
        ("current", "standby"),
        ("current", "pending"),
        ("current", "inactive"),
        ("pending", "standby"),
        ("inactive", "inactive"),
    ]
)
letters = st.sampled_from("abc")


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """Any delivery of none, one or two secrets in parts that go together."""
    names = draw(st.permutations(["key-one", "key-two"]))
    parts = draw(roles)
    count = draw(st.integers(0, 2))
    return delivery(*(item(names[n], draw(letters), parts[n]) for n in range(count)))


@given(st.lists(deliveries(), min_size=1, max_size=8), st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_calls_predicted_are_the_calls_made_and_what_is_read_is_what_was_written(
    sequence: list[Delivery], kept: bool
) -> None:
    harness = VaultHarness(Path("/nowhere"))
    sequence = list(_one_key_a_life(sequence))
    planned_calls = harness.open().calls(*map(_as_planned, sequence))
    done: list[str] = []
    for wanted in sequence:
        held = harness.open().read()
        if kept and held:
            wanted = _without_held_values(wanted, held.records)
        predicted = harness.open().calls(_as_planned(wanted))
        harness.vault.calls.clear()
        harness.open().write(wanted)
        assert tuple(harness.vault.calls) == predicted
        done += predicted
        after = harness.open().read()
        assert ordered(after.records if after else ()) == ordered(one.record for one in wanted.items)
        current = wanted.item("current")
        if current:
            assert served(harness)["OPENAI_API_KEY"] == next(
                VALUES[one] for one in "abc" if mask(one) == current.record.mask
            )
    assert tuple(done) == planned_calls, "a whole row is foretold from its beginning"


def _one_key_a_life(sequence: list[Delivery]) -> Iterator[Delivery]:
    """A place is emptied when its key is deleted; the next key has another OCID."""
    life = 0
    for wanted in sequence:
        yield replace(wanted, id=f"{wanted.id}{life}")
        life += not wanted.items


def _without_held_values(wanted: Delivery, held: Any) -> Delivery:
    known = {(record.secret, record.mask) for record in held}
    items = tuple(
        replace(one, value=None) if (one.record.secret, one.record.mask) in known else one for one in wanted.items
    )
    return replace(wanted, items=items)


def _as_planned(wanted: Delivery) -> Delivery:
    """What a plan knows: no values."""
    return replace(wanted, items=tuple(replace(one, value=None) for one in wanted.items))
