"""P14: OCI compiles the names of a policy when it is written; what was made again since is found, said, and written again."""

from __future__ import annotations

from collections.abc import Callable

import oci
import pytest
from conftest import Project, Tenancy

from .stacks import (
    client_of,
    compartment,
    list_groups,
    make_compartment,
    make_dynamic_group,
    make_group,
    plan_of,
    stack,
)

PLATFORM = "allow group ops to read buckets in compartment platform"


def remake_group(tenancy: Tenancy, ids: dict[str, str]) -> None:
    tenancy.client("identity").delete_group(ids["ops"])
    make_group(tenancy, "ops")


def remake_dynamic_group(tenancy: Tenancy, ids: dict[str, str]) -> None:
    tenancy.client("identity").delete_dynamic_group(ids["robots"])
    make_dynamic_group(tenancy, "robots")


@pytest.fixture
def ids(tenancy: Tenancy) -> dict[str, str]:
    """What the policies of these tests name."""
    return {
        "ops": make_group(tenancy, "ops"),
        "robots": make_dynamic_group(tenancy, "robots"),
        "platform": make_compartment(tenancy, "platform"),
    }


@pytest.mark.parametrize(
    ("statement", "remake", "named"),
    [
        (PLATFORM, remake_group, "group ops"),
        ("allow group 'Default'/'OPS' to read buckets in tenancy", remake_group, "group Default/OPS"),
        ("allow dynamic-group robots to read buckets in tenancy", remake_dynamic_group, "dynamic-group robots"),
        ("deny group ops to read buckets in tenancy", remake_group, "group ops"),
        ("endorse group ops to read buckets in any-tenancy", remake_group, "group ops"),
    ],
)
@pytest.mark.parametrize("written", ["created", "updated"])
def test_a_policy_written_for_what_was_made_again_is_written_again(
    project: Project,
    tenancy: Tenancy,
    ids: dict[str, str],
    statement: str,
    remake: Callable[[Tenancy, dict[str, str]], None],
    named: str,
    written: str,
) -> None:
    tenancy.settings(denyStatements=True)
    if written == "updated":
        project.write(stack(["allow group Administrators to read buckets in tenancy"]))
        project.run("apply", "--auto-approve")
    project.write(stack([statement]))
    project.run("apply", "--auto-approve")
    assert plan_of(project)["changes"] == []
    remake(tenancy, ids)
    (change,) = plan_of(project)["changes"]
    assert (change["address"], change["actions"], change["calls"]) == ("Policy/p", ["update"], ["UpdatePolicy"])
    assert f"{named} was made again" in change["reason"]
    project.run("apply", "--auto-approve")
    assert plan_of(project)["changes"] == []


@pytest.mark.parametrize(
    ("statement", "value", "named"),
    [
        ("allow any-user to read buckets in ${var.name}", "compartment child", "compartment child"),
        (
            "allow any-user to read buckets in ${var.name}",
            "compartment child:leaf",
            "compartment child:leaf",
        ),
        ("allow any-user to read buckets in compartment ${var.name}", "child", "compartment child"),
        (
            "allow any-user to read buckets in compartment child:${var.name}",
            "leaf",
            "compartment child:leaf",
        ),
        (
            "allow group ${var.name} to read buckets in compartment child:leaf",
            "Administrators",
            "compartment child:leaf",
        ),
        ("allow group ${var.name} to read buckets in compartment id ${var.id}", "ops", "group ops"),
        ("allow group Administrators, ${var.name} to read buckets in compartment id ${var.id}", "ops", "group ops"),
    ],
)
def test_what_a_variable_names_is_looked_after_too(
    project: Project, tenancy: Tenancy, statement: str, value: str, named: str
) -> None:
    """A variable for a whole place (`in ${var.place}`) was taken for one that names nothing, and the policy went on granting nothing."""
    old, new = make_compartment(tenancy, "old"), make_compartment(tenancy, "new")
    child = make_compartment(tenancy, "child", old)
    leaf, ops = make_compartment(tenancy, "leaf", child), make_group(tenancy, "ops")
    variables = f"spec:\n  variables: {{name: {{type: string}}, id: {{default: {old}}}}}\n"
    project.write(stack([statement], compartment="/old").replace("spec:\n", variables, 1))
    arguments = ("--var", f"name={value}")
    project.run("apply", "--auto-approve", *arguments)
    assert plan_of(project, *arguments)["changes"] == []
    if named == "group ops":
        remake_group(tenancy, {"ops": ops})
    else:
        moved, parent = (leaf, child) if named.endswith("leaf") else (child, old)
        details = oci.identity.models.MoveCompartmentDetails(target_compartment_id=new)
        tenancy.client("identity").move_compartment(moved, details)
        make_compartment(tenancy, named.rpartition(":")[2].rpartition(" ")[2], parent)
    (change,) = plan_of(project, *arguments)["changes"]
    assert f"{named} was made again" in change["reason"]
    project.run("apply", "--auto-approve", *arguments)
    assert plan_of(project, *arguments)["changes"] == []


