"""The plan as JSON, its fingerprint, Terraform's shape of it, and the stream of outcomes."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace
from rendered_plans import CREATES, EVERYTHING, INVALIDATING, NOTHING, NOW, OUTCOMES, UPDATES

from genai_iac.core import ACTIONS, Address, Change, InterpolatedText, Lifetime, Plan, Reference, Secret, StatementText
from genai_iac.render.common.json_text import write_json
from genai_iac.render.plan.json import fingerprint, plan_document, render_json
from genai_iac.render.plan.progress import outcome_line, summary_line
from genai_iac.render.plan.terraform_json import render_terraform_json

REFERENCE = Reference(Address("Compartment", "chat"))
DOCUMENT = json.loads(render_json(EVERYTHING))


def test_the_fields_of_the_contract_come_in_its_order() -> None:
    top = ["format_version", "stack", "tenancy", "fingerprint", "summary", "changes"]
    assert [key for key in DOCUMENT if key in top] == top
    change = ["address", "kind", "actions", "calls", "id", "before", "after", "after_unknown", "reason"]
    assert [key for key in DOCUMENT["changes"][0] if key in change] == change
    assert DOCUMENT["format_version"] == "1.1"


def test_the_summary_always_has_all_nine() -> None:
    assert list(DOCUMENT["summary"]) == list(ACTIONS)
    assert json.loads(render_json(NOTHING))["summary"] == dict.fromkeys(ACTIONS, 0)


def test_calls_are_operations_in_order() -> None:
    calls = {change["address"]: change["calls"] for change in DOCUMENT["changes"]}
    assert calls["ApiKey/front"] == ["RenewApiKey", "SetApiKeyState"]
    assert calls["ApiKey/worker"] == []


@pytest.mark.parametrize(
    ("after", "known", "unknown"),
    [
        ({"a": 1, "compartmentId": REFERENCE}, {"a": 1}, ["compartmentId"]),
        ({"m": {"x": REFERENCE, "y": 2}}, {"m": {"y": 2}}, ["m.x"]),
        ({"list": ["a", REFERENCE, "c"]}, {"list": ["a", None, "c"]}, ["list.1"]),
        ({"list": [{"x": REFERENCE}]}, {"list": [{}]}, ["list.0.x"]),
        ({"t": InterpolatedText("a-${var.x}", (("var.x", "b"),))}, {"t": "a-b"}, []),
        ({"t": InterpolatedText("$${x}-${var.x}", (("var.x", "b"),))}, {"t": "${x}-b"}, []),
        ({"t": InterpolatedText("a-${Compartment/chat.id}", (("Compartment/chat.id", REFERENCE),))}, {}, ["t"]),
        ({"s": StatementText("allow ${var.x}", (("var.x", "b"),))}, {}, ["s"]),
        ({"expires": Lifetime("90d", timedelta(days=90))}, {"expires": "90d"}, []),
        ({"at": datetime(2027, 1, 1, tzinfo=UTC)}, {"at": "2027-01-01T00:00:00Z"}, []),
        ({"at": datetime(2027, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))}, {"at": "2027-01-01T00:00:00Z"}, []),
        ({"secret": Secret("sk-CANARY")}, {}, ["secret"]),
        ({"raw": b"sk-CANARY"}, {}, ["raw"]),
        ({"t": (1, 2), "f": 1.5, "n": None, "b": True}, {"t": [1, 2], "f": 1.5, "n": None, "b": True}, []),
    ],
)
def test_what_is_not_known_is_left_out_and_listed(after: Any, known: Any, unknown: list[str]) -> None:
    change = json.loads(render_json(_plan(Change(Address("ApiKey", "k"), ("create",), "", after=after))))["changes"][0]
    assert change["after"] == known
    assert change["after_unknown"] == unknown
    assert "CANARY" not in json.dumps(change)


def test_the_fingerprint_does_not_know_time_order_or_words() -> None:
    shuffled = random.Random(7).sample(EVERYTHING.changes, len(EVERYTHING.changes))
    reworded = tuple(
        replace(
            change,
            reason="other words",
            losses=tuple(replace(loss, last_used=NOW) for loss in change.losses),
            before=None if change.before is None else dict(reversed(change.before.items())),
        )
        for change in shuffled
    )
    other = replace(EVERYTHING, changes=reworded, notices=(), unchanged=99, owned=1)
    assert fingerprint(other) == fingerprint(EVERYTHING)


@pytest.mark.parametrize(
    "change",
    [
        replace(CREATES[0], address=Address("Compartment", "other")),
        replace(CREATES[0], actions=("create", "deliver")),
        replace(CREATES[0], before={}),
        replace(CREATES[0], after={**(CREATES[0].after or {}), "name": "other"}),
        replace(CREATES[0], after={**(CREATES[0].after or {}), "compartmentId": "/platform"}),
        replace(
            CREATES[0], after={**(CREATES[0].after or {}), "compartmentId": Reference(Address("Compartment", "b"))}
        ),
        replace(CREATES[0], after={**(CREATES[0].after or {}), "compartmentId": None}),
    ],
)
def test_the_fingerprint_knows_what_is_done(change: Change) -> None:
    other = replace(EVERYTHING, changes=(change, *EVERYTHING.changes[1:]))
    assert fingerprint(other) != fingerprint(EVERYTHING)


def test_a_symbol_is_not_its_text() -> None:
    known, unknown = (
        _plan(Change(Address("Policy", "p"), ("create",), "", after={"c": value}))
        for value in (str(REFERENCE), REFERENCE)
    )
    assert fingerprint(known) != fingerprint(unknown)


@pytest.mark.parametrize("value", ["\x7f", "##[x]", "a###[", "\ud83d\ude00", "\u2028", "é\x00"])
def test_json_text_is_plain_ascii_and_means_the_same(value: str) -> None:
    text = write_json({value: [value]})
    assert text.isascii()
    assert text.isprintable()
    assert "##[" not in text
    exact = value.encode("utf-16", "surrogatepass").decode("utf-16")
    assert json.loads(text) == {exact: [exact]}


def test_terraform_has_one_word_for_each_change() -> None:
    document = json.loads(render_terraform_json(EVERYTHING))
    assert document["format_version"] == "1.2"
    actions = {entry["genai_iac"]["address"]: entry["change"]["actions"] for entry in document["resource_changes"]}
    assert actions == {
        "Compartment/chat": ["create"],
        "ApiKey/chat-app": ["create"],
        "Policy/chat-access": ["create"],
        "Compartment/lab": ["update"],
        "Policy/readers": ["update"],
        "Policy/moved-policy": ["delete", "create"],
        "ApiKey/batch": ["update"],
        "ApiKey/front": ["update"],
        "ApiKey/leaked": ["update"],
        "ApiKey/retired": ["delete"],
        "ApiKey/worker": ["no-op"],
        "Policy/old": ["delete"],
        "Compartment/kept": ["forget"],
    }


def test_terraform_names_what_its_provider_names() -> None:
    changes = {
        entry["address"]: entry["change"] for entry in json.loads(render_terraform_json(EVERYTHING))["resource_changes"]
    }
    key = changes["oci_generative_ai_api_key.chat-app"]
    assert key["after"]["display_name"] == "chat_app"
    assert key["after"]["secrets"]["key-one"]["state"] == "active"
    assert key["after_unknown"] == {"compartment_id": True}
    policy = changes["oci_identity_policy.chat-access"]
    assert policy["after_unknown"] == {"name": True, "compartment_id": True, "statements": [False, True]}
    assert changes["oci_identity_policy.old"]["after"] is None
    assert changes["oci_identity_compartment.chat"]["after"]["freeform_tags"] == {
        "team": "ml-platform",
        "cost.centre": "4711",
    }


def test_terraform_names_go_inwards_but_leave_tags_alone() -> None:
    after = {"outerName": {"innerName": [{"deepName": 1}]}, "freeformTags": {"costCentre": "1"}}
    plan = _plan(Change(Address("Policy", "p"), ("create",), "", after=after))
    assert json.loads(render_terraform_json(plan))["resource_changes"][0]["change"]["after"] == {
        "outer_name": {"inner_name": [{"deep_name": 1}]},
        "freeform_tags": {"costCentre": "1"},
    }


def test_a_kind_that_terraform_has_not_gets_a_name_of_its_own() -> None:
    plan = _plan(Change(Address("LogGroup", "l"), ("create",), "", after={}))
    assert json.loads(render_terraform_json(plan))["resource_changes"][0]["type"] == "genai_iac_log_group"


def test_outcomes_are_one_object_a_line_and_a_summary() -> None:
    lines = [outcome_line(outcome) for outcome in OUTCOMES] + [summary_line(OUTCOMES)]
    assert all(line.endswith("}\n") and line.count("\n") == 1 for line in lines)
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == ["change_complete"] * 4 + ["summary"]
    assert [event["status"] for event in events[:-1]] == ["done", "done", "failed", "skipped"]
    assert (events[-1]["done"], events[-1]["failed"], events[-1]["skipped"]) == (2, 1, 1)
    assert events[-1]["summary"] == {**dict.fromkeys(ACTIONS, 0), "create": 2}


def test_invalidations_are_in_the_json_too() -> None:
    change = next(change for change in DOCUMENT["changes"] if change["address"] == str(INVALIDATING[0].address))
    assert change["losses"] == [
        {"secret": "key-one", "how": "renew", "last_used": "2026-11-23T11:55:01Z", "sinks": None},
        {"secret": "key-two", "how": "deactivate", "last_used": None, "sinks": None},
    ]


def test_the_document_is_the_rendering() -> None:
    assert json.loads(json.dumps(plan_document(EVERYTHING))) == DOCUMENT
    assert len(UPDATES) + len(CREATES) + len(INVALIDATING) < len(DOCUMENT["changes"])


def _plan(*changes: Change) -> Plan:
    return replace(NOTHING, changes=changes)
