"""Tag namespaces, tags and tag defaults: what a tenancy with default tags puts on everything that is made in it."""

from typing import Any

import pytest

from .clients import Clients, holds, refusal


def namespace(clients: Clients, name: str = "cost") -> Any:
    body = {"compartmentId": clients.root, "name": name, "description": "-"}
    return clients.identity().create_tag_namespace(body).data


def tag(clients: Clients, space: str, name: str = "center", **more: Any) -> Any:
    return clients.identity().create_tag(space, {"name": name, "description": "-", **more}).data


def default(clients: Clients, definition: str, value: str, compartment: str | None = None, **more: Any) -> Any:
    body = {"compartmentId": compartment or clients.root, "tagDefinitionId": definition, "value": value, **more}
    return clients.identity().create_tag_default(body).data


@holds("N01")
def test_namespaces_and_tags_come_and_go(fresh: Clients) -> None:
    identity = fresh.identity()
    space = namespace(fresh)
    assert (space.name, space.is_retired, space.lifecycle_state) == ("cost", False, "ACTIVE")
    assert refusal(namespace, fresh, "COST")[:2] == (409, "TagNamespaceAlreadyExists")
    assert [found.id for found in identity.list_tag_namespaces(fresh.root).data] == [space.id]
    made = tag(fresh, space.id, validator={"validatorType": "ENUM", "values": ["a", "b"]})
    assert made.tag_namespace_name == "cost"
    assert identity.get_tag(space.id, "Center").data.validator.values == ["a", "b"]
    assert refusal(tag, fresh, space.id, "CENTER")[0] == 409
    assert [found.name for found in identity.list_tags(space.id).data] == ["center"]
    assert refusal(identity.delete_tag, space.id, "center")[0] == 409
    assert identity.update_tag(space.id, "center", {"isRetired": True}).data.is_retired
    assert refusal(identity.delete_tag_namespace, space.id)[0] == 409
    work = identity.delete_tag(space.id, "center").headers["opc-work-request-id"]
    assert identity.get_tagging_work_request(work).data.status == "SUCCEEDED"
    assert refusal(identity.get_tag, space.id, "center")[0] == 404
    assert identity.update_tag_namespace(space.id, {"isRetired": True, "description": "old"}).data.description == "old"
    assert identity.delete_tag_namespace(space.id).status == 204
    assert identity.list_tag_namespaces(fresh.root).data == []


def test_subcompartments_are_listed_when_asked_for(fresh: Clients) -> None:
    below = fresh.compartment("below")
    body = {"compartmentId": below, "name": "deep", "description": "-"}
    made = fresh.identity().create_tag_namespace(body).data
    assert fresh.identity().list_tag_namespaces(fresh.root).data == []
    found = fresh.identity().list_tag_namespaces(fresh.root, include_subcompartments=True).data
    assert [item.id for item in found] == [made.id]


@holds("N02")
def test_everything_new_gets_the_default_tags_of_its_place(fresh: Clients) -> None:
    made = tag(fresh, namespace(fresh).id)
    who = tag(fresh, made.tag_namespace_id, "owner")
    default(fresh, made.id, "42")
    default(fresh, who.id, "${iam.principal.name}")
    parent = fresh.compartment("parent")
    default(fresh, made.id, "43", parent)
    child = fresh.compartment("child", parent)
    wanted = {"center": "43", "owner": "administrator"}
    assert fresh.identity().get_compartment(parent).data.defined_tags["cost"] == {**wanted, "center": "42"}
    assert fresh.identity().get_compartment(child).data.defined_tags["cost"] == wanted
    assert fresh.key(child).defined_tags["cost"] == wanted
    assert fresh.policy("p", "allow any-user to inspect users in tenancy").defined_tags["cost"]["center"] == "42"
    assert fresh.identity().get_group(fresh.group("g")).data.defined_tags["cost"]["center"] == "42"
    body = {"compartmentId": child, "displayName": "mine", "keyDetails": [{"keyName": "one"}, {"keyName": "two"}]}
    given = fresh.ai().create_api_key({**body, "definedTags": {"Cost": {"Center": "7"}}}).data
    assert given.defined_tags["Cost"] == {"Center": "7"}
    effective = fresh.identity().assemble_effective_tag_set(child).data
    assert {item.tag_definition_name: item.value for item in effective}["center"] == "43"


