"""The rules of the order by themselves, on changes that are written down here: who waits for whom, and who does not."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_iac.core import CONTENTS_TAG, Address, Call, Change, CompartmentTree, Reference
from genai_iac.core.errors import PlanError
from genai_iac.planning.ordering import add_needs, order_changes
from genai_iac.references.resolver import Resolver

from .manifests import compartment, key, policy
from .pure_plans import TENANCY, Held, addresses, at, declare, needs

KNOWING_NOTHING = Resolver({}, CompartmentTree.of(TENANCY, ()), {})
Attributes = Mapping[str, Any] | None


def id_of(name: str) -> str:
    return f"ocid1.thing.oc1..{name}"


def step(address: str, before: Attributes, after: Attributes, *actions: Any, calls: tuple[Call, ...] = ()) -> Change:
    """A change of one resource; what it does follows from what is before and after, unless told."""
    usual = ("create",) if before is None else ("delete",) if after is None else ("update",)
    id = None if before is None else id_of(at(address).name)
    return Change(at(address), actions or usual, "", before, after, calls, id)


def place(name: str, parent: Any = TENANCY, **others: Any) -> dict[str, Any]:
    return {"name": name, "compartmentId": parent, "description": "", **others}


def rule(*named: str, name: str = "rule", parent: Any = TENANCY) -> dict[str, Any]:
    statements = [f"allow any-user to inspect policies in compartment {one}" for one in named]
    return {"name": name, "compartmentId": parent, "statements": statements}


def secret_key(name: str, parent: Any = TENANCY) -> dict[str, Any]:
    return {"displayName": name, "compartmentId": parent, "secrets": {}}


def waiting(*changes: Change) -> dict[str, list[str]]:
    """By address the changes that it waits for, of those that wait at all. The order fits that, whatever order was given."""
    found = order_changes(changes, {}, KNOWING_NOTHING)
    shuffled = random.Random(3).sample(changes, len(changes))
    for ordered in (found, order_changes(shuffled, {}, KNOWING_NOTHING)):
        done: set[Address] = set()
        for change in ordered:
            assert done.issuperset(change.needs)
            done.add(change.address)
        assert {change.address: change.needs for change in ordered} == {one.address: one.needs for one in found}
    return {str(change.address): [str(one) for one in change.needs] for change in found if change.needs}


NAMES = [Address("Policy", name) for name in "abcdefg"]


@settings(max_examples=60)
@given(st.permutations(NAMES), st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=14))
def test_wanted_needs_are_kept_unless_they_close_a_cycle(order: list[Address], wanted: list[Any]) -> None:
    """The earlier of two pairs has precedence; whatever may come next comes in the order given."""
    wanted = [pair for pair in wanted if pair[0] != pair[1]]
    outside = Address("Policy", "elsewhere")
    changes = [Change(address, ("update",), "", needs=(outside,) if address == NAMES[0] else ()) for address in order]
    ordered, refused = add_needs(changes, wanted)
    kept: dict[Address, set[Address]] = {address: set() for address in NAMES}
    expected = []
    for one, other in wanted:
        reached, todo = {other}, [other]
        while todo:
            more = kept[todo.pop()] - reached
            reached |= more
            todo += more
        if one in reached:
            expected.append((one, other))
        else:
            kept[one].add(other)
    assert refused == expected
    assert {change.address: set(change.needs) for change in ordered} == kept
    left = list(order)
    for change in ordered:
        assert change.address == next(one for one in left if not kept[one] & set(left))
        left.remove(change.address)
    assert left == []


def test_needs_that_were_there_stay() -> None:
    first, second, third = (Change(address, ("update",), "") for address in NAMES[:3])
    ordered, refused = add_needs(
        [Change(NAMES[0], ("update",), "", needs=(NAMES[1],)), second, third], [(NAMES[1], NAMES[2])]
    )
    assert [change.address for change in ordered] == [NAMES[2], NAMES[1], NAMES[0]]
    assert refused == []
    _, refused = add_needs(ordered, [(NAMES[2], NAMES[0])])
    assert refused == [(NAMES[2], NAMES[0])]
    assert first.needs == ()


# What a resource refers to


BEFORE = (
    compartment("home"),
    key("app"),
    policy("rule", statements=["allow any-user to inspect policies in compartment id ${Compartment/home.id}"]),
)
HELD = Held().applied(declare(*BEFORE))


def test_only_what_is_made_or_renamed_is_waited_for() -> None:
    retagged = HELD.edited("Compartment/home", description="By hand")
    assert needs(retagged.plan(*BEFORE, key("more"), compartment("sub", parent="home"))) == {
        "Compartment/home": [],
        "ApiKey/more": [],
        "Compartment/sub": [],
    }
    assert needs(HELD.plan(*BEFORE, compartment("new"), key("more", compartment="new"))) == {
        "Compartment/new": [],
        "ApiKey/more": ["Compartment/new"],
    }
    named = policy(
        "other",
        statements=["allow any-user to inspect policies in compartment ${Compartment/home.name}"],
        compartment="tenancy",
    )
    assert needs(HELD.plan(compartment("home", name="house"), *BEFORE[1:], named)) == {
        "Compartment/home": [],
        "Policy/other": ["Compartment/home"],
    }
    assert needs(HELD.plan(*BEFORE, named)) == {"Policy/other": []}


def test_what_nothing_declares_refers_to_nothing() -> None:
    assert needs(HELD.plan(compartment("home"))) == {"ApiKey/app": [], "Policy/rule": []}
    assert needs(HELD.plan(compartment("new"))) == {
        "Compartment/new": [],
        "ApiKey/app": [],
        "Policy/rule": [],
        "Compartment/home": ["ApiKey/app", "Policy/rule"],
    }


# Records of contents


RECORDS = Call("UpdateCompartment", {"freeformTags": {CONTENTS_TAG: "1 x"}})
RECORDING = step("Compartment/home", place("home"), place("home"), calls=(Call("UpdateCompartment"), RECORDS))
HOME = Reference(at("Compartment/home"))


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        (step("ApiKey/app", None, secret_key("app", id_of("home"))), True),
        (step("ApiKey/app", None, secret_key("app", HOME)), True),
        (step("ApiKey/app", secret_key("app"), secret_key("app", id_of("home"))), True),
        (step("ApiKey/app", secret_key("app", id_of("home")), secret_key("app", id_of("home"))), False),
        (
            step("ApiKey/app", secret_key("app", id_of("home")), secret_key("app", id_of("home")), "create", "delete"),
            True,
        ),
        (step("ApiKey/app", secret_key("app", id_of("home")), secret_key("app")), False),
        (step("ApiKey/app", secret_key("app", id_of("home")), None), False),
        (step("ApiKey/app", None, secret_key("app")), False),
        (step("Policy/rule", None, rule(parent=id_of("home"))), True),
        (step("Compartment/sub", None, place("sub", id_of("home"))), False),
    ],
)
def test_a_record_is_written_before_what_it_tells_of(change: Change, waits: bool) -> None:
    assert waiting(change, RECORDING) == ({str(change.address): ["Compartment/home"]} if waits else {})


@pytest.mark.parametrize(
    "body", [{"freeformTags": {"other": "x"}}, {"freeformTags": None}, {"description": CONTENTS_TAG}]
)
def test_a_compartment_that_records_nothing_holds_up_nothing(body: Any) -> None:
    plain = step("Compartment/home", place("home"), place("home"), calls=(Call("UpdateCompartment", body),))
    assert waiting(step("ApiKey/app", None, secret_key("app", id_of("home"))), plain) == {}


def test_only_compartments_record() -> None:
    other = step("Policy/rule", rule(), rule(), calls=(RECORDS,))
    assert waiting(step("ApiKey/app", None, secret_key("app", id_of("rule"))), other) == {}


# Names in statements


@pytest.mark.parametrize(
    ("made", "named", "waits"),
    [
        (step("Compartment/zz", None, place("Chat")), "chat", True),
        (step("Compartment/zz", None, place("chat")), "CHAT", True),
        (step("Compartment/zz", None, place("chat")), "other", False),
        (step("Compartment/zz", place("old"), place("chat")), "chat", True),
        (step("Compartment/zz", place("chat"), None, "forget"), "chat", False),
        (step("Project/zz", None, {"displayName": "chat", "name": "chat", "compartmentId": TENANCY}), "chat", False),
    ],
)
def test_a_policy_waits_for_the_name_that_it_uses(made: Change, named: str, waits: bool) -> None:
    written = step("Policy/aa", None, rule(named))
    assert waiting(written, made) == ({"Policy/aa": [str(made.address)]} if waits else {})
    assert waiting(step("Policy/aa", rule("nowhere"), rule(named)), made) == waiting(written, made)


def test_a_policy_that_goes_waits_for_no_name() -> None:
    assert waiting(step("Policy/aa", rule("chat"), None), step("Compartment/zz", None, place("chat"))) == {}


RENAMED = step("Compartment/home", place("Home"), place("house"))
MOVED = step("Compartment/home", place("home"), place("home", id_of("other")))
RETAGGED = step("Compartment/home", place("home"), place("home", description="New"))
DELETED = step("Compartment/home", place("home"), None)
FORGOTTEN = step("Compartment/home", place("home"), None, "forget")
PLACE, POLICY = "Compartment/home", "Policy/rule"


@pytest.mark.parametrize(
    ("change", "before", "after", "expected"),
    [
        (RENAMED, ["home"], ["home"], {POLICY: [PLACE]}),
        (RENAMED, ["HOME"], ["other"], {PLACE: [POLICY]}),
        (RENAMED, ["home"], ["house"], {POLICY: [PLACE]}),
        (RENAMED, ["home"], None, {PLACE: [POLICY]}),
        (RENAMED, ["other"], ["other"], {}),
        (RENAMED, ["other"], ["another"], {}),
        (MOVED, ["home"], ["other"], {PLACE: [POLICY]}),
        (MOVED, ["home"], ["home"], {POLICY: [PLACE]}),
        (DELETED, ["home"], ["other"], {PLACE: [POLICY]}),
        (DELETED, ["home"], None, {PLACE: [POLICY]}),
        (DELETED, ["home"], ["home"], {POLICY: [PLACE]}),
        (DELETED, None, ["other"], {}),
        (RETAGGED, ["home"], ["other"], {}),
        (RETAGGED, ["home"], None, {}),
        (FORGOTTEN, ["home"], ["other"], {}),
        (FORGOTTEN, ["home"], None, {}),
    ],
)
def test_oci_rewrites_no_policy_while_this_tool_writes_it(
    change: Change, before: list[str] | None, after: list[str] | None, expected: dict[str, list[str]]
) -> None:
    written = step(POLICY, None if before is None else rule(*before), None if after is None else rule(*after))
    assert waiting(written, change) == expected


def test_a_replaced_project_rewrites_no_policy() -> None:
    project = {"displayName": "home", "name": "home", "compartmentId": TENANCY}
    other = step("Project/home", project, {**project, "name": "house"})
    assert waiting(step(POLICY, rule("home"), rule("other")), other) == {}


# What goes


@pytest.mark.parametrize(
    ("gone", "other", "waits"),
    [
        (DELETED, step("ApiKey/app", secret_key("app", id_of("home")), None), True),
        (DELETED, step("ApiKey/app", secret_key("app", id_of("home")), secret_key("app")), True),
        (DELETED, step("Policy/rule", {**rule(), "statements": [f"to {id_of('home')} and so on"]}, None), True),
        (DELETED, step("ApiKey/app", secret_key("app", id_of("other")), None), False),
        (DELETED, step("ApiKey/app", None, secret_key("app")), False),
        (FORGOTTEN, step("ApiKey/app", secret_key("app", id_of("home")), None), False),
        (RETAGGED, step("ApiKey/app", secret_key("app", id_of("home")), None), False),
        (
            step(PLACE, place("home"), place("house"), "create", "delete"),
            step("ApiKey/app", secret_key("app", id_of("home")), None),
            False,
        ),
        (
            step("Compartment/home", place("home", parent=id_of("home")), None),
            step("ApiKey/app", secret_key("app"), None),
            False,
        ),
    ],
)
def test_what_is_deleted_waits_for_what_mentions_it(gone: Change, other: Change, waits: bool) -> None:
    assert waiting(gone, other) == ({PLACE: [str(other.address)]} if waits else {})


# Names that are freed


@pytest.mark.parametrize(
    ("takes", "frees", "waits"),
    [
        (step("Compartment/aa", None, place("one")), step("Compartment/zz", place("One"), place("two")), True),
        (step("Compartment/aa", None, place("ONE")), step("Compartment/zz", place("one"), None), True),
        (step("Compartment/aa", None, place("one", "p1")), step("Compartment/zz", place("one", "p2"), None), False),
        (
            step("Compartment/aa", None, place("one", "p1")),
            step("Compartment/zz", place("one", "p1"), place("one", "p2")),
            True,
        ),
        (step("Compartment/aa", None, place("one")), step("Compartment/zz", place("one"), place("ONE")), False),
        (
            step("Policy/aa", None, rule(name="one", parent="p1")),
            step("Policy/zz", rule(name="One", parent="p2"), None),
            True,
        ),
        (step("Policy/aa", None, rule(name="one")), step("Policy/zz", rule(name="one"), rule(name="one")), False),
        (step("Policy/aa", None, rule(name="one")), step("Compartment/zz", place("one"), None), False),
        (
            step("ApiKey/aa", secret_key("two"), secret_key("one")),
            step("ApiKey/zz", secret_key("one"), secret_key("two")),
            False,
        ),
        (step("ApiKey/aa", None, secret_key("one")), step("ApiKey/zz", secret_key("one"), None), False),
    ],
)
def test_a_name_is_taken_after_it_was_freed(takes: Change, frees: Change, waits: bool) -> None:
    assert waiting(takes, frees) == ({str(takes.address): [str(frees.address)]} if waits else {})


def test_only_what_waits_in_the_cycle_is_named() -> None:
    swapped = [
        step("Compartment/a", place("one"), place("two")),
        step("Compartment/c", None, place("three")),
        step("Compartment/b", place("two"), place("one")),
        step("Policy/p", None, rule("two")),
    ]
    with pytest.raises(PlanError) as caught:
        order_changes(swapped, {}, KNOWING_NOTHING)
    assert caught.value.message == (
        "these changes wait for each other in a cycle: Compartment/a, Compartment/b, Policy/p"
    )
    assert caught.value.hint == "make the change in two steps"


def test_what_waits_for_nothing_stays_where_it_was() -> None:
    changes = [step(f"ApiKey/{name}", None, secret_key(name)) for name in ("c", "a", "b")]
    found = order_changes(changes, {}, KNOWING_NOTHING)
    assert [change.address.name for change in found] == ["c", "a", "b"]
    assert found == tuple(changes)


def test_what_waits_for_two_comes_after_both() -> None:
    plan = Held().plan(policy("aa", grants=[{"apiKey": "zz"}], compartment="home"), key("zz"), compartment("home"))
    assert addresses(plan) == ["Compartment/home", "ApiKey/zz", "Policy/aa"]
    assert needs(plan)["Policy/aa"] == ["ApiKey/zz", "Compartment/home"]
