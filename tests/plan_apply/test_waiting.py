"""An apply that takes its time says that it goes on."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
from conftest import Project, Tenancy

from genai_iac.cli import console
from genai_iac.cli.console import ProgressNotice
from genai_iac.core import Address
from genai_iac.core.errors import ServiceFailure
from genai_iac.oci_client.retry import ConsistencyWindow

from .manifests import compartment, key, stack
from .sdk_helpers import outcomes

FIRST, SECOND = Address("Compartment", "home"), Address("ApiKey", "app")


def test_it_speaks_up_after_a_while_and_then_now_and_then() -> None:
    said: list[str] = []
    now = 0.0
    notice = ProgressNotice(said.append, lambda: now)
    for now in range(75):
        notice([FIRST, SECOND] if now < 30 else [SECOND])
    assert said == [
        "  ... still at Compartment/home and 1 other change, for 10 seconds\n",
        "  ... still at ApiKey/app, for 40 seconds\n",
        "  ... still at ApiKey/app, for 1 minute\n",
    ]


def test_an_apply_that_waits_says_so_beside_the_answer(
    project: Project, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "FIRST", 0.2)
    project.write(stack(compartment("home"), key("app", compartment="home")))
    tenancy.control("POST", "faults", {"operation": "CreateApiKey", "effect": {"delay": "1200ms"}})
    ran = project.run("apply", "--auto-approve")
    assert "... still at ApiKey/app, for " in ran.err
    assert "still at" not in ran.out


@pytest.fixture
def bounded(project: Project, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of an identity that may make compartments and nothing in them; the window closes after three attempts."""

    def pause(tries: int, failure: ServiceFailure) -> float:
        if tries >= 3:
            monkeypatch.setattr(ConsistencyWindow, "is_open", False)
        return 0.0

    monkeypatch.setattr("genai_iac.oci_client.retry._pause", pause)
    made = tenancy.control("POST", "principals", {"name": "ci", "groups": ["builders"]})
    statements = [
        f"allow group builders to {what} in tenancy"
        for what in ("inspect all-resources", "inspect tenancies", "manage compartments", "read work-requests")
    ]
    tenancy.client("identity").create_policy(
        {"compartmentId": tenancy.tenancy, "name": "builders", "description": "-", "statements": statements}
    )
    project.environ |= {"GENAI_IAC_CONFIG_FILE": made["configFile"], "GENAI_IAC_PROFILE": "ci"}
    project.write(stack(compartment("home"), key("app", compartment="home")))
    return project


def test_a_call_that_waits_gives_its_reason_at_once_and_once(bounded: Project, tenancy: Tenancy) -> None:
    ran = bounded.run("apply", "--auto-approve", code=4)
    said = [line for line in ran.err.splitlines() if "waiting for" in line]
    assert len(said) == 1
    assert re.fullmatch(
        r"  \.\.\. waiting for ApiKey/app: CreateApiKey answered 404 NotAuthorizedOrNotFound, retrying until \d\d:\d\d:\d\d UTC: "
        "what was just made may not be known everywhere yet, or a right is missing",
        said[0],
    )
    assert [call["operation"] for call in tenancy.calls()].count("CreateApiKey") == 4
    assert "waiting for" not in ran.out


def test_the_error_names_the_compartment_where_the_right_is_missing(bounded: Project, tenancy: Tenancy) -> None:
    failed = outcomes(bounded.run("apply", "--auto-approve", "--json", code=4))["ApiKey/app"]
    (made,) = tenancy.client("identity").list_compartments(tenancy.tenancy, name="home").data
    assert re.search(
        rf"retried for \d+ s; if it is a right that is missing, it is missing in compartment Compartment/home \({made.id}\)",
        failed["note"],
    )


def test_the_error_names_an_older_compartment_by_its_path(bounded: Project, tenancy: Tenancy) -> None:
    place = tenancy.client("identity").create_compartment(
        {"compartmentId": tenancy.tenancy, "name": "old", "description": "-"}
    )
    bounded.write(stack(compartment("home"), key("app", compartment="/old")), "stack.yaml")
    failed = outcomes(bounded.run("apply", "--auto-approve", "--json", "--parallelism", "1", code=4))["ApiKey/app"]
    assert f"it is missing in compartment /old ({place.data.id})" in failed["note"]


def test_a_wait_is_an_event_for_programs(bounded: Project) -> None:
    ran = bounded.run("apply", "--auto-approve", "--json", code=4)
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert events[0]["format_version"] == "1.2"
    (waiting,) = [one for one in events if one["type"] == "change_waiting"]
    assert waiting["address"] == "ApiKey/app" and waiting["operation"] == "CreateApiKey"
    assert (waiting["status"], waiting["code"]) == (404, "NotAuthorizedOrNotFound")
    assert waiting["opc_request_id"] and datetime.fromisoformat(waiting["until"]).tzinfo is not None
    (failed,) = [one for one in events if one["type"] == "change_complete" and one["status"] == "failed"]
    assert events.index(waiting) < events.index(failed) and waiting["opc_request_id"] not in failed["note"]
    assert "waiting for" not in ran.err
