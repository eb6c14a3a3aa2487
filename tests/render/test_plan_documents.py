"""What the plan's JSON says of each change, and what its hashes are of: each promise by itself, without a service."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rendered_plans import CREATES, EVERYTHING, INVALIDATING, LEAVES, NOTHING, NOW, UPDATES

from genai_iac.core import Address, Change, Invalidation, Plan
from genai_iac.core.plan import Action
from genai_iac.render.plan.json import (
    change_document,
    change_fingerprint,
    document_digest,
    find_contradiction,
    fingerprint,
    plan_document,
    plan_fingerprint,
    render_gitlab,
    render_json,
    saved_plan,
)

ROW = json.loads(render_json(EVERYTHING))["changes"][0]


def row_of(calls: list[str], of_sinks: list[str]) -> dict[str, Any]:
    return {**ROW, "calls": calls, "sink_calls": of_sinks}


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["CreateApiKey", "SetApiKeyState"]), max_size=4),
    st.lists(st.tuples(st.sampled_from(["CreateSecret", "UpdateSecret"]), st.integers(0, 9)), max_size=4),
)
def test_a_fingerprint_knows_the_own_calls_and_not_those_of_sinks(own: list[str], of_sinks: list[Any]) -> None:
    """Which calls write a Vault depends on what it holds by then."""
    calls = list(own)
    for name, place in of_sinks:
        calls.insert(place, name)
    assert change_fingerprint(row_of(calls, [name for name, _ in of_sinks])) == change_fingerprint(row_of(own, []))


@pytest.mark.parametrize(
    ("calls", "of_sinks", "own"),
    [
        (["A", "S", "S", "B"], ["S", "S"], ["A", "B"]),
        (["S", "A", "S"], ["S"], ["A", "S"]),
        (["S", "S", "S"], ["S", "S"], ["S"]),
        (["A", "B"], [], ["A", "B"]),
    ],
)
def test_as_many_calls_are_left_out_as_sinks_make(calls: list[str], of_sinks: list[str], own: list[str]) -> None:
    assert change_fingerprint(row_of(calls, of_sinks)) == change_fingerprint(row_of(own, []))
    others = [row_of([*own, "C"], []), row_of(own[::-1], []) if own[::-1] != own else row_of(own[1:], [])]
    assert all(change_fingerprint(row_of(calls, of_sinks)) != change_fingerprint(other) for other in others)


@pytest.mark.parametrize(("calls", "of_sinks"), [([], ["S"]), (["S"], ["S", "S"]), (["A"], ["S"])])
def test_calls_of_sinks_that_are_not_made_are_refused(calls: list[str], of_sinks: list[str]) -> None:
    with pytest.raises(ValueError, match="calls of sinks that are not among the calls"):
        change_fingerprint(row_of(calls, of_sinks))


def one(change: Change) -> Plan:
    return replace(NOTHING, changes=(change,))


def test_a_rename_is_in_the_document_and_in_the_fingerprint() -> None:
    renamed = [replace(UPDATES[0], previous=name and Address("Compartment", name)) for name in (None, "a", "b")]
    documents = [change_document(change) for change in renamed]
    assert [document.get("previous_address", "absent") for document in documents] == [
        "absent",
        "Compartment/a",
        "Compartment/b",
    ]
    assert len({fingerprint(one(change)) for change in renamed}) == 3
    for document in documents:
        assert document["fingerprint"] == change_fingerprint(document)


def test_what_is_not_known_yet_is_told_by_its_expression() -> None:
    document = change_document(CREATES[1])
    assert document["after_unknown"] == ["compartmentId"]
    assert document["after_expressions"] == {"/compartmentId": "${Compartment/chat.id}"}
    assert "compartmentId" not in document["after"]
    gone = change_document(INVALIDATING[2])
    assert (gone["after"], gone["after_unknown"], gone["after_expressions"]) == (None, [], {})
    assert change_document(CREATES[0])["before"] is None


def test_sinks_are_told_with_their_program_where_they_have_one() -> None:
    file, program, foreign = change_document(CREATES[1])["sinks"]
    assert [sink["command"] for sink in (file, program, foreign)] == [None, ["./deliver.sh", "chat-app"], None]
    assert [sink["settings"] for sink in (file, program, foreign)] == [
        {"path": "secrets/chat-app.env"},
        {"timeout": "30s"},
        None,
    ]
    assert file["secrets"] == ["key-one", "key-two"]
    assert file["roles"] == {"key-one": "current", "key-two": "inactive"}


KEY = Address("ApiKey", "app")


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (
            Invalidation("one", NOW, "revoke"),
            {"last_used": "2026-11-23T12:00:00Z", "sinks": None},
        ),
        (Invalidation("one", None, "revoke"), {"last_used": None, "sinks": None}),
        (Invalidation("one", None, "revoke", carriers=("file a",)), {"last_used": None, "sinks": None}),
        (
            Invalidation("one", None, "revoke", carriers=("file a", "file b"), looked=True),
            {"last_used": None, "sinks": ["file a", "file b"]},
        ),
        (Invalidation("one", None, "revoke", looked=True), {"last_used": None, "sinks": []}),
        (
            Invalidation("one", NOW + timedelta(hours=1), "revoke", key=KEY, apis=("chat",), passing=True),
            {
                "last_used": "2026-11-23T13:00:00Z",
                "sinks": None,
                "key": "ApiKey/app",
                "apis": ["chat"],
                "passing": True,
            },
        ),
    ],
)
def test_a_loss_is_told_as_far_as_it_is_known(loss: Invalidation, expected: dict[str, Any]) -> None:
    (told,) = change_document(replace(INVALIDATING[1], losses=(loss,)))["losses"]
    assert told == {"secret": "one", "how": "revoke", **expected}


def test_a_notice_says_what_it_is_about() -> None:
    assert json.loads(render_json(EVERYTHING))["notices"] == [
        {"address": "ApiKey/retired", "text": "no deliverTo: the values of its secrets will be lost"},
        {"address": None, "text": "the tenancy's clock is 3 minutes ahead of this machine's"},
    ]


def test_the_document_is_indented_by_two_and_ends_with_one_line_feed() -> None:
    for text in (render_json(EVERYTHING), saved_plan(EVERYTHING, {"files": {"a": "b"}}).decode()):
        assert text == json.dumps(json.loads(text), indent=2) + "\n"


@pytest.mark.parametrize(
    ("actions", "counted"),
    [
        (("create",), "create"),
        (("update",), "update"),
        (("renew", "deactivate"), "update"),
        (("delete",), "delete"),
        (("forget",), "delete"),
        (("deliver",), ""),
        (("delete", "create"), "create delete"),
        (("update", "deliver"), "update"),
        (("create", "deliver"), "create"),
        (("create", "update"), "create update"),
        (("update", "delete"), "update delete"),
        ((), ""),
    ],
)
def test_gitlab_counts_resources(actions: tuple[Action, ...], counted: str) -> None:
    expected = {name: int(name in counted.split()) for name in ("create", "update", "delete")}
    text = render_gitlab(one(Change(KEY, actions, "", {}, {})))
    assert json.loads(text) == expected
    assert text.endswith("}\n")


def test_gitlab_counts_every_change() -> None:
    assert json.loads(render_gitlab(EVERYTHING)) == {"create": 4, "update": 5, "delete": 4}


def honest(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the hashes that go with what it says."""
    rows = [{**row, "fingerprint": change_fingerprint(row)} for row in document["changes"]]
    document = {**document, "changes": rows}
    document["fingerprint"] = plan_fingerprint(document, [row["fingerprint"] for row in rows])
    return {**document, "digest": document_digest(document)}


