"""When a change does not land: what depended on it is skipped, the rest goes on, the next apply finishes."""

from __future__ import annotations

from typing import Any

import oci
from conftest import Project, Tenancy

from .manifests import compartment, key, policy, stack
from .sdk_helpers import (
    APPROVED,
    REGION,
    assert_settled,
    client,
    compartments,
    ended,
    keys,
    named,
    outcomes,
    policies,
    refused_writes,
    wait_for,
    wait_until_held,
    words,
)

BAD_REQUEST = {"status": 400, "code": "InvalidParameter", "message": "Not today."}


def fail(tenancy: Tenancy, operation: str, *, nth: int = 1, count: int = 1, **effect: Any) -> None:
    fault = {"operation": operation, "nth": nth, "count": count, "effect": effect or BAD_REQUEST}
    tenancy.control("POST", "faults", [fault])


def make_branches() -> str:
    """Two trees that have nothing to do with each other."""
    branches = [
        [
            compartment(side),
            compartment(f"{side}-inner", parent=side),
            key(f"{side}-key", compartment=f"{side}-inner"),
            policy(f"{side}-grant", compartment=f"{side}-inner", grants=[{"apiKey": f"{side}-key"}]),
        ]
        for side in ("left", "right")
    ]
    return stack(*branches[0], *branches[1])


def test_a_failure_skips_what_depends_on_it_and_nothing_else(project: Project, tenancy: Tenancy) -> None:
    project.write(make_branches())
    fail(tenancy, "CreateCompartment", nth=1)
    ran = project.run(*APPROVED, "--json", "--parallelism", "1", code=4)
    reported = outcomes(ran)
    assert {address: line["status"] for address, line in reported.items()} == {
        "Compartment/left": "failed",
        "Compartment/left-inner": "skipped",
        "ApiKey/left-key": "skipped",
        "Policy/left-grant": "skipped",
        "Compartment/right": "done",
        "Compartment/right-inner": "done",
        "ApiKey/right-key": "done",
        "Policy/right-grant": "done",
    }
    assert "CreateCompartment: 400 InvalidParameter: Not today." in reported["Compartment/left"]["note"]
    assert "opc-request-id" in reported["Compartment/left"]["note"]
    assert reported["Compartment/left-inner"]["note"] == "depends on Compartment/left"
    tenancy.forget_calls()
    project.run(*APPROVED)
    assert sorted(tenancy.writes()) == ["CreateApiKey", "CreateCompartment", "CreateCompartment", "CreatePolicy"]
    assert_settled(project)


def test_text_reports_what_failed_what_was_skipped_and_how_to_go_on(project: Project, tenancy: Tenancy) -> None:
    project.write(make_branches())
    fail(tenancy, "CreateApiKey", count=2)
    said = project.run(*APPROVED, code=4).out
    for part in ("Apply incomplete", "Not today.", "depends on ApiKey/left-key", "genai-iac apply"):
        assert words(part) in words(said)
    assert len(compartments(tenancy)) == 4 and keys(tenancy) == {} and policies(tenancy) == {}