def test_it_grants_again(project: Project, tenancy: Tenancy, ids: dict[str, str]) -> None:
    """What the plan finds is real: until the policy is written again the members of the new group may do nothing."""
    project.write(stack(["allow group ops to inspect groups in tenancy"]))
    project.run("apply", "--auto-approve")
    remake_group(tenancy, ids)
    tenancy.control("POST", "principals", {"name": "ann", "groups": ["ops"]})
    with pytest.raises(oci.exceptions.ServiceError):
        client_of(tenancy, "ann").list_groups(tenancy.tenancy)
    project.run("apply", "--auto-approve")
    assert client_of(tenancy, "ann").list_groups(tenancy.tenancy).data


def test_an_update_of_something_else_keeps_what_the_names_came_to(
    project: Project, tenancy: Tenancy, ids: dict[str, str]
) -> None:
    project.write(stack([PLATFORM]))
    project.run("apply", "--auto-approve")
    remake_group(tenancy, ids)
    project.run("apply", "--auto-approve")
    for spec in ({"description": "Said otherwise"}, {"tags": {"cost": "1"}}, {"deletion": "retain"}):
        project.write(stack([PLATFORM], **spec))
        assert [change["calls"] for change in plan_of(project)["changes"]] == [["UpdatePolicy"]]
        project.run("apply", "--auto-approve")
        assert plan_of(project)["changes"] == []


def test_a_compartment_made_again_where_another_was_moved_away(project: Project, tenancy: Tenancy) -> None:
    """A policy of the old parent keeps its text when the compartment moves away, and grants nothing."""
    old, new = make_compartment(tenancy, "old"), make_compartment(tenancy, "new")
    child = make_compartment(tenancy, "child", old)
    project.write(stack(["allow group Administrators to read buckets in compartment child"], compartment="/old"))
    project.run("apply", "--auto-approve")
    details = oci.identity.models.MoveCompartmentDetails(target_compartment_id=new)
    tenancy.client("identity").move_compartment(child, details)
    document = plan_of(project)
    assert document["changes"] == []
    assert "compartment child is not there" in project.run("plan").out
    make_compartment(tenancy, "child", old)
    (change,) = plan_of(project)["changes"]
    assert change["reason"] == (
        "compartment child was made again after this policy was written: OCI still means the old one"
    )
    assert change["before"]["statements"] == change["after"]["statements"]
    project.run("apply", "--auto-approve")
    assert plan_of(project)["changes"] == []


def test_a_declared_compartment_that_somebody_deleted_comes_back_with_its_policies(
    project: Project, tenancy: Tenancy
) -> None:
    """Compartment and policies in one apply: nothing is left to the next."""
    statement = "allow group Administrators to read buckets in compartment ${Compartment/chat.name}"
    project.write(stack([statement], compartment("chat")))
    project.run("apply", "--auto-approve")
    identity = tenancy.client("identity")
    (chat,) = identity.list_compartments(tenancy.tenancy).data
    identity.delete_compartment(chat.id)
    calls = {change["address"]: change["calls"] for change in plan_of(project)["changes"]}
    assert calls == {"Compartment/chat": ["CreateCompartment"], "Policy/p": ["UpdatePolicy"]}
    project.run("apply", "--auto-approve")
    assert plan_of(project)["changes"] == []


