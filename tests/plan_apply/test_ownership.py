"""What is ours is known by the mark; what is not ours is never changed or deleted."""

from __future__ import annotations

from datetime import UTC, datetime

import oci
import pytest
from conftest import Project, Tenancy

from genai_iac.core import Address, Owner, make_origin

from .curl_lines import works
from .manifests import Document, compartment, key, policy, stack
from .sdk_helpers import (
    APPROVED,
    REGION,
    assert_settled,
    changes,
    client,
    compartments,
    keys,
    named,
    only,
    plan,
    planned_calls,
    policies,
    words,
)

TAG = "genai-iac"
IDENTITY = oci.identity.models
GENERATIVE_AI = oci.generative_ai.models
HOME, OTHER = compartment("home"), compartment("other")


def make_compartment(tenancy: Tenancy, name: str, tags: dict[str, str] | None = None, parent: str | None = None) -> str:
    details = IDENTITY.CreateCompartmentDetails(
        compartment_id=parent or tenancy.tenancy, name=name, description="Theirs", freeform_tags=tags
    )
    return str(client(tenancy, "identity").create_compartment(details).data.id)


def make_policy(tenancy: Tenancy, place: str, name: str, tags: dict[str, str] | None = None) -> str:
    statements = (
        ["allow any-user to inspect policies in tenancy"]
        if place == tenancy.tenancy
        else [f"allow any-user to inspect policies in compartment id {place}"]
    )
    details = IDENTITY.CreatePolicyDetails(
        compartment_id=place, name=name, description="Theirs", statements=statements, freeform_tags=tags
    )
    return str(client(tenancy, "identity").create_policy(details).data.id)


def make_key(tenancy: Tenancy, place: str, name: str, tags: dict[str, str] | None = None) -> str:
    details = GENERATIVE_AI.CreateApiKeyDetails(
        compartment_id=place,
        display_name=name,
        freeform_tags=tags,
        key_details=[{"keyName": "key-one", "timeExpiry": "2099-01-01T00:00:00Z"}],
    )
    return str(client(tenancy, "generative_ai", REGION).create_api_key(details).data.id)


# A name that is taken


@pytest.mark.parametrize("tags", [None, {TAG: "another/{address}#0123456789abcdef"}, {TAG: "nonsense"}])
@pytest.mark.parametrize("address", ["Compartment/taken", "Policy/taken", "ApiKey/taken"])
def test_a_name_that_is_taken_is_refused_with_the_command_that_adopts(
    project: Project, tenancy: Tenancy, address: str, tags: dict[str, str] | None
) -> None:
    home = make_compartment(tenancy, "theirs")
    marks = {name: text.format(address=address) for name, text in (tags or {}).items()}
    theirs = {
        "Compartment/taken": lambda: make_compartment(tenancy, "taken", marks, home),
        "Policy/taken": lambda: make_policy(tenancy, home, "taken", marks),
        "ApiKey/taken": lambda: make_key(tenancy, home, "taken", marks),
    }[address]()
    ours = {
        "Compartment/taken": compartment("taken", parent="/theirs"),
        "Policy/taken": policy(
            "taken", compartment="/theirs", statements=["allow any-user to inspect policies in compartment theirs"]
        ),
        "ApiKey/taken": key("taken", compartment="/theirs"),
    }[address]
    project.write(stack(ours))
    tenancy.forget_calls()
    for verb in (["plan"], APPROVED):
        ran = project.run(*verb, code=1)
        assert words(f"genai-iac import {address} {theirs}") in words(ran.err)
    assert tenancy.writes() == []


def test_a_policy_name_taken_elsewhere_in_the_tenancy_is_refused_before_the_first_write(
    project: Project, tenancy: Tenancy
) -> None:
    # policy names are unique in the tenancy; a compartment that no manifest names is read when a policy is to be made
    make_policy(tenancy, make_compartment(tenancy, "far"), "taken")
    project.write(stack(HOME, policy("taken"), policy("free")))
    tenancy.forget_calls()
    ran = project.run(*APPROVED, code=1)
    assert words("Policy/taken: Policy taken exists") in words(ran.err) and tenancy.writes() == []


