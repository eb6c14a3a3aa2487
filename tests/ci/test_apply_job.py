"""The workflows of the protected branch, run step by step: what was approved is applied, and what changed by hand comes to light."""

from __future__ import annotations

import json

from commands.stacks import commit
from plan_apply.sdk_helpers import client
from vault_sink.vault_setups import content

from .repository import OTHER, Hosted


def test_a_merged_change_is_applied_once_it_is_approved(hosted: Hosted) -> None:
    hosted.branch()
    hosted.edit("Chat workloads", "Chat")
    hosted.merge()
    seen: list[str] = []
    run = hosted.push({"apply": lambda: seen.extend(hosted.tenancy.writes())})
    assert run.result == "success", run.log
    assert seen == [], "nothing is written before the approval"
    assert hosted.tenancy.writes() == ["UpdateCompartment"]
    assert "### Plan: 0 to add, 1 to change, 0 to destroy." in run.summary
    assert "description: Chat" not in (snapshot := hosted.runner.storage.caches[0].read_text())
    assert json.loads(snapshot)["tenancy"] == hosted.tenancy.tenancy

    hosted.branch("more")
    hosted.edit("Another team's", "The other team's", "other/stack.yaml")
    hosted.merge("more")
    second = hosted.push()
    assert [job["name"] for job in json.loads(second.jobs["stacks"][0].outputs["matrix"])["include"]] == ["other"]


def test_what_nobody_approved_is_not_applied(hosted: Hosted) -> None:
    hosted.branch()
    hosted.edit("Chat workloads", "Chat")
    hosted.merge()
    run = hosted.push({"apply": lambda: change_by_hand(hosted)})
    assert run.result_of("apply") == "failure"
    assert hosted.tenancy.writes() == ["UpdatePolicy"], "by hand"
    assert "1 change of this plan was not approved" in run.log

    # the push after it takes up what was not done, though it touches another stack
    hosted.branch("more")
    hosted.edit("Another team's", "The other team's", "other/stack.yaml")
    hosted.merge("more")
    hosted.tenancy.forget_calls()
    assert hosted.push().result == "success"
    assert sorted(hosted.tenancy.writes()) == ["UpdateCompartment", "UpdateCompartment", "UpdatePolicy"]


def test_nothing_to_do_asks_nobody(hosted: Hosted) -> None:
    run = hosted.push()
    assert (run.result, run.result_of("apply"), run.result_of("snapshot")) == ("success", "skipped", "skipped")
    assert hosted.tenancy.writes() == []


def test_drift_and_expiry_open_one_issue_and_close_it(hosted: Hosted) -> None:
    change_by_hand(hosted)
    run = hosted.nightly()
    assert run.result == "success", run.log
    (issue,) = hosted.runner.hub["issues"]
    assert issue["title"] == "genai-iac: drift, or a secret about to expire"
    assert "### Drift: 1 changed, 0 missing, 0 unexpected." in issue["body"]
    assert issue["body"].endswith(run.summary)
    assert len(hosted.runner.storage.caches) == 2, "a snapshot for pull requests"

    hosted.tenancy.advance("80d")
    hosted.nightly()
    (again,) = hosted.runner.hub["issues"]
    assert (again["number"], again["state"]) == (issue["number"], "open")
    assert "### Drift: 1 changed" in again["body"]
    assert "### chat: a secret expires within 14 days" in again["body"]

    hosted.project.run("apply", "--auto-approve", "chat")  # puts the policy right, and begins a turn of the secrets
    hosted.tenancy.advance("8d")
    hosted.project.run("apply", "--auto-approve", "chat")  # ends it
    assert hosted.nightly().summary == ""
    assert [issue["state"] for issue in hosted.runner.hub["issues"]] == ["closed"]


def test_a_stack_that_cannot_be_read_hides_nothing_of_the_others(hosted: Hosted) -> None:
    hosted.project.write("apiVersion: genai-iac/v1\nkind: ApiKey\nmetadata: {name: x}\nspec: {}\n", "broken/more.yaml")
    hosted.project.write(OTHER.replace("other", "broken"), "broken/stack.yaml")
    commit(hosted.project.path)
    change_by_hand(hosted)
    run = hosted.nightly()
    assert (run.result_of("look"), run.result_of("issue")) == ("failure", "success")
    (issue,) = hosted.runner.hub["issues"]
    assert "### broken: could not be looked at" in issue["body"]
    assert "### Drift: 1 changed, 0 missing, 0 unexpected." in issue["body"]


def test_rotation_goes_on_by_itself(hosted: Hosted) -> None:
    first = content(hosted.tenancy)["OPENAI_API_KEY"]
    hosted.tenancy.advance("31d")
    change_by_hand(hosted)
    hosted.edit("The app's", "The application's")
    commit(hosted.project.path)
    waiting = hosted.nightly("genai-iac-rotate")
    assert (waiting.result, content(hosted.tenancy)["OPENAI_API_KEY"]) == ("success", first)
    assert (
        waiting.summary == "- chat: a key that rotates has other changes as well, and waits until they are applied.\n"
    )

    hosted.edit("The application's", "The app's")
    commit(hosted.project.path)
    hosted.tenancy.forget_calls()
    run = hosted.nightly("genai-iac-rotate")
    assert (run.result, run.summary) == ("success", ""), run.log
    assert content(hosted.tenancy)["OPENAI_API_KEY"] not in ("", first)
    assert "UpdatePolicy" not in hosted.tenancy.writes(), "what is no rotation waits for its approval"


def change_by_hand(hosted: Hosted) -> None:
    """Somebody edits the policy in the console."""
    import oci

    identity = client(hosted.tenancy, "identity")
    place = next(row for row in identity.list_compartments(hosted.tenancy.tenancy).data if row.name == "chat").id
    (policy,) = identity.list_policies(place).data
    identity.update_policy(policy.id, oci.identity.models.UpdatePolicyDetails(description="By hand"))
