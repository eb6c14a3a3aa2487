"""Answers that are wrong, late or lost while something is made: it is there once, or the error says so and the next apply mends it."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Project, Tenancy

from .chat import CHAT, apply_again, assert_whole, chat
from .manifests import stack
from .sdk_helpers import APPROVED, keys, outcomes

SERVER_ERROR = {"status": 500, "code": "InternalServerError", "message": "Try again."}
FAULTS: dict[str, dict[str, Any]] = {
    "500 before": {"effect": SERVER_ERROR},
    "500 after the commit": {"effect": SERVER_ERROR, "when": "after"},
    "502 of a proxy": {"effect": {"status": 502, "body": "<html>Bad Gateway</html>"}},
    "429": {"effect": {"status": 429, "code": "TooManyRequests", "retryAfter": "1"}},
    "dropped before": {"effect": {"drop": True}},
    "dropped after the commit": {"effect": {"drop": True}, "when": "after"},
    "reset after the commit": {"effect": {"reset": True}, "when": "after"},
    "half an answer": {"effect": {"truncate": True}, "when": "after"},
    "an answer in another shape": {"effect": {"status": 200, "body": {"items": []}}, "when": "after"},
}
MODES = ("full", "masked", "invalidate")
CREATES = ("CreateApiKey", "CreateCompartment", "CreatePolicy")


def cells() -> list[Any]:
    """Every create, fault and mode. By default those that differ: a mode matters once something is committed, a shape to a key most."""
    every = [(create, fault, mode) for create in CREATES for mode in MODES for fault in FAULTS]
    return [
        pytest.param(*cell, marks=() if _differs(*cell) else pytest.mark.matrix, id="-".join(cell)) for cell in every
    ]


def _differs(create: str, fault: str, mode: str) -> bool:
    if create == "CreateApiKey":
        return mode == "full" or FAULTS[fault].get("when") == "after"
    return mode == "full" and fault in ("500 after the commit", "dropped after the commit")


@pytest.mark.parametrize(("operation", "fault", "mode"), cells())
def test_a_create_is_done_once(project: Project, tenancy: Tenancy, operation: str, fault: str, mode: str) -> None:
    project.write(CHAT)
    tenancy.settings(retryTokenReplay=mode)
    tenancy.control("POST", "faults", [{"operation": operation, **FAULTS[fault]}])
    ran = project.run(*APPROVED, "--json", code=None)
    assert ran.code in (0, 4) and "Traceback" not in ran.err
    assert len(keys(tenancy)) <= 1
    failed = [line for line in outcomes(ran).values() if line["status"] == "failed"]
    assert bool(failed) is (ran.code == 4)
    assert all("again" in line["note"] and "defect" not in line["note"] for line in failed)
    if ran.code == 0:
        assert_whole(project, tenancy)
    apply_again(project, tenancy)


@pytest.mark.parametrize("mode", MODES)
def test_a_value_that_was_lost_on_the_way_is_made_anew(project: Project, tenancy: Tenancy, mode: str) -> None:
    """The key was made, the answer that showed its values was not received: the apply says so unless it got them by asking again."""
    project.write(CHAT)
    tenancy.settings(retryTokenReplay=mode)
    tenancy.control("POST", "faults", [{"operation": "CreateApiKey", **FAULTS["dropped after the commit"]}])
    ran = project.run(*APPROVED, "--json", code=0 if mode == "full" else 4)
    reported = outcomes(ran)["ApiKey/app"]
    if mode == "full":
        assert reported["status"] == "done"
        return
    assert reported["status"] == "failed" and "key-one and key-two was lost" in reported["note"]
    assert not (project.path / "secrets/app.env").exists()
    tenancy.forget_calls()
    project.run(*APPROVED)
    assert sorted(tenancy.writes()) == ["CreatePolicy", "RenewApiKey", "RenewApiKey"]
    assert_whole(project, tenancy)


LISTS = ("ListRegionSubscriptions", "ListCompartments", "ListPolicies", "ListApiKeys")
GETS = ("GetCompartment", "GetPolicy", "GetApiKey")
REFUSALS: dict[str, dict[str, Any]] = {
    "401": {"status": 401, "code": "NotAuthenticated", "message": "The clock is wrong."},
    "404": {"status": 404, "code": "NotAuthorizedOrNotFound", "message": "Not for you."},
    "a web page": {"status": 200, "body": "<html>Sign in</html>"},
    "a text": {"status": 200, "body": '"text"', "contentType": "application/json"},
    "nothing": {"status": 200, "body": "null", "contentType": "application/json"},
    "another shape": {"status": 200, "body": {"some": "thing"}},
    "strange items": {"status": 200, "body": [{"some": "thing"}, 7]},
}


def pairs(operations: tuple[str, ...], usual: str) -> list[Any]:
    """Every operation with every refusal; by default the last one with all, the others with the usual one."""
    return [
        pytest.param(
            operation, refusal, marks=() if usual == refusal or operation == operations[-1] else pytest.mark.matrix
        )
        for operation in operations
        for refusal in REFUSALS
    ]


@pytest.mark.parametrize(("operation", "refusal"), pairs(LISTS, "404"))
def test_a_reading_that_cannot_be_read_is_named(
    project: Project, tenancy: Tenancy, operation: str, refusal: str
) -> None:
    """Nothing is planned on half a reading: no compartment is taken for missing, no key for gone."""
    project.write(CHAT)
    project.run(*APPROVED)
    tenancy.forget_calls()
    tenancy.control("POST", "faults", [{"operation": operation, "count": 99, "effect": REFUSALS[refusal]}])
    ran = project.run(*APPROVED, code=1)
    assert tenancy.writes() == []
    assert ran.err.startswith("Error: ") and "defect" not in ran.err and "Traceback" not in ran.err
    assert operation in ran.err or "endpoint" in ran.err
    apply_again(project, tenancy)


@pytest.mark.parametrize(("operation", "refusal"), pairs(GETS, "another shape"))
def test_a_look_that_shows_nothing_stops_that_change_alone(
    project: Project, tenancy: Tenancy, operation: str, refusal: str
) -> None:
    project.write(CHAT)
    project.run(*APPROVED)
    project.write(stack(*chat(description="Changed")))
    tenancy.control("POST", "faults", [{"operation": operation, "count": 99, "effect": REFUSALS[refusal]}])
    ran = project.run(*APPROVED, "--json", code=4)
    failed = {address: line["note"] for address, line in outcomes(ran).items() if line["status"] == "failed"}
    assert list(failed) == [
        {"GetCompartment": "Compartment/home", "GetPolicy": "Policy/access", "GetApiKey": "ApiKey/app"}[operation]
    ]
    assert "please report" not in str(failed)
    tenancy.control("DELETE", "faults")
    project.run(*APPROVED)
    assert_whole(project, tenancy)