# Marks that are there twice, or copied


def test_a_copied_tag_does_not_stop_the_plan_of_the_original(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    duplicate = make_key(tenancy, ours.compartment_id, "twin", ours.freeform_tags)
    project.write(stack(HOME, key("app", description="Changed")))
    reported = plan(project)
    assert planned_calls(reported) == {"UpdateApiKey": 1} and reported["changes"][0]["id"] == ours.id
    assert any(duplicate in notice["text"] and TAG in notice["text"] for notice in reported["notices"])
    before = oci.util.to_dict(keys(tenancy)[duplicate])
    project.run(*APPROVED)
    assert_settled(project)
    assert oci.util.to_dict(keys(tenancy)[duplicate]) == before
    assert keys(tenancy)[ours.id].description == "Changed"


def make_duplicate(project: Project, tenancy: Tenancy) -> tuple[str, str]:
    """The key of the stack, and another that a run on a second machine created and was killed before it could give way."""
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    tag = Owner(tenancy.tenancy, "loop").create_tag(Address("ApiKey", "app"), REGION, make_origin(datetime.now(UTC)))
    duplicate = make_key(tenancy, ours.compartment_id, "twin", {TAG: tag})
    tenancy.forget_calls()
    return ours.id, duplicate


def call_with(tenancy: Tenancy, ocid: str) -> None:
    """Somebody calls a model with that key."""
    statement = (
        "allow any-user to use generative-ai-family in tenancy where all {request.principal.type='generativeaiapikey'}"
    )
    details = IDENTITY.CreatePolicyDetails(
        compartment_id=tenancy.tenancy, name="callers", description="Theirs", statements=[statement]
    )
    client(tenancy, "identity").create_policy(details)
    body = {"details": {"keyName": "key-one", "timeExpiry": "2099-01-01T00:00:00Z"}}
    value = client(tenancy, "generative_ai", REGION).renew_api_key(ocid, body).data.keys[0].key
    assert works(f"{tenancy.url}/r/{REGION}/20231130/actions/v1", value)


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "removed"])
def test_of_two_that_this_tool_made_at_once_the_later_one_is_deleted_unless_used(
    project: Project, tenancy: Tenancy, declared: bool
) -> None:
    ours, duplicate = make_duplicate(project, tenancy)
    if not declared:
        project.write(stack(HOME))
    document = plan(project)
    assert planned_calls(document) == {"DeleteApiKey": 1 if declared else 2}
    assert duplicate in words(project.run("plan").out)
    project.run(*APPROVED)
    assert set(keys(tenancy)) == ({ours} if declared else set())
    assert_settled(project)


def test_of_two_that_this_tool_made_at_once_neither_is_chosen_when_the_later_is_used(
    project: Project, tenancy: Tenancy
) -> None:
    ours, duplicate = make_duplicate(project, tenancy)
    call_with(tenancy, duplicate)
    tenancy.forget_calls()
    ran = project.run(*APPROVED, code=1)
    assert ours in words(ran.err) and duplicate in words(ran.err)
    assert "ApiKey/app" in ran.err and TAG in ran.err
    assert tenancy.writes() == []


@pytest.mark.parametrize("sealed", [False, True], ids=["born", "sealed"])
@pytest.mark.parametrize("place", ["same compartment", "another of the stack", "tenancy", "another kind"])
def test_a_copied_mark_deletes_nothing(project: Project, tenancy: Tenancy, place: str, sealed: bool) -> None:
    """Someone puts our mark on a thing of theirs and waits for us to remove the original from the manifests."""
    project.write(stack(HOME, OTHER, key("app")))
    project.run(*APPROVED)
    if sealed:
        project.write(stack(HOME, OTHER, key("app", description="Changed")))
        project.run(*APPROVED)
    ours = only(keys(tenancy))
    places = {one.name: one.id for one in compartments(tenancy).values()} | {"tenancy": tenancy.tenancy}
    if place == "another kind":
        theirs = make_policy(tenancy, places["home"], "theirs", ours.freeform_tags)
    else:
        target = {"same compartment": "home", "another of the stack": "other"}.get(place, place)
        theirs = make_key(tenancy, places[target], "theirs", ours.freeform_tags)
    project.write(stack(HOME, OTHER))
    project.run(*APPROVED)
    assert theirs in {**keys(tenancy), **policies(tenancy)}
    assert ours.id not in keys(tenancy)
    for _ in range(2):
        reported = plan(project)
        assert reported["changes"] == []
        assert any(theirs in notice["text"] for notice in reported["notices"])
        project.run(*APPROVED)
    assert theirs in {**keys(tenancy), **policies(tenancy)}