@pytest.mark.parametrize("tag", ["old form", "unchanged"])
def test_an_imported_policy_is_compared_by_the_age_of_what_it_names(
    project: Project, tenancy: Tenancy, ids: dict[str, str], tag: str
) -> None:
    """Its mark holds no digest, as no statements were written with it."""
    project.write(stack([PLATFORM]))
    project.run("apply", "--auto-approve")
    identity = tenancy.client("identity")
    (policy,) = identity.list_policies(tenancy.tenancy).data
    mark = policy.freeform_tags["genai-iac"]
    assert "~" in mark
    bare = oci.identity.models.UpdatePolicyDetails(freeform_tags={"genai-iac": mark.partition("~")[0]})
    identity.update_policy(policy.id, bare)
    assert plan_of(project)["changes"] == []
    if tag == "old form":
        remake_group(tenancy, ids)
        (change,) = plan_of(project)["changes"]
        assert "group ops was made again" in change["reason"]
        project.run("apply", "--auto-approve")
        assert plan_of(project)["changes"] == []


def test_an_update_that_sends_no_statements_keeps_what_is_known(
    project: Project, tenancy: Tenancy, ids: dict[str, str]
) -> None:
    project.write(stack([PLATFORM]))
    project.run("apply", "--auto-approve")
    remake_group(tenancy, ids)
    project.write(stack([PLATFORM], description="Another"))
    (change,) = plan_of(project)["changes"]
    assert "group ops was made again" in change["reason"]
    tenancy.client("identity").delete_group(list_groups(tenancy)["ops"])
    project.run("apply", "--auto-approve")
    make_group(tenancy, "ops")
    (change,) = plan_of(project)["changes"]
    assert change["reason"].startswith("group ops was made again")


@pytest.mark.parametrize(
    "statement",
    [
        "allow group OPS to read buckets in compartment PLATFORM",
        "Allow group 'Default'/'ops' to read buckets in compartment platform",
        "allow group id ${var.ops} to read buckets in compartment id ${var.platform}",
        "allow group ops, id ${var.ops} to read buckets in compartment platform",
    ],
)
def test_another_wording_is_no_change(project: Project, tenancy: Tenancy, ids: dict[str, str], statement: str) -> None:
    project.write(stack([PLATFORM]))
    project.run("apply", "--auto-approve")
    for name, id in ids.items():
        statement = statement.replace(f"${{var.{name}}}", id)
    project.write(stack([statement]))
    assert plan_of(project)["changes"] == []


def test_unrelated_newcomers_are_no_change(project: Project, tenancy: Tenancy, ids: dict[str, str]) -> None:
    """A renamed compartment, groups and compartments that no statement names, a policy edited by hand and back."""
    project.write(stack([PLATFORM], compartment("child", parent="/platform")))
    project.run("apply", "--auto-approve")
    make_group(tenancy, "others")
    make_compartment(tenancy, "ops")
    make_compartment(tenancy, "platform", ids["platform"])
    identity, models = tenancy.client("identity"), oci.identity.models
    for name in ("renamed", "platform"):
        identity.update_compartment(ids["platform"], models.UpdateCompartmentDetails(name=name))
    assert plan_of(project)["changes"] == []


def test_groups_are_listed_once_and_only_when_a_policy_names_one(
    project: Project, tenancy: Tenancy, ids: dict[str, str]
) -> None:
    project.write(stack([f"allow group id {ids['ops']} to read buckets in compartment platform"]))
    project.run("apply", "--auto-approve")
    assert listings(project, tenancy) == []
    project.write(stack([PLATFORM, "allow group ops, 'Default'/ops to read objects in tenancy"]))
    project.run("apply", "--auto-approve")
    assert listings(project, tenancy) == ["ListGroups"]


def listings(project: Project, tenancy: Tenancy) -> list[str]:
    tenancy.forget_calls()
    assert plan_of(project)["changes"] == []
    return [call["operation"] for call in tenancy.calls() if "Groups" in call["operation"]]
