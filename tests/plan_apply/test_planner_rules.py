"""What a plan holds and what it refuses, made from manifests and a tenancy that are both written down here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from genai_iac.core import CONTENTS_TAG, OWNERSHIP_TAG, Address, Change, Notice, Owner, Plan, SinkState
from genai_iac.core.errors import PlanError, PlanErrors
from genai_iac.planning.planner import PlanComparison, compare, filter_plan, make_destroy_plan, make_plan

from .manifests import Document, compartment, key, policy
from .pure_plans import NOW, OWNER, REGION, TENANCY, Held, addresses, at, calls, declare, needs, notices, ocid, strange

HOME, APP = compartment("home"), key("app", deliverTo=[{"exec": {"command": ["deliver"]}}])
RULE = policy("rule")
STACK = (HOME, APP, RULE)
HELD = Held().applied(declare(*STACK))
HOME_ID = ocid(at("Compartment/home"))
FIRST_FORM = "0" * 16  # a digest as releases before 0.2 wrote it, made for a compartment that the resource has left


def compared(held: Held, *documents: Document) -> PlanComparison:
    return compare(held.inputs(declare(*documents)))


def refusals(held: Held, *documents: Document) -> list[str]:
    """Each reason without its place."""
    return [error.message.partition(": ")[2] for error in compared(held, *documents).refusals]


def refusal(held: Held, *documents: Document) -> PlanError:
    (error,) = compared(held, *documents).refusals
    return error


def where(address: str, path: str, *documents: Document) -> str:
    resource = declare(*documents).resources[at(address)]
    return str(resource.places.get(path, resource.source))


# Nothing to do


def test_what_is_as_declared_is_no_change() -> None:
    plan = HELD.plan(*STACK)
    assert (plan.changes, plan.unchanged, plan.owned, plan.notices) == ((), 3, 3, ())
    assert (plan.stack, plan.tenancy, plan.region, plan.environment) == ("loop", TENANCY, REGION, None)


def test_what_differs_is_a_change_and_what_does_not_is_counted() -> None:
    plan = HELD.edited("Compartment/home", description="By hand").plan(*STACK, compartment("more"))
    assert calls(plan) == {"Compartment/home": ["UpdateCompartment"], "Compartment/more": ["CreateCompartment"]}
    assert (plan.unchanged, plan.owned) == (2, 3)
    update = plan.changes[0]
    assert update.id == HOME_ID
    assert update.before is not None and update.after is not None
    assert (update.before["description"], update.after["description"]) == ("By hand", "Made by genai-iac")


def test_an_update_leaves_what_refers_to_it_alone() -> None:
    grant = policy("access", compartment="home", grants=[{"apiKey": "app"}])
    held = HELD.applied(declare(*STACK, grant))
    plan = held.plan(HOME, {**APP, "spec": {**APP["spec"], "description": "New"}}, RULE, grant)
    assert calls(plan) == {"ApiKey/app": ["UpdateApiKey"]}


def test_what_refers_to_a_replacement_is_written_again() -> None:
    grant = policy("access", compartment="home", grants=[{"apiKey": "app"}])
    held = HELD.applied(declare(*STACK, grant))
    plan = held.plan(HOME, key("app", region="eu-frankfurt-1"), RULE, grant)
    assert {str(change.address): change.actions for change in plan.changes} == {
        "ApiKey/app": ("create", "delete"),
        "Policy/access": ("update",),
    }
    assert needs(plan)["Policy/access"] == ["ApiKey/app"]


def test_a_key_is_planned_with_its_region_and_a_compartment_without() -> None:
    plan = Held().plan(HOME, key("near"), key("far", region="eu-frankfurt-1"))
    after = {str(change.address): change.after or {} for change in plan.changes}
    assert {name: attributes.get("region", "absent") for name, attributes in after.items()} == {
        "Compartment/home": "absent",
        "ApiKey/near": REGION,
        "ApiKey/far": "eu-frankfurt-1",
    }


def test_what_sinks_hold_counts_for_the_key_that_they_are_of() -> None:
    full = SinkState(frozenset({"current"}), True, {"key-one": "current"}, place="vault app")
    empty = SinkState(frozenset({"current"}), True, {}, place="exec deliver")
    manifest = declare(*STACK)
    plan = make_plan(HELD.inputs(manifest, held={at("ApiKey/app"): (full, empty)}))
    assert {str(change.address): change.actions for change in plan.changes} == {"ApiKey/app": ("deliver",)}
    assert make_plan(HELD.inputs(manifest, held={at("ApiKey/other"): (full, empty)})).changes == ()
    used = replace(
        HELD.one("ApiKey/app"), secrets=tuple(replace(one, last_used=NOW) for one in HELD.one("ApiKey/app").secrets)
    )
    gone = make_plan(HELD.having(used).inputs(declare(HOME, RULE), held={at("ApiKey/app"): (full,)}))
    (loss,) = gone.changes[0].losses
    assert (loss.secret, loss.last_used, loss.carriers, loss.looked) == ("key-one", NOW, ("vault app",), True)


@pytest.mark.parametrize(("sinks", "noted"), [([], True), (None, True), ([{"exec": {"command": ["deliver"]}}], False)])
def test_values_that_nothing_keeps_are_told_once_as_the_key_is_made(sinks: Any, noted: bool) -> None:
    made = key("new") if sinks is None else key("new", deliverTo=sinks)
    text = "no deliverTo: the values of its secrets will be lost"
    plan = HELD.plan(*STACK, made, compartment("more"))
    assert [notice for notice in plan.notices if notice.text == text] == [Notice(text, at("ApiKey/new"))] * noted
    again = HELD.applied(declare(*STACK, made), "ApiKey/new").plan(*STACK, made)
    assert text not in notices(again)


# Names that are taken


def marked(kind: str, name: str, tag: str, **others: Any) -> Held:
    return HELD.having(strange(kind, name, mark=tag, **others))


@pytest.mark.parametrize(
    ("other", "declared", "taken"),
    [
        (strange("Compartment", "chat"), compartment("new", name="chat"), True),
        (strange("Compartment", "CHAT"), compartment("new", name="chat"), True),
        (strange("Compartment", "chat", HOME_ID), compartment("new", name="chat"), False),
        (strange("Compartment", "chat", HOME_ID), compartment("new", name="Chat", parent="home"), True),
        (strange("Compartment", "other"), compartment("new", name="chat"), False),
        (strange("Policy", "chat", HOME_ID), policy("new", name="Chat"), True),
        (strange("Policy", "chat"), policy("new", name="chat"), True),
        (strange("Policy", "other", HOME_ID), policy("new", name="chat"), False),
        (strange("Policy", "chat"), compartment("new", name="chat"), False),
        (strange("Compartment", "chat"), policy("new", name="chat"), False),
        (strange("ApiKey", "chat", HOME_ID), key("new", displayName="chat"), True),
        (strange("ApiKey", "Chat", HOME_ID), key("new", displayName="chat"), False),
        (strange("ApiKey", "chat"), key("new", displayName="chat"), False),
        (strange("ApiKey", "chat", HOME_ID), key("new", displayName="chat", region="eu-frankfurt-1"), False),
        (strange("ApiKey", "chat", HOME_ID, region="eu-frankfurt-1"), key("new", displayName="chat"), False),
    ],
)
def test_a_name_is_taken_as_oci_compares_it(other: Any, declared: Document, taken: bool) -> None:
    address = f"{declared['kind']}/new"
    found = refusals(HELD.having(other), *STACK, declared)
    assert found == [f"{address}: {other.kind} {other.name} exists and is not this stack's ({other.id})"] * taken


@pytest.mark.parametrize(
    ("declared", "other", "taken"),
    [
        (APP, strange("ApiKey", "app", HOME_ID), False),  # it has that name already
        (key("app", displayName="taken"), strange("ApiKey", "taken", HOME_ID), True),
        (key("app", compartment="tenancy"), strange("ApiKey", "app"), True),
        (key("app", displayName="free"), strange("ApiKey", "app", HOME_ID), False),
    ],
)
def test_a_name_that_a_resource_has_is_its_own(declared: Document, other: Any, taken: bool) -> None:
    found = compared(HELD.having(other), HOME, declared, RULE)
    assert [error.message.partition(": ")[2].startswith("ApiKey/app: ApiKey") for error in found.refusals] == [
        True
    ] * taken
    (change,) = found.plan.changes or (None,)
    assert change is None or bool(change.actions) is not taken


NEW = compartment("new", name="chat")
ELSEWHERE = strange("Compartment", "chat", id="ocid1.compartment.oc1..bbbbbbbbelsewhere").id


@pytest.mark.parametrize(
    ("held", "message", "hint"),
    [
        (
            HELD.having(strange("Compartment", "chat", lifecycle="DELETING")),
            "Compartment chat (ocid1.compartment.oc1..bbbbbbbbchat) is still being deleted",
            "wait until it is gone, then plan again",
        ),
        (
            marked("Compartment", "chat", OWNER.seal(at("Policy/x"), "else")),
            "Compartment chat (ocid1.compartment.oc1..bbbbbbbbchat) exists and has an ownership tag that was made for another resource",
            "choose another name, or if it is yours remove its tag genai-iac and adopt it: "
            "genai-iac import Compartment/new ocid1.compartment.oc1..bbbbbbbbchat",
        ),
        (
            marked("Compartment", "chat", f"others/Compartment/chat#{FIRST_FORM}"),
            "Compartment chat exists and belongs to others (ocid1.compartment.oc1..bbbbbbbbchat)",
            "choose another name, or let others give it up first (declare it there with deletion: retain, apply, then remove it and "
            "apply), then adopt it: "
            "genai-iac import Compartment/new ocid1.compartment.oc1..bbbbbbbbchat",
        ),
        (
            marked("Compartment", "chat", f"loop+1234567/Compartment/chat#{FIRST_FORM}"),
            "Compartment chat exists and belongs to loop with the id digest 1234567 (ocid1.compartment.oc1..bbbbbbbbchat)",
            "if this is loop, write its spec.id as it was; else choose another name, or let loop give it up first (declare it "
            "there with deletion: retain, apply, then remove it and apply), then adopt it: "
            "genai-iac import Compartment/new ocid1.compartment.oc1..bbbbbbbbchat",
        ),
        (
            marked("Compartment", "chat", f"loop@dev/Compartment/chat#{FIRST_FORM}"),
            "Compartment chat exists and belongs to loop@dev (ocid1.compartment.oc1..bbbbbbbbchat)",
            "choose the environment (--env dev); or the environments of one stack that share a tenancy need names of their own: "
            "write spec.name: new-${var.env}, "
            "with a variable that each environment sets",
        ),
        (
            HELD.having(strange("Compartment", "chat")),
            "Compartment chat exists and is not this stack's (ocid1.compartment.oc1..bbbbbbbbchat)",
            "choose another name, or adopt it: genai-iac import Compartment/new ocid1.compartment.oc1..bbbbbbbbchat",
        ),
    ],
)
def test_who_has_the_name_is_said_with_the_way_out(held: Held, message: str, hint: str) -> None:
    error = refusal(held, *STACK, NEW)
    assert error.message == f"{where('Compartment/new', 'name', *STACK, NEW)}: Compartment/new: {message}"
    assert error.hint == hint
    with pytest.raises(PlanError, match=r"exists and|is still being deleted"):
        held.plan(*STACK, NEW)


def test_a_key_that_is_taken_is_told_at_its_display_name() -> None:
    named = key("new", displayName="chat")
    error = refusal(HELD.having(strange("ApiKey", "chat", HOME_ID)), *STACK, named)
    assert error.message.startswith(f"{where('ApiKey/new', 'displayName', *STACK, named)}: ApiKey/new: ")


@pytest.mark.parametrize(
    ("declared", "path", "words"),
    [
        (key("new", compartment="/nowhere"), "compartment", "there is no compartment /nowhere in the tenancy"),
        (compartment("new", parent="/nowhere"), "parent", "there is no compartment /nowhere in the tenancy"),
        (
            key("new", compartment="ocid1.compartment.oc1..aaaaother"),
            "compartment",
            f"the compartment ocid1.compartment.oc1..aaaaother is not in the tenancy {TENANCY}",
        ),
    ],
)
def test_a_compartment_that_is_not_there_is_told_at_its_place(declared: Document, path: str, words: str) -> None:
    address = f"{declared['kind']}/new"
    error = refusal(HELD, *STACK, declared)
    assert error.message.startswith(f"{where(address, path, *STACK, declared)}: {address}: {words}")
    assert error.hint
    assert [str(change.address) for change in compared(HELD, *STACK, declared).plan.changes] == [address]


def test_a_compartment_that_is_not_there_is_told_once_beside_other_changes() -> None:
    for lost in (compartment("lost", parent="/nowhere"), key("lost", compartment="/nowhere")):
        assert len(compared(HELD, *STACK, compartment("more"), lost).refusals) == 1


READ = "allow any-user to %s policies in compartment sub"
TOP, SUB = compartment("top"), compartment("sub", parent="top")
BELOW = Held().applied(declare(TOP, SUB))
BELOW = BELOW.applied(declare(TOP, SUB, policy("in", compartment="/top", statements=[READ % "inspect"])), "Policy/in")


@pytest.mark.parametrize("verb", ["inspect", "read"], ids=["policy as it was", "policy changed too"])
@pytest.mark.parametrize("top", [compartment("top", name="peak"), compartment("top", parent="/elsewhere")])
def test_a_path_that_the_plan_itself_takes_away_is_told_at_its_place(top: Document, verb: str) -> None:
    documents = (top, SUB, policy("in", compartment="/top", statements=[READ % verb]))
    held = BELOW.having(strange("Compartment", "elsewhere"))
    error = refusal(held, *documents)
    assert error.message == (
        f"{where('Policy/in', 'compartment', *documents)}: Policy/in: there is no compartment /top any more once this plan is "
        "applied: it renames or moves what is on that path"
    )
    assert error.hint == "name the compartment by its metadata.name, or by its OCID"
    assert refusals(held, top, SUB, policy("in", compartment="top", statements=[READ % verb])) == []


def test_a_statement_that_the_plan_itself_makes_unfit_is_told() -> None:
    """The compartment moves out of the one that the policy is attached to, with an undeclared one between."""
    other = strange("Compartment", "other")
    between = strange("Compartment", "between", ocid(at("Compartment/top")))
    held = Held().having(other).applied(declare(compartment("top", parent="/other"))).having(between)
    inside = compartment("in", parent=between.id)
    rule = policy(
        "rule",
        compartment=other.id,
        statements=["allow any-user to inspect policies in compartment ${Compartment/in.path}"],
    )
    assert refusals(held, compartment("top", parent="/other"), inside, rule) == []
    found = compared(held, compartment("top"), inside, rule).refusals
    assert [error.message.split(" that the")[0] for error in found] == ["Compartment/in is not below the compartment"]


@pytest.mark.parametrize("parent", ["tenancy", "/home", HOME_ID, "home", "fresh"])
def test_a_compartment_that_is_there_or_will_be_is_no_error(parent: str) -> None:
    plan = HELD.plan(*STACK, compartment("fresh"), key("new", compartment=parent))
    assert "ApiKey/new" in addresses(plan)


# Several resources with one address


def twice(address: str = "Policy/rule") -> Held:
    """Two of which each carries a tag that was made for it."""
    one = HELD.one(address)
    id = f"{one.id}2"
    return HELD.having(replace(one, id=id, tags={**one.tags, OWNERSHIP_TAG: OWNER.seal(at(address), id)}))


def test_of_two_with_one_address_none_is_chosen() -> None:
    error = refusal(twice(), *STACK)
    first, second = ocid(at("Policy/rule")), f"{ocid(at('Policy/rule'))}2"
    assert error.message == f"two live resources carry the ownership tag of Policy/rule: {first} and {second}"
    assert error.hint == "delete the one that is not meant, or remove its tag genai-iac, then plan again"
    edited = policy("rule", description="New")
    (change,) = compared(twice(), HOME, APP, edited).plan.changes
    assert (change.actions, change.calls, change.reason) == ((), (), error.message)
    assert change.before == change.after and change.before is not None  # neither is compared
    assert change.id == first
    assert compared(twice(), *STACK).plan.unchanged == 2


def test_of_two_that_nothing_declares_none_is_deleted() -> None:
    error = refusal(twice(), HOME, APP)
    assert error.message.startswith("two live resources carry the ownership tag of Policy/rule: ")
    (change,) = compared(twice(), HOME, APP).plan.changes
    assert (change.actions, change.after) == ((), None)


# What cannot be made so is shown all the same


def test_everything_that_stands_in_the_way_is_told_at_once() -> None:
    documents = (*STACK, compartment("chat"), key("lost", compartment="/nowhere"))
    held = HELD.having(strange("Compartment", "chat"))
    with pytest.raises(PlanErrors) as several:
        held.plan(*documents)
    assert len(several.value.errors) == 2
    with pytest.raises(PlanError) as single:
        HELD.plan(*documents)
    assert not isinstance(single.value, PlanErrors)
    assert single.value.hint


def test_a_resource_that_cannot_be_made_is_shown_as_it_should_be() -> None:
    taken = policy("new", name="chat", description="New")
    (change,) = compared(HELD.having(strange("Policy", "chat")), *STACK, taken).plan.changes
    assert (change.actions, change.before, change.id) == ((), None, None)
    assert change.after is not None
    assert (change.after["name"], change.after["description"]) == ("chat", "New")
    assert change.after["statements"] == [f"allow any-user to inspect policies in compartment id {HOME_ID}"]


@pytest.mark.parametrize(
    ("statement", "differs"),
    [
        ("ALLOW  any-user TO inspect policies IN COMPARTMENT ID ${Compartment/home.id}", False),
        ("allow any-user to read policies in compartment id ${Compartment/home.id}", True),
    ],
)
def test_a_resource_that_cannot_be_changed_is_shown_with_what_differs(statement: str, differs: bool) -> None:
    held = HELD.having(strange("Policy", "taken")).edited("Policy/rule", freeformTags={"theirs": "x"})
    rule = held.one("Policy/rule")
    held = held.having(replace(rule, tags={**rule.tags, "theirs": "x"}))
    wanted = policy("rule", name="taken", compartment="home", statements=[statement], tags={"team": "ml"})
    (change,) = compared(held, HOME, APP, wanted).plan.changes
    assert (change.actions, change.id) == ((), rule.id)
    assert change.before is not None and change.after is not None
    assert (change.before["name"], change.after["name"]) == ("rule", "taken")
    assert (change.after["statements"] != change.before["statements"]) is differs
    assert change.before["freeformTags"] == {"theirs": "x"}
    assert change.after["freeformTags"] == {"theirs": "x", "team": "ml"}


def test_a_cycle_is_refused_and_its_changes_are_shown() -> None:
    held = Held().applied(declare(compartment("a", name="one"), compartment("b", name="two")))
    found = compared(held, compartment("a", name="two"), compartment("b", name="one"))
    (error,) = found.refusals
    assert error.message == "these changes wait for each other in a cycle: Compartment/a, Compartment/b"
    assert error.hint == "make the change in two steps"
    assert addresses(found.plan) == ["Compartment/a", "Compartment/b"]


def test_a_cycle_of_renames_is_told_how_to_declare_them() -> None:
    held = Held().applied(declare(compartment("a", name="one"), compartment("b", name="two", parent="a")))
    renamed = (compartment("x", name="one"), compartment("y", name="two", parent="a"))
    plan = compared(held, compartment("a", name="three"), *renamed).plan
    assert set(addresses(plan)) == {"Compartment/a", "Compartment/b", "Compartment/x", "Compartment/y"}
    told = [notice for notice in plan.notices if "previousNames: [b]" in notice.text]
    assert [notice.address for notice in told] == [at("Compartment/y")]


# What nothing declares


def test_what_nothing_declares_is_deleted() -> None:
    plan = HELD.plan(HOME)
    assert calls(plan) == {"ApiKey/app": ["DeleteApiKey"], "Policy/rule": ["DeletePolicy"]}
    assert [change.after for change in plan.changes] == [None, None]
    assert plan.notices == ()
    assert plan.changes[0].losses[0].secret == "key-one"


def tagged(deletion: Any, *tags: str) -> Held:
    one = HELD.one("Compartment/home")
    kept = {"team": "ml", **dict.fromkeys(tags, "x")}
    mark = OWNER.seal(at("Compartment/home"), one.id, deletion)
    return Held().having(replace(one, tags={**kept, OWNERSHIP_TAG: mark}))


def test_what_is_retained_loses_this_tools_tags_alone() -> None:
    (change,) = tagged("retain", CONTENTS_TAG).plan().changes
    assert (change.actions, change.after) == (("forget",), None)
    (call,) = change.calls
    assert (call.operation, call.body) == ("UpdateCompartment", {"freeformTags": {"team": "ml"}})


@pytest.mark.parametrize("deletion", ["delete", "forbid"])
def test_what_is_not_retained_is_planned_to_go(deletion: str) -> None:
    (change,) = tagged(deletion).plan().changes
    assert change.actions == ("delete",)


def moved(name: str = "old", number: str = "", **others: Any) -> Held:
    """A resource with a tag of the first form, which was made for another compartment."""
    tag = f"loop/Policy/{name}#{FIRST_FORM}"
    return Held().having(strange("Policy", f"{name}{number}", mark=tag, **others))


def test_what_may_have_been_moved_or_tagged_by_anybody_is_left_with_a_notice() -> None:
    plan = moved().plan()
    assert plan.changes == ()
    (notice,) = plan.notices
    assert notice.address == at("Policy/old")
    assert notice.text.startswith(
        "Policy old (ocid1.policy.oc1..bbbbbbbbold) has the ownership tag of Policy/old, made for another"
    )
    assert notice.text.endswith("declare it again or delete it with --delete-moved Policy/old")


def test_a_persons_word_has_it_deleted() -> None:
    assert calls(moved().plan(moved=frozenset({at("Policy/old")}))) == {"Policy/old": ["DeletePolicy"]}
    assert moved().plan(moved=frozenset({at("Policy/other")})).changes == ()
    assert moved().plan(moved=frozenset({at("Policy/old")})).notices == ()


def test_a_persons_word_is_about_one_resource() -> None:
    two = moved().having(*moved(number="2").resources.values())
    plan = two.plan(moved=frozenset({at("Policy/old")}))
    assert plan.changes == ()
    assert [notice.address for notice in plan.notices] == [at("Policy/old")] * 2


def test_a_tag_of_another_kind_of_resource_is_told_and_nothing_is_done() -> None:
    held = HELD.having(strange("ApiKey", "copy", HOME_ID, OWNER.seal(at("Policy/rule"), "else")))
    plan = held.plan(*STACK)
    assert plan.changes == ()
    (notice,) = plan.notices
    assert notice.address == at("Policy/rule")
    assert notice.text.startswith(
        "ApiKey copy (ocid1.apikey.oc1..bbbbbbbbcopy) has the ownership tag of Policy/rule, made for"
    )
    assert notice.text.endswith("genai-iac import Policy/rule ocid1.apikey.oc1..bbbbbbbbcopy")


WITH_ID = Owner(TENANCY, "loop", "5f0c9a34")


def named(claims: bool, *names: str) -> Held:
    """A stack that was given an id, and resources from before, whose tags have none."""
    others = [
        strange("Policy", name, mark=OWNER.seal(at(f"Policy/{name}"), f"ocid1.policy.oc1..bbbbbbbb{name}"))
        for name in names
    ]
    return Held(owner=replace(WITH_ID, claims=claims)).having(*others)


def test_what_may_be_this_stacks_from_before_it_had_an_id_is_told_once() -> None:
    rule = policy("rule", name="other", compartment="tenancy")
    copy = strange("Policy", "again", mark=OWNER.seal(at("Policy/rule"), "ocid1.policy.oc1..bbbbbbbbagain"))
    plan = named(False, "rule", "undeclared").having(copy, strange("Policy", "untagged")).plan(rule)
    told = [notice for notice in plan.notices if "--claim-name" in notice.text]
    assert [notice.address for notice in told] == [at("Policy/rule")]
    assert told[0].text.startswith(
        "a resource carries the ownership tag of Policy/rule of loop without an id: if it is this stack's"
    )
    assert calls(plan) == {"Policy/rule": ["CreatePolicy"]}


def test_what_the_stack_has_already_is_not_reported() -> None:
    rule = policy("rule", compartment="tenancy")
    held = named(False).applied(declare(rule)).having(*named(False, "rule").resources.values())
    assert held.plan(rule).notices == ()


def test_a_claim_takes_what_is_declared_and_deletes_nothing() -> None:
    rule = policy("rule", compartment="tenancy")
    plan = named(True, "rule", "undeclared").plan(rule)
    assert addresses(plan) == ["Policy/rule"]
    assert "delete" not in plan.changes[0].actions
    assert plan.notices == ()


# The end of a stack


def test_a_destroy_deletes_all_that_is_recognised_and_counts_nothing_as_unchanged() -> None:
    plan = make_destroy_plan(HELD.inputs(declare(*STACK, compartment("never-made"))))
    assert set(addresses(plan)) == {"Compartment/home", "ApiKey/app", "Policy/rule"}
    assert all(change.actions == ("delete",) for change in plan.changes)
    assert (plan.unchanged, plan.owned) == (0, 3)


def test_a_destroy_deletes_what_is_declared_although_it_was_moved() -> None:
    old = policy("old", compartment="tenancy")
    assert calls(make_destroy_plan(moved().inputs(declare(old)))) == {"Policy/old": ["DeletePolicy"]}
    assert make_destroy_plan(moved().inputs(declare())).changes == ()
    word = moved().inputs(declare(), moved=frozenset({at("Policy/old")}))
    assert calls(make_destroy_plan(word)) == {"Policy/old": ["DeletePolicy"]}


# A part of a plan


def steps(**needed: str) -> Plan:
    """Changes of policies, each with those that it needs."""
    changes = (
        Change(Address("Policy", name), ("update",), "", needs=tuple(Address("Policy", one) for one in text.split()))
        for name, text in needed.items()
    )
    return Plan("loop", None, TENANCY, REGION, tuple(changes), unchanged=4, owned=9, notices=(Notice("kept"),))


WHOLE = steps(a="", b="a", c="b a", d="", e="d")


@pytest.mark.parametrize(
    ("targets", "kept", "notice"),
    [
        ("", "a b c d e", None),
        ("c", "a b c", "--target: 2 other changes are left out of this plan"),
        ("a", "a", "--target: 4 other changes are left out of this plan"),
        ("c d", "a b c d", "--target: 1 other change is left out of this plan"),
        ("c e", "a b c d e", None),
        ("quiet", "", "--target: 5 other changes are left out of this plan"),
        ("quiet d", "d", "--target: 4 other changes are left out of this plan"),
    ],
)
def test_a_target_takes_along_what_it_needs(targets: str, kept: str, notice: str | None) -> None:
    known = [Address("Policy", name) for name in ("quiet", "other")]
    plan = filter_plan(WHOLE, (Address("Policy", name) for name in targets.split()), known)
    assert [change.address.name for change in plan.changes] == kept.split()
    assert list(notices(plan)) == ["kept", *([notice] if notice else [])]
    assert (plan.unchanged, plan.owned) == (4, 9)


def test_a_target_that_nobody_knows_is_refused() -> None:
    asked: Iterable[Address] = [Address("Policy", name) for name in ("z", "a", "quiet", "y")]
    with pytest.raises(PlanError) as caught:
        filter_plan(WHOLE, asked, [Address("Policy", "quiet")])
    assert str(caught.value) == "--target Policy/y, Policy/z: no such resource; write Kind/name as the plan does"