@pytest.mark.parametrize("place", ["same compartment", "another of the stack"])
def test_a_copied_seal_is_not_taken_for_ours_once_the_original_is_gone(
    project: Project, tenancy: Tenancy, place: str
) -> None:
    project.write(stack(HOME, OTHER, key("app")))
    project.run(*APPROVED)
    project.write(stack(HOME, OTHER, key("app", description="Changed")))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    homes = {one.name: one.id for one in compartments(tenancy).values()}
    theirs = make_key(tenancy, homes["home" if place == "same compartment" else "other"], "theirs", ours.freeform_tags)
    client(tenancy, "generative_ai", REGION).delete_api_key(ours.id)
    before = oci.util.to_dict(keys(tenancy)[theirs])
    for documents in ([HOME, OTHER, key("app")], [HOME, OTHER], [HOME, OTHER]):
        project.write(stack(*documents))
        project.run(*APPROVED, code=None)
        assert oci.util.to_dict(keys(tenancy)[theirs]) == before
    project.write(stack(HOME, OTHER, key("app")))
    project.run("destroy", "--auto-approve", code=4)  # their key keeps its compartment
    assert oci.util.to_dict(keys(tenancy)[theirs]) == before


# Changed by hand


@pytest.mark.parametrize("where", ["another of the stack", "tenancy", "somewhere else"])
def test_a_key_moved_by_hand_is_moved_back(project: Project, tenancy: Tenancy, where: str) -> None:
    project.write(stack(HOME, OTHER, key("app")))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    homes = {one.name: one.id for one in compartments(tenancy).values()}
    target = {"another of the stack": homes["other"], "tenancy": tenancy.tenancy}.get(where) or make_compartment(
        tenancy, "far"
    )
    details = GENERATIVE_AI.ChangeApiKeyCompartmentDetails(compartment_id=target)
    client(tenancy, "generative_ai", REGION).change_api_key_compartment(ours.id, details)
    full = ["--full-scan"] if where == "somewhere else" else []
    assert planned_calls(plan(project, *full)) == {"ChangeApiKeyCompartment": 1}
    project.run(*APPROVED, *full)
    assert only(keys(tenancy)).id == ours.id and only(keys(tenancy)).compartment_id == homes["home"]
    assert_settled(project)


def test_a_compartment_moved_by_hand_is_moved_back(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, OTHER, compartment("inner", parent="home"), key("app", compartment="inner")))
    project.run(*APPROVED)
    inner = named(compartments(tenancy), "inner")
    far = make_compartment(tenancy, "far")
    details = IDENTITY.MoveCompartmentDetails(target_compartment_id=far)
    client(tenancy, "identity").move_compartment(inner.id, details)
    assert planned_calls(plan(project)) == {"MoveCompartment": 1}
    project.run(*APPROVED)
    assert compartments(tenancy)[inner.id].compartment_id == named(compartments(tenancy), "home").id
    assert_settled(project)


@pytest.mark.parametrize("address", ["Compartment/home", "Policy/rules", "ApiKey/app"])
def test_a_stripped_mark_is_never_answered_with_a_second_resource(
    project: Project, tenancy: Tenancy, address: str
) -> None:
    project.write(stack(HOME, policy("rules"), key("app")))
    project.run(*APPROVED)
    before = {**compartments(tenancy), **policies(tenancy), **keys(tenancy)}
    stripped = strip(tenancy, address)
    tenancy.forget_calls()
    ran = project.run(*APPROVED, code=1)
    assert words(f"genai-iac import {address} {stripped}") in words(ran.err)
    assert tenancy.writes() == []
    assert {**compartments(tenancy), **policies(tenancy), **keys(tenancy)}.keys() == before.keys()