def test_defaults_come_and_go(fresh: Clients) -> None:
    identity = fresh.identity()
    made = tag(fresh, namespace(fresh).id, validator={"validatorType": "ENUM", "values": ["a", "b"]})
    assert refusal(default, fresh, made.id, "c")[0] == 400
    kept = default(fresh, made.id, "a")
    assert refusal(default, fresh, made.id, "b")[0] == 409
    assert refusal(default, fresh, made.id + "x", "b")[:2] == (400, "RelatedResourceNotAuthorizedOrNotFound")
    assert [item.id for item in identity.list_tag_defaults(compartment_id=fresh.root).data] == [kept.id]
    assert [item.id for item in identity.list_tag_defaults(tag_definition_id=made.id).data] == [kept.id]
    assert identity.update_tag_default(kept.id, {"value": "b"}).data.value == "b"
    assert identity.get_tag_default(kept.id).data.value == "b"
    identity.update_tag(made.tag_namespace_id, "center", {"isRetired": True})
    assert refusal(identity.delete_tag, made.tag_namespace_id, "center")[0] == 409
    identity.delete_tag_default(kept.id)
    assert refusal(identity.get_tag_default, kept.id)[0] == 404


@holds("N02")
def test_a_required_tag_must_be_given(fresh: Clients) -> None:
    made = tag(fresh, namespace(fresh).id)
    default(fresh, made.id, "42", is_required=True, isRequired=True)
    status, _, message = refusal(fresh.compartment, "bare")
    assert (status, "cost.center" in message) == (400, True)
    body = {"compartmentId": fresh.root, "name": "tagged", "description": "-", "definedTags": {"cost": {"center": "1"}}}
    assert fresh.identity().create_compartment(body).data.defined_tags["cost"] == {"center": "1"}


@holds("N01")
def test_defined_tags_are_checked_against_their_namespace(fresh: Clients) -> None:
    identity = fresh.identity()
    space = namespace(fresh)
    tag(fresh, space.id, validator={"validatorType": "ENUM", "values": ["a", "b"]})
    group = fresh.group("g")

    def put(**tags: Any) -> Any:
        return identity.update_group(group, {"definedTags": tags}).data.defined_tags

    assert put(cost={"center": "a"}) == {"cost": {"center": "a"}}
    assert refusal(put, cost={"center": "c"})[0] == 400
    assert refusal(put, cost={"nothing": "a"})[0] == 400
    identity.update_tag(space.id, "center", {"isRetired": True})
    assert put(cost={"center": "a"}) == {"cost": {"center": "a"}}  # what is there may stay
    assert refusal(put, cost={"center": "b"})[0] == 400
    assert put(other={"x": "y"}) == {"other": {"x": "y"}}
    fresh.control("POST", "settings", {"unknownTags": "refuse"})
    assert refusal(put, another={"x": "y"})[0] == 400
    assert put(other={"x": "z"}) == {"other": {"x": "z"}}
    identity.delete_tag(space.id, "center")
    assert put(cost={}) == {"cost": {}}


def test_a_deleted_tag_is_taken_off_everything(fresh: Clients) -> None:
    made = tag(fresh, namespace(fresh).id)
    kept = default(fresh, made.id, "42")
    group = fresh.group("g")
    fresh.identity().delete_tag_default(kept.id)
    fresh.identity().update_tag(made.tag_namespace_id, "center", {"isRetired": True})
    fresh.identity().delete_tag(made.tag_namespace_id, "center")
    assert "center" not in fresh.identity().get_group(group).data.defined_tags.get("cost", {})


@pytest.mark.parametrize("name", ["", "has space", "has.dot", 'has"quote', "x" * 101])
def test_names_that_are_none_are_refused(fresh: Clients, name: str) -> None:
    assert refusal(namespace, fresh, name)[0] == 400
    assert refusal(tag, fresh, namespace(fresh).id, name)[0] == 400


def test_policies_decide_who_may_tag(fresh: Clients) -> None:
    user = fresh.principal("dev", "devs")
    assert refusal(namespace, user)[0] == 404
    fresh.policy(
        "devs",
        "allow group devs to manage tag-namespaces in tenancy",
        "allow group devs to manage tag-defaults in tenancy",
    )
    made = tag(user, namespace(user).id)
    assert default(user, made.id, "1").value == "1"
