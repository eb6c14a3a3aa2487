"""What was approved in a pull request is what runs after the merge: the same or less goes on, anything more is refused unmade."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import oci
import pytest
from conftest import Project, Ran, Tenancy
from plan_apply.sdk_helpers import (
    APPROVED,
    REGION,
    assert_settled,
    client,
    compartments,
    keys,
    named,
    plan,
    planned_calls,
    policies,
    words,
)

from .stacks import commit, edited, git

FILE = "approved.json"  # beside the manifests, but in no commit
MORE = """\
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: tools}
spec:
  parent: chat
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: bot}
spec:
  compartment: tools
  secrets:
    - {name: key-one, expires: 90d}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: bot-access}
spec:
  compartment: tools
  grants:
    - {apiKey: bot, apis: [chat]}
"""
PROPOSED = (
    edited("Chat workloads", "Chat", edited("app may chat", "app can chat", edited("The app's", "Its own"))) + MORE
)
CREATED = ("Compartment/tools", "ApiKey/bot", "Policy/bot-access")  # each needs those before it
UPDATED = ("Compartment/chat", "ApiKey/app", "Policy/access")


@dataclass(frozen=True)
class Approval:
    """A change that was planned on a branch, approved there, and merged an hour ago."""

    project: Project
    tenancy: Tenancy
    document: dict[str, Any]  # the plan of the branch

    @property
    def fingerprint(self) -> str:
        return str(self.document["fingerprint"])

    def apply(self, *arguments: str, code: int = 0) -> Ran:
        """As the workflow does it after the merge."""
        self.tenancy.forget_calls()
        return self.project.run("apply", "--expect-fingerprint", self.fingerprint, *arguments, code=code)

    def refused(self, *arguments: str) -> Ran:
        """How it refuses; nothing has been written."""
        ran = self.apply("--auto-approve", *arguments, code=1)
        assert self.tenancy.writes() == []
        assert "Traceback" not in ran.err
        return ran


def approve(project: Project, tenancy: Tenancy) -> Approval:
    """Plan what is proposed; an hour goes by."""
    project.run("plan", "--out", f"json={FILE}")
    tenancy.advance("1h")
    return Approval(project, tenancy, json.loads((project.path / FILE).read_text()))


@pytest.fixture
def approved(applied: Project, tenancy: Tenancy) -> Approval:
    applied.write(PROPOSED)
    return approve(applied, tenancy)


@pytest.fixture
def merged(applied: Project, tenancy: Tenancy) -> Approval:
    """The same in git: two commits on a branch, squashed into a main that has moved on."""
    path = applied.path
    commit(path, "Before")
    (path / ".git/info/exclude").write_text(f".genai-iac/\nsecrets/\n{FILE}\n")
    git(path, "checkout", "--quiet", "-b", "proposal")
    applied.write(PROPOSED)
    commit(path, "First try")
    head, *documents = PROPOSED.split("---\n")
    applied.write("---\n".join([head, *reversed(documents)]))
    commit(path, "In another order")
    approval = approve(applied, tenancy)
    git(path, "checkout", "--quiet", "main")
    applied.write("Read me first\n", "README.md")
    commit(path, "Somebody else's")
    git(path, "merge", "--quiet", "--squash", "proposal")
    commit(path, "The proposal, squashed")
    git(path, "branch", "-D", "--quiet", "proposal")
    return approval


def addresses(document: dict[str, Any]) -> set[str]:
    return {change["address"] for change in document["changes"]}


# The same


def test_the_fingerprint_survives_the_merge(merged: Approval) -> None:
    assert addresses(merged.document) == {*CREATED, *UPDATED}
    now = plan(merged.project)
    assert now["fingerprint"] == merged.fingerprint
    assert planned_calls(now) == planned_calls(merged.document)


@pytest.mark.parametrize("arguments", [["--auto-approve"], ["--approved", FILE, "--json"]])
def test_what_was_approved_goes_on(merged: Approval, arguments: list[str]) -> None:
    merged.apply(*arguments)
    assert sorted(merged.tenancy.writes()) == sorted(planned_calls(merged.document).elements())
    assert_settled(merged.project)


def test_the_order_of_the_manifests_is_no_difference(merged: Approval) -> None:
    merged.project.write(PROPOSED)
    assert plan(merged.project)["fingerprint"] == merged.fingerprint


# Less


@pytest.mark.parametrize("made", [1, 3])
def test_it_goes_on_when_some_of_it_was_made_meanwhile(approved: Approval, made: int) -> None:
    """By the fingerprint alone: what was made is young, so the plan that was approved can be found again."""
    approved.project.run(*APPROVED, "--target", CREATED[made - 1])
    left = plan(approved.project)
    assert addresses(left) < addresses(approved.document)
    approved.apply("--auto-approve")
    assert sorted(approved.tenancy.writes()) == sorted(planned_calls(left).elements())
    assert_settled(approved.project)


@pytest.mark.parametrize("made", [*UPDATED, "Policy/bot-access"])
def test_with_the_plan_at_hand_it_goes_on_whichever_part_was_made(approved: Approval, made: str) -> None:
    approved.project.run(*APPROVED, "--target", made)
    left = plan(approved.project)
    assert made not in addresses(left)
    approved.apply("--approved", FILE)
    assert sorted(approved.tenancy.writes()) == sorted(planned_calls(left).elements())
    assert_settled(approved.project)


def test_it_goes_on_when_somebody_made_a_part_by_hand(approved: Approval) -> None:
    by_hand("Compartment", "Chat")(approved)
    approved.apply("--approved", FILE)
    assert "UpdateCompartment" not in approved.tenancy.writes()
    assert_settled(approved.project)


@pytest.mark.parametrize("arguments", [[], ["--approved", FILE]])
def test_nothing_left_is_less(approved: Approval, arguments: list[str]) -> None:
    approved.project.run(*APPROVED)
    assert "No changes." in approved.apply(*arguments).out
    assert approved.tenancy.writes() == []


def test_it_goes_on_after_a_run_that_broke(approved: Approval) -> None:
    fault = {"operation": "CreateApiKey", "nth": 1, "count": 1, "when": "before"}
    approved.tenancy.control("POST", "faults", [{**fault, "effect": {"status": 400, "code": "InvalidParameter"}}])
    approved.apply("--approved", FILE, code=4)
    done = approved.tenancy.writes()
    assert 0 < len(done) < len(list(planned_calls(approved.document).elements()))
    approved.apply("--approved", FILE)
    assert sorted(done + approved.tenancy.writes()) == sorted(planned_calls(approved.document).elements())
    assert_settled(approved.project)


# More


def by_hand(kind: str, text: str = "By hand") -> Callable[[Approval], None]:
    """Somebody describes otherwise what the plan is to describe otherwise."""

    def act(approved: Approval) -> None:
        identity, models = client(approved.tenancy, "identity"), oci.identity.models
        if kind == "Compartment":
            id = named(compartments(approved.tenancy), "chat").id
            identity.update_compartment(id, models.UpdateCompartmentDetails(description=text))
        elif kind == "Policy":
            id = named(policies(approved.tenancy), "access").id
            identity.update_policy(id, models.UpdatePolicyDetails(description=text))
        else:
            details = oci.generative_ai.models.UpdateApiKeyDetails(description=text)
            id = named(keys(approved.tenancy), "app").id
            client(approved.tenancy, "generative_ai", REGION).update_api_key(id, details)

    return act


def switched(approved: Approval) -> None:
    """A secret that is to be inactive is switched on."""
    details = oci.generative_ai.models.SetApiKeyStateDetails(key_name="key-two", state="ACTIVE")
    id = named(keys(approved.tenancy), "app").id
    client(approved.tenancy, "generative_ai", REGION).set_api_key_state(id, details)


def deleted(approved: Approval) -> None:
    client(approved.tenancy, "generative_ai", REGION).delete_api_key(named(keys(approved.tenancy), "app").id)


def rewritten(*edits: tuple[str, str], more: str = "") -> Callable[[Approval], None]:
    """The manifests say something else by now."""

    def act(approved: Approval) -> None:
        text = PROPOSED
        for before, after in edits:
            text = edited(before, after, text)
        approved.project.write(text + more)

    return act


def applied_and_edited(approved: Approval) -> None:
    """What was approved to be made was made, and is to change once more."""
    approved.project.run(*APPROVED, "--target", "Compartment/tools")
    details = oci.identity.models.UpdateCompartmentDetails(description="By hand")
    client(approved.tenancy, "identity").update_compartment(named(compartments(approved.tenancy), "tools").id, details)


THIRD = """\
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: third}
spec: {}
"""
BOTS = "compartment: tools\n  secrets:\n    - {name: key-one, expires: "
EXTRA: dict[str, tuple[set[str], Callable[[Approval], None]]] = {
    "the compartment by hand": ({"Compartment/chat"}, by_hand("Compartment")),
    "the policy by hand": ({"Policy/access"}, by_hand("Policy")),
    "the key by hand": ({"ApiKey/app"}, by_hand("ApiKey")),
    "a secret switched": ({"ApiKey/app"}, switched),
    "the key deleted": ({"ApiKey/app", "Policy/access"}, deleted),  # the grant names the key's OCID
    "landed, and then by hand": ({"Compartment/tools"}, applied_and_edited),
    "another value": ({"Compartment/chat"}, rewritten(("description: Chat\n", "description: Talk\n"))),
    "a right more": ({"Policy/bot-access"}, rewritten(("apiKey: bot, apis: [chat]", "apiKey: bot, apis: [responses]"))),
    "a longer life": ({"ApiKey/bot"}, rewritten((f"{BOTS}90d", f"{BOTS}91d"))),
    "a compartment more": ({"Compartment/third"}, rewritten(more=THIRD)),
}


@pytest.mark.parametrize(("more", "change"), EXTRA.values(), ids=EXTRA)
def test_anything_more_is_refused_and_alone_is_shown(
    approved: Approval, more: set[str], change: Callable[[Approval], None]
) -> None:
    change(approved)
    ran = approved.refused("--approved", FILE)
    assert shown(ran, plan(approved.project)) == more
    assert f"{len(more)} change{'s' * (len(more) > 1)} of this plan" in ran.err
    assert approved.fingerprint in words(ran.err)


def test_without_the_plan_at_hand_all_is_shown_and_the_flag_is_named(approved: Approval) -> None:
    rewritten(more=THIRD)(approved)
    ran = approved.refused()
    assert shown(ran, plan(approved.project)) == {*CREATED, *UPDATED, "Compartment/third"}
    assert "--approved FILE" in " ".join(ran.err.split())


@pytest.mark.parametrize("made", UPDATED)
def test_an_applied_update_is_not_recognised_by_the_fingerprint_alone(approved: Approval, made: str) -> None:
    """As after a run that was cut short; nothing is claimed that is not known."""
    approved.project.run(*APPROVED, "--target", made)
    said = " ".join(approved.refused().err.split())
    assert "nor that an update of it was applied meanwhile; nothing was changed" in said
    assert "next: give the approved plan's JSON as well, with --approved FILE" in said
    approved.apply("--approved", FILE)
    assert_settled(approved.project)


def test_programs_get_no_picture_of_a_refusal(approved: Approval) -> None:
    by_hand("Policy")(approved)
    assert approved.refused("--approved", FILE, "--json").out == ""


def shown(ran: Ran, fresh: dict[str, Any]) -> set[str]:
    """The addresses whose changes are on the screen."""
    shown = {word for line in ran.out.splitlines() for word in line.split()[1:2]}
    return shown & addresses(fresh)


# What is no approval


def test_the_plan_has_to_be_that_of_the_fingerprint(approved: Approval) -> None:
    approved.project.run("plan", "--out", f"json={FILE}", "--target", CREATED[0])
    assert "another plan" in approved.refused("--approved", FILE).err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"changes": [{}]}', '{"changes": 1}', "kind: Stack"])
def test_what_is_no_plan_approves_nothing(offline: Project, text: str) -> None:
    (offline.path / FILE).write_text(text)
    ran = offline.run("apply", "--approved", FILE, "--auto-approve", code=1)
    assert "not a plan as JSON" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("wrong", ["sha256:", "sha256:" + "0" * 63, "md5:" + "0" * 64])
def test_a_fingerprint_that_is_none_approves_nothing(offline: Project, wrong: str) -> None:
    assert "copy it whole" in offline.run("apply", "--expect-fingerprint", wrong, "--auto-approve", code=1).err


def test_a_saved_plan_takes_no_fingerprint(offline: Project) -> None:
    (offline.path / "change.plan").write_text("{}")
    ran = offline.run("apply", "--expect-fingerprint", "sha256:" + "0" * 64, "change.plan", code=1)
    assert "bound to what it was made on" in " ".join(ran.err.split())