def strip(tenancy: Tenancy, address: str) -> str:
    """Take all tags off by hand; answers the OCID."""
    identity = client(tenancy, "identity")
    if address == "Compartment/home":
        found = named(compartments(tenancy), "home").id
        identity.update_compartment(found, IDENTITY.UpdateCompartmentDetails(freeform_tags={}))
    elif address == "Policy/rules":
        found = named(policies(tenancy), "rules").id
        identity.update_policy(found, IDENTITY.UpdatePolicyDetails(freeform_tags={}))
    else:
        found = only(keys(tenancy)).id
        details = GENERATIVE_AI.UpdateApiKeyDetails(freeform_tags={})
        client(tenancy, "generative_ai", REGION).update_api_key(found, details)
    return str(found)


def test_tags_that_no_manifest_mentions_are_kept_and_never_a_difference(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, key("app"), tags={"team": "a"}))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    free = {**ours.freeform_tags, "cost-centre": "42"}
    defined = {**(ours.defined_tags or {}), "Oracle-Tags": {"CreatedBy": "someone", "CreatedOn": "2026-01-01"}}
    details = GENERATIVE_AI.UpdateApiKeyDetails(freeform_tags=free, defined_tags=defined)
    client(tenancy, "generative_ai", REGION).update_api_key(ours.id, details)
    assert_settled(project)
    project.write(stack(HOME, key("app"), tags={"team": "b"}))
    assert planned_calls(plan(project)) == {"UpdateCompartment": 1, "UpdateApiKey": 1}
    project.run(*APPROVED)
    after = only(keys(tenancy))
    assert {name: value for name, value in after.freeform_tags.items() if name != TAG} == {
        "team": "b",
        "cost-centre": "42",
    }
    assert after.defined_tags == defined
    assert_settled(project)


def test_a_tenancy_with_default_tags_settles(project: Project, tenancy: Tenancy) -> None:
    identity = client(tenancy, "identity")
    space = identity.create_tag_namespace({"compartmentId": tenancy.tenancy, "name": "cost", "description": "-"}).data
    for name, value in (("center", "42"), ("owner", "${iam.principal.name}")):
        tag = identity.create_tag(space.id, {"name": name, "description": "-"}).data
        identity.create_tag_default({"compartmentId": tenancy.tenancy, "tagDefinitionId": tag.id, "value": value})
    project.write(stack(HOME, key("app"), tags={"team": "a"}))
    project.run(*APPROVED)
    assert only(keys(tenancy)).defined_tags["cost"] == {"center": "42", "owner": "administrator"}
    assert_settled(project)
    project.write(stack(HOME, key("app"), tags={"team": "b"}))
    project.run(*APPROVED)
    assert only(keys(tenancy)).defined_tags["cost"] == {"center": "42", "owner": "administrator"}
    assert_settled(project)


# What becomes of what is no longer declared


@pytest.mark.parametrize("address", ["Compartment/kept", "Policy/kept", "ApiKey/kept"])
def test_retain_forgets_and_keeps(project: Project, tenancy: Tenancy, address: str) -> None:
    maker = {"Compartment/kept": compartment, "Policy/kept": policy, "ApiKey/kept": key}[address]
    project.write(stack(HOME, maker("kept", deletion="retain", tags={"team": "a"})))
    project.run(*APPROVED)
    kept = named({**compartments(tenancy), **policies(tenancy), **keys(tenancy)}, "kept")
    project.write(stack(HOME))
    reported = plan(project)
    assert changes(reported)[address]["actions"] == ["forget"] and len(reported["changes"]) == 1
    assert reported["summary"]["forget"] == 1 and sum(reported["summary"].values()) == 1
    assert f". {address}" in project.run("plan").out
    project.run(*APPROVED)
    left = {**compartments(tenancy), **policies(tenancy), **keys(tenancy)}[kept.id]
    assert left.freeform_tags == {"team": "a"}
    assert_settled(project)


