"""What comes first, what goes last, and what happens at the same time."""

from __future__ import annotations

import operator
from datetime import datetime, timedelta

import pytest
from conftest import Project, Tenancy

from .manifests import compartment, key, policy, stack
from .sdk_helpers import (
    APPROVED,
    apply_exactly,
    assert_settled,
    compartments,
    keys,
    named,
    plan,
    planned_calls,
    policies,
    refused_writes,
    words,
)

INSPECT = "allow any-user to inspect policies in compartment"


def deletes(tenancy: Tenancy) -> list[str]:
    """What was deleted, by OCID, in order."""
    return [call["path"].rsplit("/")[-1] for call in tenancy.calls() if call["method"] == "DELETE"]


def test_what_lies_inside_goes_first(project: Project, tenancy: Tenancy) -> None:
    nested = [compartment("a"), compartment("b", parent="a"), compartment("c", parent="b")]
    inside = [key("k", compartment="c"), policy("p", compartment="c", statements=[f"{INSPECT} c"])]
    project.write(stack(*nested, *inside))
    project.run(*APPROVED)
    ids = {one.name: one.id for one in (*compartments(tenancy).values(), *policies(tenancy).values())}
    ids |= {one.display_name: one.id for one in keys(tenancy).values()}
    tenancy.forget_calls()
    project.write(stack())
    project.run(*APPROVED, "--allow-destroy", "5")
    gone = deletes(tenancy)
    assert set(gone[:2]) == {ids["k"], ids["p"]}
    assert gone[2:] == [ids["c"], ids["b"], ids["a"]]
    assert refused_writes(tenancy) == []