def test_when_nothing_was_applied_that_is_reported(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home"), key("app")))
    fail(tenancy, "CreateCompartment")
    project.run(*APPROVED, code=4)
    assert compartments(tenancy) == {}


def test_a_compartment_with_something_foreign_inside_is_not_deleted(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home"), compartment("empty"), key("app")))
    project.run(*APPROVED)
    home = named(compartments(tenancy), "home").id
    details = oci.generative_ai.models.CreateApiKeyDetails(
        compartment_id=home, display_name="theirs", key_details=[{"keyName": "a", "timeExpiry": "2099-01-01T00:00:00Z"}]
    )
    theirs = client(tenancy, "generative_ai", REGION).create_api_key(details).data.id
    ran = project.run("destroy", "--auto-approve", "--json", code=4)
    reported = outcomes(ran)
    assert {address: line["status"] for address, line in reported.items()} == {
        "Compartment/home": "failed",
        "Compartment/empty": "done",
        "ApiKey/app": "done",
    }
    note = reported["Compartment/home"]["note"]
    assert "did not happen" in note and f"ApiKey theirs ({theirs})" in note
    assert list(compartments(tenancy)) == [home] and list(keys(tenancy)) == [theirs]
    assert compartments(tenancy)[home].lifecycle_state == "ACTIVE"
    client(tenancy, "generative_ai", REGION).delete_api_key(theirs)
    project.run("destroy", "--auto-approve")
    assert compartments(tenancy) == {}


def test_a_foreign_compartment_inside_blocks_as_well(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home")))
    project.run(*APPROVED)
    home = named(compartments(tenancy), "home").id
    models = oci.identity.models
    details = models.CreateCompartmentDetails(compartment_id=home, name="theirs", description="Not ours")
    theirs = client(tenancy, "identity").create_compartment(details).data.id
    ran = project.run("destroy", "--auto-approve", "--json", code=4)
    assert f"Compartment theirs ({theirs})" in outcomes(ran)["Compartment/home"]["note"]
    assert set(compartments(tenancy)) == {home, theirs}


def test_what_is_gone_already_is_no_failure(project: Project, tenancy: Tenancy) -> None:
    """Somebody deletes our key while we are on the way to do so."""
    project.write(stack(compartment("home"), key("app")))
    project.run(*APPROVED)
    fail(tenancy, "GetApiKey", status=404, code="NotAuthorizedOrNotFound", message="Gone.")
    reported = outcomes(project.run("destroy", "--auto-approve", "--json", code=None))
    assert reported["ApiKey/app"]["status"] == "done" and "already deleted" in reported["ApiKey/app"]["note"]


def test_a_delete_whose_answer_was_lost_is_not_waited_for(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("team"), key("app", compartment="team")))
    project.run(*APPROVED)
    tenancy.forget_calls()
    tenancy.control("POST", "faults", {"operation": "DeleteApiKey", "when": "after", "effect": {"drop": True}})
    reported = outcomes(project.run("destroy", "--auto-approve", "--json"))
    assert reported["ApiKey/app"]["status"] == "done"
    assert [call["status"] for call in tenancy.calls() if call["operation"] == "DeleteApiKey"] == [0, 404]  # 0: dropped


def test_somebody_who_changes_it_between_the_read_and_the_write_is_not_overwritten(
    project: Project, tenancy: Tenancy
) -> None:
    """The write says which version it is for; a later one is refused by the service, not by luck."""
    project.write(stack(compartment("home"), policy("rule", description="Before")))
    project.run(*APPROVED)
    rule = named(policies(tenancy), "rule")
    project.write(stack(compartment("home"), policy("rule", description="After")))
    fail(tenancy, "UpdatePolicy", delay="1500ms")
    applying = project.spawn(*APPROVED, "--json")
    wait_until_held(tenancy)
    details = oci.identity.models.UpdatePolicyDetails(description="Theirs")
    client(tenancy, "identity").update_policy(rule.id, details)
    ran = ended(applying)
    assert ran.code == 4
    assert "NoEtagMatch" in outcomes(ran)["Policy/rule"]["note"]
    assert policies(tenancy)[rule.id].description == "Theirs"


def test_a_change_by_hand_since_the_plan_was_shown_is_not_overwritten(project: Project, tenancy: Tenancy) -> None:
    """Between the reading and the turn of this change: the key is created for a second before the policy is looked at."""
    project.write(stack(compartment("home"), policy("rule", description="Before")))
    project.run(*APPROVED)
    rule = named(policies(tenancy), "rule")
    changed = policy("rule", grants=[{"apiKey": "app"}], description="After")
    project.write(stack(compartment("home"), key("app"), changed))
    fail(tenancy, "CreateApiKey", delay="1500ms")
    tenancy.forget_calls()
    applying = project.spawn(*APPROVED, "--json")
    wait_for(tenancy, "ListPolicies", times=2)
    details = oci.identity.models.UpdatePolicyDetails(description="Theirs")
    client(tenancy, "identity").update_policy(rule.id, details)
    reported = outcomes(ended(applying))
    assert reported["ApiKey/app"]["status"] == "done" and reported["Policy/rule"]["status"] == "failed"
    assert "was changed since the plan was made" in reported["Policy/rule"]["note"]
    assert policies(tenancy)[rule.id].description == "Theirs"
    project.run(*APPROVED)
    assert policies(tenancy)[rule.id].description == "After"


def test_throttling_is_waited_out(project: Project, tenancy: Tenancy) -> None:
    """Nearly a third of all calls get 429 with Retry-After: the apply finishes, with few calls more."""
    documents = [compartment("home"), *(policy(f"p{number}") for number in range(12))]
    project.write(stack(*documents))
    for nth in range(2, 40, 4):
        fail(tenancy, "*", nth=nth, status=429, code="TooManyRequests", message="Slow down.", retryAfter="1")
    project.run(*APPROVED)
    tenancy.control("DELETE", "faults")
    refused = refused_writes(tenancy)
    assert refused and {call["status"] for call in refused} == {429}
    assert len(tenancy.calls()) < 80
    assert_settled(project)