@pytest.mark.parametrize(
    "kept", [compartment("kept", parent="home", deletion="retain"), key("kept", deletion="retain")]
)
def test_a_compartment_around_what_is_retained_is_named_before_it_fails(
    project: Project, tenancy: Tenancy, kept: Document
) -> None:
    project.write(stack(HOME, kept))
    project.run(*APPROVED)
    ran = project.run("destroy", "--auto-approve", code=4)
    address = f"{kept['kind']}/kept"
    said = " ".join(ran.out.split())
    assert f"Compartment/home: OCI deletes no compartment that holds something, and {address} stays in it" in said
    # what a manifest declares is not called undeclared
    assert "destroyed with its stack" in said and "no manifest declares it" not in said


@pytest.mark.parametrize("maker", [compartment, policy, key], ids=lambda maker: maker.__name__)
def test_forbid_refuses(project: Project, tenancy: Tenancy, maker: object) -> None:
    project.write(stack(HOME, maker("kept", deletion="forbid")))  # type: ignore[operator]
    project.run(*APPROVED)
    project.write(stack(HOME))
    tenancy.forget_calls()
    for verb in (APPROVED, ("destroy", "--auto-approve"), (*APPROVED, "--allow-destroy", "99")):
        ran = project.run(*verb, code=3)
        assert words("deletion: forbid") in words(ran.err)
    assert tenancy.writes() == []
    project.write(stack(HOME, maker("kept")))  # type: ignore[operator]
    project.run(*APPROVED)
    project.write(stack(HOME))
    project.run(*APPROVED)
    assert not any(
        "kept" in (getattr(one, "name", ""), getattr(one, "display_name", ""))
        for one in [*compartments(tenancy).values(), *policies(tenancy).values(), *keys(tenancy).values()]
    )


def test_a_key_moved_by_manifest_and_then_removed(project: Project, tenancy: Tenancy) -> None:
    for documents in ([key("app")], [key("app", compartment="other")]):
        project.write(stack(HOME, OTHER, *documents))
        project.run(*APPROVED)
    project.write(stack(HOME, OTHER))
    assert planned_calls(plan(project)) == {"DeleteApiKey": 1}
    project.run(*APPROVED)
    assert keys(tenancy) == {}
    assert_settled(project)


def test_a_key_moved_by_manifest_and_changed_since_is_removed_as_any_other(project: Project, tenancy: Tenancy) -> None:
    for spec in ({}, {"compartment": "other"}, {"compartment": "other", "description": "Sealed by this update"}):
        project.write(stack(HOME, OTHER, key("app", **spec)))
        project.run(*APPROVED)
    project.write(stack(HOME, OTHER))
    assert planned_calls(plan(project)) == {"DeleteApiKey": 1}
    project.run(*APPROVED)
    assert keys(tenancy) == {}


def test_destroy_takes_what_was_moved(project: Project, tenancy: Tenancy) -> None:
    for spec in ({}, {"compartment": "other"}):
        project.write(stack(HOME, OTHER, key("app", **spec)))
        project.run(*APPROVED)
    project.run("destroy", "--auto-approve")
    assert keys(tenancy) == {} and compartments(tenancy) == {}


def test_another_stack_of_the_tenancy_is_another_owner(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("a"), key("app", compartment="a"), name="one"), "one/stack.yaml")
    project.write(stack(compartment("b"), key("app", compartment="b"), name="two"), "two/stack.yaml")
    project.run(*APPROVED, "one")
    project.run(*APPROVED, "two")
    assert_settled(project, "one")
    project.run("destroy", "--auto-approve", "two")
    assert_settled(project, "one")
    assert only(compartments(tenancy)).name == "a"


def test_every_create_carries_the_mark(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, policy("rules"), key("app"), tags={"team": "a"}))
    project.run(*APPROVED)
    made = [*compartments(tenancy).values(), *policies(tenancy).values(), *keys(tenancy).values()]
    assert [one.freeform_tags[TAG].split("#")[0] for one in made] == [
        "loop/Compartment/home",
        "loop/Policy/rules",
        "loop/ApiKey/app",
    ]
    assert not any(call["operation"].startswith("Update") for call in tenancy.calls())
