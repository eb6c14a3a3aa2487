"""How many requests a plan and an apply make.

The formula of docs/ownership.md: 2 for the tenancy, and for each compartment 1 (its policies) and 2 a region that serves
API keys (those, and projects). Keys and policies do not count.
"""

from __future__ import annotations

from collections import Counter

import pytest
from conftest import SUBSCRIBED, Project, Tenancy

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
    assert many == few == formula(compartments=2, regions=len(SUBSCRIBED))
    project.write(stack(*crowd(900, 100)))
    project.run(*APPROVED)
    more = requests_of_a_plan(project, tenancy)
    assert set(more) == set(many)
    assert sum((more - many).values()) == (more - many)["ListPolicies"] <= 1  # a page more at most


def formula(compartments: int, regions: int) -> Counter[str]:
    return Counter(
        ListRegionSubscriptions=1,
        ListCompartments=1,
        ListPolicies=compartments,
        ListApiKeys=compartments * regions,
        ListGenerativeAiProjects=compartments * regions,
    )


@pytest.mark.parametrize(("compartments", "regions"), [(1, 1), (1, 3), (4, 1), (4, 3)])
def test_the_requests_of_an_empty_plan_are_a_formula_of_compartments_and_regions(
    project: Project, tenancy: Tenancy, compartments: int, regions: int
) -> None:
    subscribed = ["us-chicago-1", "us-ashburn-1", "eu-frankfurt-1"][:regions]
    tenancy.settings(limits={"apiKeyCount": 2000}, subscribedRegions=subscribed, homeRegion="us-chicago-1")
    around = [compartment(f"c{number}") for number in range(compartments - 1)]
    for keys in (1, 10):
        project.write(stack(HOME, *around, *(key(f"k{number}", displayName=f"k_{number}") for number in range(keys))))
        project.run(*APPROVED)
        assert requests_of_a_plan(project, tenancy) == formula(compartments + 1, regions)


@pytest.mark.parametrize("most", [100, pytest.param(1000, marks=pytest.mark.matrix)])
def test_the_requests_of_an_empty_plan_are_the_same_for_a_thousand_keys(
    project: Project, tenancy: Tenancy, most: int
) -> None:
    tenancy.settings(limits={"apiKeyCount": 2000})
    for keys in (1, 10, most):
        project.write(stack(HOME, *(key(f"k{number}", displayName=f"k_{number}") for number in range(keys))))
        project.run(*APPROVED)
        assert requests_of_a_plan(project, tenancy) == formula(2, len(SUBSCRIBED))


def assert_one_request_each(tenancy: Tenancy, writes: dict[str, int]) -> None:
    """Reads are lists, and none of them is made for a single resource."""
    calls = Counter(call["operation"] for call in tenancy.calls())
    reads = {name: count for name, count in calls.items() if name not in writes}
    assert {name: calls[name] for name in writes} == writes
    assert sum(reads.values()) <= formula(2, len(SUBSCRIBED)).total() + 1 and all(
        name.startswith("List") for name in reads
    )


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


def test_only_a_compartment_in_which_something_is_made_is_waited_for(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(*(compartment(f"c{number}") for number in range(5)), HOME, policy("p")))
    tenancy.forget_calls()
    project.run(*APPROVED)
    calls = Counter(call["operation"] for call in tenancy.calls())
    assert calls["CreateCompartment"] == 6
    assert calls["GetCompartment"] == 1
    assert_settled(project)
