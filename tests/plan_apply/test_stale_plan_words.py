"""What a saved plan is bound to, and how a refusal names each thing that differs: by tables, without a service."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from genai_iac import __version__
from genai_iac.core.errors import GuardError, StalePlanError
from genai_iac.planning.plan_file import check_inputs, check_same_plan, digest_inputs

from .manifests import compartment, key, policy
from .pure_plans import NOW, TENANCY, Held, at, declare, strange

HELD = (
    Held()
    .applied(declare(compartment("home", tags={"a": "1", "b": "2"}), key("app", secrets=2), policy("rule")))
    .having(
        strange("Compartment", "platform"),
        strange("Policy", "theirs"),
        strange("ApiKey", "copy", mark=Held().owner.seal(at("Policy/rule"), "ocid1.policy.oc1..else")),
    )
)
FOREIGN = "ocid1.policy.oc1..bbbbbbbbtheirs"


def inputs(held: Held = HELD, **others: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "path": ".",
        "environment": "prod",
        "variables": {"about": "Home", "count": 3},
        "files": {"stack.yaml": "11", "more.yaml": "22"},
        "live": held.live,
        "groups": {at("Policy/rule"): "g1"},
    }
    return digest_inputs(**{**given, **others})


def test_what_a_plan_is_made_from_is_written_down_without_a_value() -> None:
    found = inputs()
    live, variables = found.pop("live"), found.pop("variables")
    assert found == {
        "path": ".",
        "environment": "prod",
        "targets": [],
        "moved": [],
        "full_scan": False,
        "claims": False,
        "files": {"stack.yaml": "11", "more.yaml": "22"},
        "tenancy": TENANCY,
        "version": __version__,
    }
    assert set(variables) == {"about", "count"}
    assert set(live) == {
        "Compartment/home",
        "ApiKey/app",
        "Policy/rule",
        "Compartment /platform",
        f"Policy theirs ({FOREIGN})",
        "ApiKey copy (ocid1.apikey.oc1..bbbbbbbbcopy), with a tag of Policy/rule",
        "a group that Policy/rule names",
    }
    digests = {**variables, **live}
    assert digests.pop("a group that Policy/rule names") == "g1"
    assert all(re.fullmatch("[0-9a-f]{24}", digest) for digest in digests.values())
    assert len(set(digests.values())) == len(digests)


def test_what_was_asked_for_is_written_down_in_one_order() -> None:
    found = inputs(targets=iter(["b", "a"]), moved=iter(["d", "c"]), full_scan=True, claims=True)
    assert {name: found[name] for name in ("targets", "moved", "full_scan", "claims")} == {
        "targets": ["a", "b"],
        "moved": ["c", "d"],
        "full_scan": True,
        "claims": True,
    }


def reordered(held: Held) -> Held:
    """The same tenancy, as a service lists it that has no order of its own."""
    others = {
        id: replace(one, attributes=dict(reversed(one.attributes.items())), tags=dict(reversed(one.tags.items())))
        for id, one in reversed(held.resources.items())
    }
    return replace(held, resources=others)


def used(held: Held, **fields: Any) -> Held:
    """With both secrets of the key as told."""
    one = held.one("ApiKey/app")
    return held.having(replace(one, secrets=tuple(replace(secret, **fields) for secret in one.secrets)))


@pytest.mark.parametrize("same", [reordered, lambda held: used(held, last_used=NOW), lambda held: held])
def test_an_order_or_a_call_makes_no_plan_stale(same: Callable[[Held], Held]) -> None:
    check_inputs(inputs(), inputs(same(HELD)))


def relabelled(held: Held, address: str, **fields: Any) -> Held:
    return held.having(replace(held.one(address), **fields))


def foreign(**fields: Any) -> Held:
    return HELD.having(replace(HELD.resources[FOREIGN], **fields))


PLATFORM = "ocid1.compartment.oc1..bbbbbbbbplatform"


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (HELD.edited("Policy/rule", description="x"), "in the tenancy Policy/rule has changed"),
        (HELD.edited("Compartment/home", name="other"), "in the tenancy Compartment/home has changed"),
        (relabelled(HELD, "ApiKey/app", lifecycle="UPDATING"), "in the tenancy ApiKey/app has changed"),
        (used(HELD, mask="sk-new"), "in the tenancy ApiKey/app has changed"),
        (used(HELD, state="INACTIVE"), "in the tenancy ApiKey/app has changed"),
        (HELD.without("Policy/rule"), "in the tenancy Policy/rule is gone"),
        (
            HELD.applied(declare(compartment("home"), policy("new")), "Policy/new"),
            "in the tenancy Policy/new is new",
        ),
        (foreign(attributes={"name": "theirs"}), f"in the tenancy Policy theirs ({FOREIGN}) has changed"),
        (HELD.having(strange("Policy", "x")), "in the tenancy Policy x (ocid1.policy.oc1..bbbbbbbbx) is new"),
        (
            HELD.having(strange("Compartment", "platform", "ocid1.compartment.oc1..aaaaaaaahome")),
            "in the tenancy Compartment /home/platform is new; in the tenancy Compartment /platform is gone",
        ),
        (
            HELD.having(replace(HELD.resources[PLATFORM], attributes={}, tags={"seen": "by nobody"})),
            "",
        ),
    ],
)
def test_what_differs_in_the_tenancy_is_named(held: Held, words: str) -> None:
    assert stale(inputs(), inputs(held)) == words


def stale(saved: dict[str, Any], now: dict[str, Any]) -> str:
    """The clauses of the refusal; empty when there is none."""
    try:
        check_inputs(saved, now)
    except StalePlanError as error:
        assert error.hint == "plan again: genai-iac plan --out FILE"
        assert error.message.startswith("the saved plan is stale: ")
        return error.message.removeprefix("the saved plan is stale: ")
    return ""


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (
            {"files": {"stack.yaml": "12", "new.yaml": "3"}},
            "more.yaml is gone; the file new.yaml is new; the file stack",
        ),
        ({"files": {"stack.yaml": "12", "more.yaml": "22"}}, "the file stack.yaml has changed"),
        ({"variables": {"about": "Home", "count": "3"}}, "the variable count has changed"),
        ({"variables": {"about": "Home"}}, "the variable count is gone"),
        ({"variables": {"about": "Home", "count": 3, "z": 1}}, "the variable z is new"),
        ({"environment": None}, "the environment is None, not prod"),
        ({"environment": "dev"}, "the environment is dev, not prod"),
        ({"groups": {at("Policy/rule"): "g2"}}, "in the tenancy a group that Policy/rule names has changed"),
        ({"groups": {}}, "in the tenancy a group that Policy/rule names is gone"),
        ({}, ""),
    ],
)
def test_what_else_differs_is_named(others: dict[str, Any], words: str) -> None:
    said = stale(inputs(), inputs(**others))
    assert words in said if ";" in words else said == words


def test_everything_that_differs_is_named_at_once() -> None:
    saved = {**inputs(), "version": "0.0.1"}
    now = inputs(HELD.without("Policy/rule"), files={"stack.yaml": "12", "more.yaml": "22"}, environment="dev")
    assert stale(saved, now) == (
        "the file stack.yaml has changed; in the tenancy Policy/rule is gone; the environment is dev, not prod; "
        f"it was made by genai-iac 0.0.1, this is {__version__}"
    )


def test_a_file_without_inputs_is_stale_in_all_of_them() -> None:
    said = stale({"tenancy": TENANCY}, inputs())
    assert said.count(" is new") == 11
    assert said.endswith(f"the environment is prod, not None; it was made by genai-iac None, this is {__version__}")


def test_another_tenancy_is_refused_before_all_else() -> None:
    with pytest.raises(GuardError) as caught:
        check_inputs({**inputs(environment="dev"), "tenancy": "ocid1.tenancy.oc1..other"}, inputs())
    assert str(caught.value) == (
        f"refused: the plan was made for tenancy ocid1.tenancy.oc1..other, this profile is of {TENANCY}; "
        "choose the profile of that tenancy with --profile, or plan again"
    )


def plan(print_of: str, **changes: dict[str, Any]) -> dict[str, Any]:
    return {"fingerprint": print_of, "changes": [{"address": name, **row} for name, row in changes.items()]}


SAVED = plan("one", a={"after": 1, "reason": "x"}, b={"after": 2}, c={"after": 3})


@pytest.mark.parametrize(
    ("fresh", "words"),
    [
        (plan("two", a={"after": 9, "reason": "x"}, b={"after": 2}, c={"after": 3}), "a (after)"),
        (plan("two", a={"after": 9, "reason": "y"}, b={"after": 2}, c={"after": 3}), "a (after, reason)"),
        (plan("two", a={"after": 1}, b={"after": 2}, c={"after": 3}), "a (reason)"),
        (plan("two", a={"after": 1, "reason": "x"}, b={"after": 8, "id": 1}, c={"after": 3}), "b (after, id)"),
        (plan("two", a={"after": 1, "reason": "x"}, b={"after": 2}), "c"),
        (plan("two", a={"after": 1, "reason": "x"}, b={"after": 2}, c={"after": 3}, d={"after": 4}), "d"),
        (plan("two", b={"after": 2}, c={"after": 4}, d={"after": 4}), "a, c, d (after)"),
        (plan("two"), "a, b, c"),
    ],
)
def test_a_plan_that_comes_out_otherwise_is_refused_by_where(fresh: dict[str, Any], words: str) -> None:
    with pytest.raises(StalePlanError) as caught:
        check_same_plan(SAVED, fresh)
    assert caught.value.message == f"the saved plan is stale: made again it differs in {words}"
    assert caught.value.hint == "plan again: genai-iac plan --out FILE"


def test_the_same_fingerprint_is_the_same_plan_whatever_its_words() -> None:
    check_same_plan(SAVED, plan("one", a={"after": 1, "reason": "other words"}))


def test_when_something_was_created_makes_no_plan_stale() -> None:
    assert stale(inputs(), inputs(relabelled(HELD, "Policy/rule", created=NOW - timedelta(days=1)))) == ""