def test_a_document_with_its_own_hashes_holds() -> None:
    document = plan_document(EVERYTHING)
    assert find_contradiction(document) is None
    assert honest(document) == document
    assert find_contradiction({**document, "inputs": {}, "seal": "x"}) is None  # what a saved plan adds


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d["changes"][2].update(kind="ApiKey"), "a kind in it is not that of its address"),
        (lambda d: d["changes"].append(d["changes"][3]), "'Compartment/lab' is in it twice"),
        (lambda d: d["summary"].update(create=9), "its summary does not count its changes"),
        (lambda d: d["summary"].pop("renew"), "renew"),
        (lambda d: d["summary"].update(renew=0), "its summary does not count its changes"),
        (lambda d: d["changes"][0].update(actions=["create", "create"]), "its summary does not count its changes"),
    ],
)
def test_a_document_that_contradicts_itself_is_told_although_its_hashes_fit(edit: Any, words: str) -> None:
    document = json.loads(render_json(EVERYTHING))
    edit(document)
    try:
        found = find_contradiction(honest(document))
    except KeyError as error:
        found = str(error.args[0])
    assert found == words


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda d: d["changes"][1].update(id="x"),
            "what it says of 'ApiKey/chat-app' is not what that change's fingerprint was made of",
        ),
        (
            lambda d: d.update(stack="x"),
            "its fingerprint is not that of its changes, stack, environment, tenancy and region",
        ),
        (lambda d: d["changes"][1].update(reason="x"), "it was edited after it was made"),
    ],
)
def test_an_edit_is_told_by_the_hash_that_it_breaks(edit: Any, words: str) -> None:
    document = json.loads(render_json(EVERYTHING))
    edit(document)
    assert find_contradiction(document) == words


def test_a_delivery_alone_is_told_as_what_it_is() -> None:
    document = change_document(LEAVES[0])
    assert document["actions"] == ["deliver"] and document["calls"] == [] and document["deliver"] == ["key-one"]
    assert document["before"] == document["after"]