def test_a_policy_that_mentions_a_key_goes_before_the_key(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home"), key("app"), policy("access", grants=[{"apiKey": "app"}])))
    project.run(*APPROVED)
    tenancy.forget_calls()
    project.run("destroy", "--auto-approve")
    assert tenancy.writes() == ["DeletePolicy", "DeleteApiKey", "DeleteCompartment"]


def test_what_is_moved_out_is_moved_before_the_compartment_goes(project: Project, tenancy: Tenancy) -> None:
    project.write(
        stack(compartment("old"), compartment("new"), key("app", compartment="old"), compartment("sub", parent="old"))
    )
    project.run(*APPROVED)
    project.write(stack(compartment("new"), key("app", compartment="new"), compartment("sub", parent="new")))
    document, _ = apply_exactly(project, tenancy)
    assert planned_calls(document) == {"ChangeApiKeyCompartment": 1, "MoveCompartment": 1, "DeleteCompartment": 1}


def test_a_policy_waits_for_compartments_that_it_calls_by_name(project: Project, tenancy: Tenancy) -> None:
    # neither a reference nor a parent: only the text says so
    late = [compartment("outer", name="outer-name"), compartment("inner", name="inner-name", parent="outer")]
    tenancy.control("POST", "faults", [{"operation": "CreateCompartment", "effect": {"delay": "300ms"}, "count": 9}])
    project.write(stack(policy("text", compartment="tenancy", statements=[f"{INSPECT} Outer-Name:inner-name"]), *late))
    project.run(*APPROVED)
    assert tenancy.writes() == ["CreateCompartment", "CreateCompartment", "CreatePolicy"]
    assert refused_writes(tenancy) == []
    assert_settled(project)


@pytest.mark.parametrize("naming", ["${Compartment/home.name}", "written"])
def test_renaming_a_compartment_that_a_policy_names(project: Project, tenancy: Tenancy, naming: str) -> None:
    """OCI writes the new name into the policy by itself; the tool neither trips over that nor leaves anything to do."""
    for name in ("before", "after"):
        said = name if naming == "written" else naming
        rule = policy("rule", compartment="tenancy", statements=[f"{INSPECT} {said}"], description=f"About {name}")
        project.write(stack(compartment("home", name=name), rule))
        apply_exactly(project, tenancy)
    assert named(policies(tenancy), "rule").statements == [f"{INSPECT} after"]


@pytest.mark.parametrize(
    ("said", "waiting", "needed"),
    [
        ("${Compartment/home.name}", "Policy/rule", "Compartment/home"),
        ("${Compartment/other.name}", "Compartment/home", "Policy/rule"),
    ],
    ids=["names it still", "names it no more"],
)
def test_a_renamed_compartment_and_a_policy_that_names_it_are_never_changed_at_once(
    project: Project, tenancy: Tenancy, said: str, waiting: str, needed: str
) -> None:
    """OCI rewrites such a policy by itself; an update of ours at that moment would be refused as stale."""
    for name, statement in (("inner", "inner"), ("outer", said)):
        rule = policy("rule", compartment="tenancy", statements=[f"{INSPECT} {statement}"], description=statement)
        project.write(stack(compartment("home", name=name), compartment("other"), rule))
        if name == "inner":
            project.run(*APPROVED)
    needs = {change["address"]: change["needs"] for change in plan(project)["changes"]}
    assert needs[waiting] == [needed]
    assert waiting not in needs[needed]


@pytest.mark.parametrize("after", ["Before", "After"], ids=["policy as it was", "policy changed too"])
def test_a_compartment_under_another_address_takes_the_freed_name(
    project: Project, tenancy: Tenancy, after: str
) -> None:
    """The policy is written anew even if it reads the same: OCI compiled it to the compartment that goes."""
    rule = {"compartment": "tenancy", "statements": [f"{INSPECT} home"]}
    project.write(stack(compartment("first", name="home"), policy("rule", **rule, description="Before")))
    project.run(*APPROVED)
    project.write(stack(compartment("second", name="home"), policy("rule", **rule, description=after)))
    document = plan(project)
    assert planned_calls(document) == {"DeleteCompartment": 1, "CreateCompartment": 1, "UpdatePolicy": 1}
    project.run(*APPROVED)
    assert_settled(project)
    (live,) = compartments(tenancy).values()
    assert live.freeform_tags["genai-iac"].startswith("loop/Compartment/second#")


def test_a_name_is_freed_before_it_is_taken(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("a", name="one"), compartment("b", name="two"), compartment("c", name="three")))
    project.run(*APPROVED)
    before = {one.id: one.name for one in compartments(tenancy).values()}
    project.write(stack(compartment("a", name="two"), compartment("b", name="three"), compartment("c", name="four")))
    apply_exactly(project, tenancy)
    follows = {"one": "two", "two": "three", "three": "four"}
    assert {id: one.name for id, one in compartments(tenancy).items()} == {
        id: follows[name] for id, name in before.items()
    }


def test_a_policy_under_another_address_takes_the_freed_name(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home"), policy("first", name="rule")))
    project.run(*APPROVED)
    project.write(stack(compartment("home"), policy("second", name="rule")))
    document, _ = apply_exactly(project, tenancy)
    assert planned_calls(document) == {"DeletePolicy": 1, "CreatePolicy": 1}


def test_swapped_names_are_said_to_need_two_steps(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("a", name="one"), compartment("b", name="two")))
    project.run(*APPROVED)
    project.write(stack(compartment("a", name="two"), compartment("b", name="one")))
    tenancy.forget_calls()
    ran = project.run(*APPROVED, code=1)
    assert "Compartment/a" in ran.err and "Compartment/b" in ran.err and words("two steps") in words(ran.err)
    assert tenancy.writes() == []


def test_branches_that_do_not_depend_on_each_other_go_together(project: Project, tenancy: Tenancy) -> None:
    tenancy.control("POST", "faults", [{"operation": "CreateCompartment", "effect": {"delay": "1s"}, "count": 9}])
    project.write(stack(*(compartment(f"c{number}") for number in range(6))))
    project.run(*APPROVED)
    times = [datetime.fromisoformat(call["at"]) for call in tenancy.calls() if call["operation"] == "CreateCompartment"]
    assert min(map(operator.sub, times[1:], times)) < timedelta(seconds=1)  # one began while another was held up
    assert len(compartments(tenancy)) == 6


