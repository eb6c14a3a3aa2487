"""How many requests a plan and an apply make."""

from __future__ import annotations

from collections import Counter

from conftest import Project, Tenancy

from .manifests import Document, compartment, key, policy, stack
from .sdk_helpers import APPROVED, assert_settled, plan, planned_calls

HOME = compartment("home")


def crowd(policies: int, keys: int) -> list[Document]:
    return [
        HOME,
        *(policy(f"p{number}") for number in range(policies)),
        *(key(f"k{number}", displayName=f"k_{number}") for number in range(keys)),
    ]


def requests_of_a_plan(project: Project, tenancy: Tenancy) -> Counter[str]:
    """The operations that an empty plan calls."""
    tenancy.forget_calls()
    assert_settled(project)
    return Counter(call["operation"] for call in tenancy.calls())


def test_an_empty_plan_makes_as_many_requests_for_many_as_for_few(project: Project, tenancy: Tenancy) -> None:
    tenancy.settings(limits={"statementsPerPath": 1000})
    project.write(stack(*crowd(1, 1)))
    project.run(*APPROVED)
    few = requests_of_a_plan(project, tenancy)
    project.write(stack(*crowd(500, 100)))
    tenancy.forget_calls()
    project.run(*APPROVED)
    assert_one_request_each(tenancy, {"CreatePolicy": 499, "CreateApiKey": 99})
    many = requests_of_a_plan(project, tenancy)
    assert many.total() <= 10
    assert many == few
    project.write(stack(*crowd(900, 100)))
    project.run(*APPROVED)
    more = requests_of_a_plan(project, tenancy)
    assert set(more) == set(many)
    assert sum((more - many).values()) == (more - many)["ListPolicies"] <= 1  # a page more at most


def assert_one_request_each(tenancy: Tenancy, writes: dict[str, int]) -> None:
    """Reads are lists, and none of them is made for a single resource."""
    calls = Counter(call["operation"] for call in tenancy.calls())
    reads = {name: count for name, count in calls.items() if name not in writes}
    assert {name: calls[name] for name in writes} == writes
    assert sum(reads.values()) <= 10 and all(name.startswith("List") for name in reads)


def test_a_plan_reads_with_list_calls_only(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(*crowd(3, 3)))
    assert planned_calls(plan(project)) == {"CreateCompartment": 1, "CreatePolicy": 3, "CreateApiKey": 3}
    project.run(*APPROVED)
    assert all(operation.startswith("List") for operation in requests_of_a_plan(project, tenancy))
    project.write(stack())
    tenancy.forget_calls()
    plan(project)
    assert all(call["operation"].startswith("List") for call in tenancy.calls())


def test_an_update_is_one_read_for_its_etag_and_one_write(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(*crowd(5, 2)))
    project.run(*APPROVED)
    empty = requests_of_a_plan(project, tenancy)
    project.write(
        stack(
            *(
                {**one, "spec": {**one["spec"], "description": "Changed"}} if one["kind"] == "Policy" else one
                for one in crowd(5, 2)
            )
        )
    )
    tenancy.forget_calls()
    project.run(*APPROVED)
    calls = Counter(call["operation"] for call in tenancy.calls())
    assert calls - empty == {"GetPolicy": 5, "UpdatePolicy": 5}
