"""Names that can never both exist, as OCI compares them, are refused before the first write; a 409 that comes all the same says
what to type next.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from conftest import Project, Tenancy

from .manifests import compartment, document, key, policy, stack
from .sdk_helpers import APPROVED, assert_settled, changes, compartments, plan, words
from .test_ownership import TAG, make_compartment, make_policy

Document = dict[str, Any]
ROOT_STATEMENT = ["allow any-user to inspect tag-namespaces in tenancy"]
OCID = "ocid1.compartment.oc1..aaaaaaaaplatform"
TENANCY = "ocid1.tenancy.oc1..aaaaaaaatheirs"


def policies_named(*names: str, **spec: Any) -> list[Document]:
    spec = {"compartment": "tenancy", "statements": ROOT_STATEMENT, **spec}
    return [policy(f"p{number}", name=name, **spec) for number, name in enumerate(names)]


CLASHING: dict[str, list[Document]] = {
    "two names in the root": [compartment("a", name="chat"), compartment("b", name="chat")],
    "one of them by default": [compartment("chat"), compartment("b", name="chat")],
    "in other letters": [compartment("a", name="Chat"), compartment("b", name="chat")],
    "the root by its word and by its path": [
        compartment("a", name="chat", parent="tenancy"),
        compartment("b", name="chat", parent="/"),
    ],
    "the root by its OCID": [compartment("a", name="chat"), compartment("b", name="chat", parent=TENANCY)],
    "below an existing one": [
        compartment("a", name="chat", parent="/platform/ai"),
        compartment("b", name="chat", parent="/platform/ai"),
    ],
    "paths in other letters": [
        compartment("a", name="chat", parent="/platform"),
        compartment("b", name="chat", parent="/Platform"),
    ],
    "below an OCID": [compartment("a", name="chat", parent=OCID), compartment("b", name="chat", parent=OCID)],
    "below a declared one and its path": [
        compartment("top"),
        compartment("a", name="kid", parent="top"),
        compartment("b", name="kid", parent="/top"),
    ],
    "a declared one two levels down and its path": [
        compartment("top", name="t"),
        compartment("mid", name="m", parent="top"),
        compartment("a", name="kid", parent="mid"),
        compartment("b", name="KID", parent="/t/m"),
    ],
    "below one declared in an existing one": [
        compartment("top", name="t", parent="/platform"),
        compartment("a", name="kid", parent="top"),
        compartment("b", name="kid", parent="/platform/t"),
    ],
    "a name that is made of another's": [
        compartment("base", name="x"),
        compartment("a", name="x-1", parent="/platform"),
        compartment("b", name="${Compartment/base.name}-1", parent="/platform"),
    ],
    "through a variable": [compartment("a", name="chat-dev"), compartment("b", name="chat-${var.env}")],
    "through two variables": [compartment("a", name="${var.env}"), compartment("b", name="${var.stage}")],
    "through the stack's name": [compartment("a", name="loop"), compartment("b", name="${Stack.name}")],
    "policies": policies_named("admins", "admins"),
    "policies in other letters": policies_named("admins", "ADMINS"),
    "policies in two compartments": [
        compartment("home"),
        *policies_named("admins"),
        policy("other", name="admins"),
    ],
    "policies by default and through a variable": [
        policy("dev-access", compartment="tenancy"),
        policy("other", name="${var.env}-access", compartment="tenancy"),
    ],
}


@pytest.mark.parametrize("case", CLASHING)
def test_what_is_declared_twice_is_refused_offline_with_both_places(offline: Project, case: str) -> None:
    variables = {"env": {"default": "dev"}, "stage": {"default": "dev"}}
    offline.write(stack(*CLASHING[case], variables=variables))
    for verb in (("validate",), ("lint",)):
        ran = offline.run(*verb, code=1)
        said = words(ran.out + ran.err)
        assert words("OCI compares names without case") in said and said.count("stack.yaml:") == 2, ran.err
        assert words("another spec.name") in said


FINE: dict[str, list[Document]] = {
    "other parents": [
        compartment("top"),
        compartment("a", name="kid", parent="top"),
        compartment("b", name="kid"),
        compartment("c", name="kid", parent="a"),
        compartment("d", name="kid", parent="/elsewhere"),
        compartment("e", name="kid", parent=OCID),
    ],
    "other kinds": [compartment("chat"), policy("chat", compartment="tenancy"), key("chat", compartment="chat")],
    "keys need not be told apart": [compartment("home"), key("a", displayName="k"), key("b", displayName="k")],
    "another value of the variable": [compartment("a", name="chat-prod"), compartment("b", name="chat-${var.env}")],
}


@pytest.mark.parametrize("case", FINE)
def test_names_that_can_both_exist_are_not_refused(offline: Project, case: str) -> None:
    offline.write(stack(*FINE[case], variables={"env": {"default": "dev"}}))
    offline.run("validate")


def test_parents_that_only_the_tenancy_shows_to_be_one(project: Project, tenancy: Tenancy) -> None:
    id = make_compartment(tenancy, "theirs")
    project.write(stack(compartment("a", name="kid", parent=id), compartment("b", name="Kid", parent="/theirs")))
    project.run("validate")
    refused(project, tenancy, "Compartment/b has the name Kid that Compartment/a has below the same parent")


def refused(project: Project, tenancy: Tenancy, message: str) -> str:
    """Plan and apply say so with exit 1, and nothing is written."""
    tenancy.forget_calls()
    for verb in (("plan",), APPROVED):
        ran = project.run(*verb, code=1)
        assert words(message) in words(ran.err), ran.err
    assert tenancy.writes() == []
    return ran.err


# Against what is live


def test_a_compartment_in_other_letters_is_taken(project: Project, tenancy: Tenancy) -> None:
    make_compartment(tenancy, "CHAT")
    project.write(stack(compartment("first"), compartment("chat")))
    refused(project, tenancy, "Compartment/chat: Compartment CHAT exists and is not this stack's")


@pytest.mark.parametrize("name", ["admins", "Admins"])
def test_a_policy_of_a_compartment_that_the_manifests_do_not_name_is_taken(
    project: Project, tenancy: Tenancy, name: str
) -> None:
    make_policy(tenancy, make_compartment(tenancy, "far"), "admins")
    project.write(stack(compartment("first"), *policies_named(name)))
    refused(project, tenancy, "Policy/p0: Policy admins exists and is not this stack's")


def test_a_move_to_where_the_name_is_taken(project: Project, tenancy: Tenancy) -> None:
    home = make_compartment(tenancy, "theirs")
    make_compartment(tenancy, "Chat", parent=home)
    project.write(stack(compartment("chat"), compartment("other")))
    project.run(*APPROVED)
    project.write(stack(compartment("chat", parent="/theirs"), compartment("other", description="New")))
    refused(project, tenancy, "Compartment Chat exists and is not this stack's")


def test_a_move_below_one_of_the_same_name(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("a", name="same"), compartment("b", name="same", parent="/elsewhere")))
    make_compartment(tenancy, "elsewhere")
    project.run(*APPROVED)
    project.write(stack(compartment("a", name="same"), compartment("b", name="same", parent="a")))
    refused(project, tenancy, "a compartment cannot be moved into one of the same name, same")


@pytest.mark.parametrize("kind", ["Compartment", "Policy"])
def test_what_is_retained_keeps_its_name(project: Project, tenancy: Tenancy, kind: str) -> None:
    make = (
        (lambda name, **spec: compartment(name, name="kept", **spec))
        if kind == "Compartment"
        else (lambda name, **spec: policy(name, name="kept", compartment="tenancy", **spec))
    )
    project.write(stack(make("old", deletion="retain")))
    project.run(*APPROVED)
    project.write(stack(make("new")))
    refused(project, tenancy, "has that name and stays")


def test_a_name_in_other_letters_is_taken_once_it_is_freed(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("a", name="one"), *policies_named("one")))
    project.run(*APPROVED)
    project.write(stack(compartment("a", name="two"), compartment("b", name="ONE"), *policies_named("two", "ONE")))
    document = plan(project)
    assert changes(document)["Compartment/b"]["needs"] == ["Compartment/a"]
    assert changes(document)["Policy/p1"]["needs"] == ["Policy/p0"]
    project.run(*APPROVED)
    assert_settled(project)


def test_the_letters_of_an_own_name_can_be_changed(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("a", name="chat")))
    project.run(*APPROVED)
    project.write(stack(compartment("a", name="Chat")))
    project.run(*APPROVED)
    assert {one.name for one in compartments(tenancy).values()} == {"Chat"}


# Environments of one stack


def environments(project: Project, **tenancies: str) -> None:
    for name, tenancy in tenancies.items():
        spec = {"variables": {"env": name}, **({"tenancy": tenancy} if tenancy else {})}
        project.write(yaml.safe_dump(document("Environment", name, spec)), f"environments/{name}.yaml")


@pytest.mark.parametrize("kind", ["Compartment", "Policy"])
def test_environments_pinned_to_one_tenancy_need_names_of_their_own(offline: Project, kind: str) -> None:
    documents = [compartment("chat"), policy("access", compartment="tenancy", name="access-${var.env}")]
    if kind == "Policy":
        documents = [compartment("chat", name="chat-${var.env}"), policy("access", compartment="chat", statements=[])]
        documents[1]["spec"]["statements"] = [
            "allow any-user to inspect policies in compartment id ${Compartment/chat.id}"
        ]
    environments(offline, dev=TENANCY, prod=TENANCY)
    variables = {"env": {"default": "dev"}}
    offline.write(stack(*documents, variables=variables))
    ran = offline.run("validate", code=1)
    assert words("in the environments dev and prod, which share a tenancy") in words(ran.err)
    environments(offline, dev=TENANCY, prod=f"{TENANCY}2")
    offline.run("validate")
    environments(offline, dev="", prod="")
    offline.run("validate")
    environments(offline, dev=TENANCY, prod=TENANCY)
    documents[0]["spec"]["name"], documents[1]["spec"]["name"] = "chat-${var.env}", "access-${var.env}"
    offline.write(stack(*documents, variables=variables))
    offline.run("validate")


@pytest.mark.parametrize("kind", ["Compartment", "Policy", "Policy in a compartment of its own"])
def test_the_hint_for_a_second_environment_is_a_name_of_its_own(project: Project, tenancy: Tenancy, kind: str) -> None:
    inside = "allow any-user to inspect policies in compartment id ${Compartment/chat.id}"
    documents = {
        "Compartment": [compartment("chat")],
        "Policy": [policy("access", compartment="tenancy")],
        "Policy in a compartment of its own": [
            compartment("chat", name="chat-${var.env}"),
            policy("access", compartment="chat", statements=[inside]),
        ],
    }[kind]
    environments(project, dev="", prod="")
    project.write(stack(*documents, variables={"env": {"default": "dev"}}))
    project.run("--env", "dev", *APPROVED)
    tenancy.forget_calls()
    ran = project.run("--env", "prod", *APPROVED, code=1)
    assert words("belongs to loop@dev") in words(ran.err) and words("-${var.env}") in words(ran.err)
    assert tenancy.writes() == []


# A conflict that comes all the same


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("CompartmentAlreadyExists", "genai-iac import Compartment/chat OCID"),
        ("NotAuthorizedOrResourceAlreadyExists", "genai-iac import"),
        ("InvalidatedRetryToken", "plan and apply again"),
        ("SomethingNew", "then plan and apply again"),
    ],
)
def test_every_conflict_ends_with_what_to_do(project: Project, tenancy: Tenancy, code: str, hint: str) -> None:
    tenancy.control("POST", "faults", {"operation": "CreateCompartment", "effect": {"status": 409, "code": code}})
    project.write(stack(compartment("chat")))
    ran = project.run(*APPROVED, code=4)
    printed = ran.out.replace("│", "").replace("|", "")
    assert words(code) in words(printed) and words(hint) in words(printed)


def test_a_mark_of_another_stack_is_no_environment_of_this_one(project: Project, tenancy: Tenancy) -> None:
    make_compartment(tenancy, "chat", {TAG: "another@dev/Compartment/chat#0123456789abcdef"})
    project.write(stack(compartment("chat")))
    assert words("let another@dev give it up first") in words(project.run("plan", code=1).err)