def test_parallelism_one_does_one_thing_at_a_time(project: Project, tenancy: Tenancy) -> None:
    tenancy.control("POST", "faults", [{"operation": "CreateCompartment", "effect": {"delay": "200ms"}, "count": 9}])
    project.write(stack(*(compartment(f"c{number}") for number in range(4))))
    project.run(*APPROVED, "--parallelism", "1")
    times = [datetime.fromisoformat(call["at"]) for call in tenancy.calls() if call["operation"] == "CreateCompartment"]
    assert all(gap >= timedelta(milliseconds=200) for gap in map(operator.sub, times[1:], times))


# Regions and consistency


@pytest.mark.regions("eu-frankfurt-1")
@pytest.mark.parametrize("home", ["us-phoenix-1", "eu-frankfurt-1"])
def test_iam_goes_home_and_keys_to_their_region(project: Project, tenancy: Tenancy, home: str) -> None:
    tenancy.settings(homeRegion=home)
    project.write(stack(compartment("home"), policy("p"), key("near"), key("far", region="eu-frankfurt-1")))
    project.run(*APPROVED)
    where = {(call["service"], call["region"]) for call in tenancy.calls() if call["method"] != "GET"}
    assert where == {("identity", home), ("generative-ai", "us-chicago-1"), ("generative-ai", "eu-frankfurt-1")}
    assert len(keys(tenancy, "eu-frankfurt-1")) == len(keys(tenancy, "us-chicago-1")) == 1
    assert_settled(project)
    project.run("destroy", "--auto-approve")
    assert refused_writes(tenancy) == []


def test_one_apply_absorbs_the_time_until_others_have_heard(project: Project, tenancy: Tenancy) -> None:
    """For two seconds nothing else knows of what was just made."""
    tenancy.settings(consistencyDelay="2s")
    nested = [compartment("outer"), compartment("inner", parent="outer")]
    rule = policy("rule", compartment="tenancy", statements=[f"{INSPECT} outer:inner"])
    project.write(
        stack(
            *nested,
            rule,
            key("app", compartment="inner"),
            policy("grant", compartment="inner", grants=[{"apiKey": "app"}]),
        )
    )
    project.run(*APPROVED)
    tenancy.advance("3s")
    assert_settled(project)
    assert len(keys(tenancy)) == 1 and len(compartments(tenancy)) == 2 and len(policies(tenancy)) >= 2


def test_a_compartment_that_takes_time_to_go_is_waited_for(project: Project, tenancy: Tenancy) -> None:
    tenancy.settings(compartmentDeleteDuration="1s")
    project.write(stack(compartment("outer"), compartment("inner", parent="outer")))
    project.run(*APPROVED)
    project.run("destroy", "--auto-approve")
    assert compartments(tenancy) == {}
    assert [call["operation"] for call in tenancy.calls()].count("GetWorkRequest") >= 4


@pytest.mark.parametrize("written", ["chat", "'chat'", "CHAT", "top:'chat'", "'top':chat"])
def test_a_policy_waits_for_the_compartment_that_it_names_in_any_way(
    project: Project, tenancy: Tenancy, written: str
) -> None:
    """Quoted names once were not seen: the policy went first, and a fresh and valid stack ended with exit code 4."""
    nested = "top" in written
    places = [compartment("top"), compartment("zz", parent="top" if nested else "tenancy", name="chat")]
    text = f"allow any-user to inspect policies in compartment {written}"
    project.write(stack(policy("aa", compartment="tenancy", statements=[text]), *places))
    needs = {one["address"]: one["needs"] for one in plan(project)["changes"]}
    assert "Compartment/zz" in needs["Policy/aa"]
    project.run(*APPROVED)
    assert refused_writes(tenancy) == []
