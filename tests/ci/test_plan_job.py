"""The workflow of a pull request, run step by step: it plans without credentials and keeps one comment a stack."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from commands.stacks import commit, git

from .repository import Hosted

MARKER = "<!-- genai-iac plan chat -->"


def comments(hosted: Hosted) -> list[dict[str, Any]]:
    return hosted.runner.hub["comments"]


def test_one_comment_is_kept_up_to_date(hosted: Hosted) -> None:
    by_hand = {"id": 1, "issue": 7, "user": {"login": "mallory"}, "body": f"{MARKER}\nNot the bot's"}
    hosted.runner.hub = {**hosted.runner.hub, "comments": [by_hand]}
    hosted.branch()
    hosted.edit("Chat workloads", "Chat in production")
    run = hosted.pull_request()
    assert run.result == "success", run.log
    _, comment = comments(hosted)
    assert comment["body"].splitlines()[:3] == [MARKER, "", "### Plan: 0 to add, 1 to change, 0 to destroy."]
    assert "Chat in production" in comment["body"]
    assert run.summary == comment["body"]
    assert run.jobs["stacks"][0].outputs["matrix"].startswith('{"include":[{"name":"chat",')

    hosted.edit("The app's", "The application's")
    hosted.edit("Another team's", "The other team's", "other/stack.yaml")
    again = hosted.pull_request()
    kept, updated, other = comments(hosted)
    assert (kept, updated["id"]) == (by_hand, comment["id"])
    assert "### Plan: 0 to add, 2 to change, 0 to destroy." in updated["body"]
    assert other["body"].splitlines()[0] == "<!-- genai-iac plan other -->"
    assert again.summary == updated["body"] + other["body"]

    hosted.edit("Chat in production", "Chat workloads")
    hosted.edit("The application's", "The app's")
    assert hosted.pull_request().result == "success"
    assert comments(hosted) == [by_hand, other]
    assert hosted.tenancy.calls() == []


def test_a_fork_is_planned_and_writes_nothing(hosted: Hosted) -> None:
    hosted.branch()
    hosted.edit("Chat workloads", "Chat")
    run = hosted.pull_request(repository="mallory/access")
    assert (run.result, run.result_of("comment")) == ("success", "skipped")
    assert "### Plan: 0 to add, 1 to change, 0 to destroy." in run.summary
    assert hosted.runner.hub["requests"] == hosted.tenancy.calls() == []


def test_without_a_snapshot_it_says_what_to_run(hosted: Hosted) -> None:
    for cache in hosted.runner.storage.caches:
        cache.unlink()
    hosted.branch()
    hosted.edit("Chat workloads", "Chat")
    run = hosted.pull_request()
    assert run.result_of("plan") == "failure"
    assert "There is no snapshot yet: run the workflow genai-iac nightly on the protected branch once." in run.log


def test_what_the_checks_refuse_is_planned_all_the_same(hosted: Hosted) -> None:
    hosted.branch()
    hosted.edit("description: app may chat", "description:   app may still chat")
    run = hosted.pull_request()
    assert run.result_of("plan") == "failure"
    assert [one["body"].splitlines()[0] for one in comments(hosted)] == [MARKER]


def forbid_and_delete(hosted: Hosted) -> None:
    """A change that deletes what the protected branch forbids to delete."""
    hosted.edit("{description: Another team's}", "{description: Another team's, deletion: forbid}", "other/stack.yaml")
    hosted.project.run("apply", "--auto-approve", "other")
    commit(hosted.project.path)
    hosted.project.run("snapshot", "--full-scan", "--out", "../caches/genai-iac-snapshot-0-1", "chat")
    hosted.tenancy.forget_calls()
    hosted.branch()
    text = (hosted.project.path / "other/stack.yaml").read_text()
    hosted.project.write(text.partition("---\n")[0], "other/stack.yaml")


def test_a_plan_that_apply_would_refuse_is_shown_and_the_job_is_red(hosted: Hosted) -> None:
    forbid_and_delete(hosted)
    run = hosted.pull_request()
    assert (run.result_of("plan"), run.result_of("comment")) == ("failure", "success")
    (comment,) = comments(hosted)
    assert "has deletion: forbid" in comment["body"]
    assert run.summary == comment["body"]
    assert hosted.tenancy.calls() == []


def findings_of(hosted: Hosted) -> dict[str, dict[str, Any]]:
    """What was uploaded to code scanning, by category."""
    unpacked = {}
    for sent in hosted.runner.hub["sarifs"]:
        (run,) = json.loads(gzip.decompress(base64.b64decode(sent["sarif"])))["runs"]
        unpacked[run["automationDetails"]["id"]] = run
    return unpacked


def test_what_lint_finds_is_uploaded_for_each_stack(hosted: Hosted) -> None:
    hosted.branch()
    hosted.edit("apis: [chat]", "apis: [chat], where: \"request.region = 'nowhere'\"")
    hosted.edit("Another team's", "The other team's", "other/stack.yaml")
    hosted.pull_request()
    found = findings_of(hosted)
    assert set(found) == {"genai-iac/chat/", "genai-iac/other/"}
    assert found["genai-iac/other/"]["results"] == [] != found["genai-iac/chat/"]["results"]


STACK_ALONE = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: other}\nspec: {region: us-chicago-1}\n"


def test_a_trailer_lets_a_guard_pass_and_the_pull_request_is_green(hosted: Hosted) -> None:
    hosted.branch()
    hosted.project.write(STACK_ALONE, "other/stack.yaml")  # all that the stack owns would be deleted
    refused = hosted.pull_request()
    assert refused.result_of("plan") == "failure" and "--allow-destroy 1" in refused.log
    git(hosted.project.path, "commit", "--quiet", "--allow-empty", "-m", "Accepted\n\nGenai-Iac-Allow-Destroy: 1")
    accepted = hosted.pull_request()
    assert accepted.result_of("plan") == "success", accepted.log
    hosted.merge()
    assert hosted.push().result_of("apply") == "failure", "the squashed commit does not say it"
    git(hosted.project.path, "commit", "--quiet", "--allow-empty", "-m", "Accepted\n\nGenai-Iac-Allow-Destroy: 1")
    applied = hosted.push()
    assert applied.result == "success", applied.log
    assert hosted.tenancy.writes() == ["DeleteCompartment"]


def test_a_run_by_hand_lets_a_guard_pass(hosted: Hosted) -> None:
    hosted.project.write(STACK_ALONE, "other/stack.yaml")
    commit(hosted.project.path)
    by_hand = {"event_name": "workflow_dispatch", "ref_name": "main", "inputs": {"allow-destroy": "1"}}
    run = hosted.runner.run("genai-iac-apply", by_hand, "main")
    assert run.result == "success", run.log
    assert hosted.tenancy.writes() == ["DeleteCompartment"]


def test_a_trailer_can_hold_nothing_but_an_address(hosted: Hosted) -> None:
    hosted.branch()
    hosted.edit("Chat workloads", "Chat")
    commit(hosted.project.path)
    for trailer in ("$(touch pwned)", "--auto-approve", "ApiKey/app;id"):
        git(hosted.project.path, "commit", "--quiet", "--allow-empty", "-m", f"x\n\nGenai-Iac-Accept-Outage: {trailer}")
        run = hosted.pull_request()
        assert run.result_of("stacks") == "success"
    assert run.result_of("plan") == "failure" and "is not an address" in run.log
    assert not list(hosted.runner.folder.rglob("pwned"))
