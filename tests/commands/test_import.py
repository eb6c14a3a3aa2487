"""`import` adopts what lives: one update that adds the ownership tag; what may not be adopted is refused before any write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import oci
import pytest
from conftest import Project, Tenancy
from plan_apply.manifests import compartment, key, policy, stack
from plan_apply.sdk_helpers import (
    APPROVED,
    REGION,
    assert_settled,
    client,
    compartments,
    keys,
    named,
    plan,
    policies,
    words,
)
from plan_apply.test_ownership import TAG, make_compartment, make_key, make_policy

from genai_iac.core import Address, Owner, make_origin
from genai_iac.emulator import running

THEIRS = compartment("theirs", description="Theirs")
EXPIRES = [{"name": "key-one", "expires": "2099-01-01T00:00:00Z"}]
ADDRESSES = {
    "Compartment/adopted": "UpdateCompartment",
    "Policy/adopted": "UpdatePolicy",
    "ApiKey/adopted": "UpdateApiKey",
}


@pytest.fixture(scope="module")
def shared_tenancy() -> Iterator[Tenancy]:
    """One tenancy, emptied for each test."""
    with running() as server:
        yield Tenancy(server.url, Path(server.config_file), server.tenancy)


@pytest.fixture
def tenancy(shared_tenancy: Tenancy) -> Tenancy:
    shared_tenancy.control("POST", "reset")
    return shared_tenancy


def make(tenancy: Tenancy, kind: str, tags: dict[str, str] | None = None) -> str:
    """Something live called `adopted` in the compartment `theirs`; answers its OCID."""
    home = next((id for id, one in compartments(tenancy).items() if one.name == "theirs"), None)
    home = home or make_compartment(tenancy, "theirs")
    made = {
        "Compartment": lambda: make_compartment(tenancy, "adopted", tags, home),
        "Policy": lambda: make_policy(tenancy, home, "adopted", tags),
        "ApiKey": lambda: make_key(tenancy, home, "adopted", tags),
    }[kind]()
    tenancy.forget_calls()
    return made


def declared(kind: str, **spec: Any) -> dict[str, Any]:
    """The manifest that says what `make` made."""
    if kind == "Compartment":
        return compartment("adopted", **{"parent": "/theirs", "description": "Theirs", **spec})
    if kind == "ApiKey":
        return key("adopted", secrets=EXPIRES, **{"compartment": "/theirs", **spec})
    statements = ["allow any-user to inspect policies in compartment theirs"]
    return policy("adopted", **{"compartment": "/theirs", "description": "Theirs", "statements": statements, **spec})


def live(tenancy: Tenancy, ocid: str) -> Any:
    return {**compartments(tenancy), **policies(tenancy), **keys(tenancy)}[ocid]


@pytest.mark.parametrize("address", ADDRESSES)
def test_one_update_adds_the_mark_and_nothing_else(project: Project, tenancy: Tenancy, address: str) -> None:
    kind = address.partition("/")[0]
    ocid = make(tenancy, kind, {"cost-centre": "42"})
    project.write(stack(declared(kind)))
    before = oci.util.to_dict(live(tenancy, ocid))
    tenancy.forget_calls()
    assert f"is {address} of loop now" in " ".join(project.run("import", address, ocid).out.split())
    assert tenancy.writes() == [ADDRESSES[address]]
    after = oci.util.to_dict(live(tenancy, ocid))
    mark = after["freeform_tags"].pop(TAG)
    assert mark.startswith(f"loop/{address}")
    assert {name for name in before if before[name] != after[name]} <= {"etag", "time_updated"}


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_next_plan_shows_only_what_differs(project: Project, tenancy: Tenancy, address: str) -> None:
    kind = address.partition("/")[0]
    ocid = make(tenancy, kind)
    project.write(stack(declared(kind)))
    project.run("import", address, ocid)
    assert_settled(project)
    project.write(stack(declared(kind, description="Ours")))
    (changed,) = plan(project)["changes"]
    assert (changed["address"], changed["id"], changed["actions"]) == (address, ocid, ["update"])
    project.run(*APPROVED)
    assert live(tenancy, ocid).description == "Ours"


@pytest.mark.parametrize("address", ADDRESSES)
def test_adopting_twice_writes_once(project: Project, tenancy: Tenancy, address: str) -> None:
    kind = address.partition("/")[0]
    ocid = make(tenancy, kind)
    project.write(stack(declared(kind)))
    project.run("import", address, ocid)
    assert "nothing to do" in " ".join(project.run("import", address, ocid).out.split())
    assert tenancy.writes() == [ADDRESSES[address]]


def test_a_key_that_is_being_created_is_waited_for(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(declared("ApiKey")))
    make_compartment(tenancy, "theirs")
    tenancy.settings(lifecycleDelay="1s")
    ocid = make(tenancy, "ApiKey")
    project.run("import", "ApiKey/adopted", ocid)  # a change of a key that is CREATING is refused: 409 IncorrectState
    assert tenancy.writes() == ["UpdateApiKey"]


@pytest.mark.parametrize(
    "effect", [{"drop": True}, {"status": 500}, {"status": 503}, {"truncate": True}, {"reset": True}]
)
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_answer_that_is_lost_is_found_again(
    project: Project, tenancy: Tenancy, address: str, effect: dict[str, Any]
) -> None:
    ocid = make(tenancy, address.partition("/")[0])
    project.write(stack(declared(address.partition("/")[0])))
    tenancy.control("POST", "faults", [{"operation": ADDRESSES[address], "when": "after", "effect": effect}])
    assert f"is {address} of loop now" in " ".join(project.run("import", address, ocid).out.split())
    assert_settled(project)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_refusal_after_a_lost_answer_is_reported(project: Project, tenancy: Tenancy, address: str) -> None:
    ocid = make(tenancy, address.partition("/")[0])
    project.write(stack(declared(address.partition("/")[0])))
    lost = {"operation": ADDRESSES[address], "when": "before", "effect": {"drop": True}}
    refused = {
        "operation": ADDRESSES[address],
        "when": "before",
        "nth": 2,
        "effect": {"status": 412, "code": "NoEtagMatch"},
    }
    tenancy.control("POST", "faults", [lost, refused])
    ran = project.run("import", address, ocid, code=1)
    assert "412" in ran.err and "run the command again" in " ".join(ran.err.split())
    assert live(tenancy, ocid).freeform_tags == {}


def test_values_of_an_adopted_key_are_never_there_to_deliver(project: Project, tenancy: Tenancy) -> None:
    ocid = make(tenancy, "ApiKey")
    project.write(stack(declared("ApiKey", deliverTo=[{"file": {"path": "secrets/app.env"}}])))
    ran = project.run("import", "ApiKey/adopted", ocid)
    assert "undelivered" in ran.out and "sk-" not in ran.out + ran.err
    assert not (project.path / "secrets").exists()
    # another machine may hold the values of a file sink: they are renewed when somebody asks for it
    planned = plan(project)
    assert planned["changes"] == []
    assert "no sink on this machine" in " ".join(notice["text"] for notice in planned["notices"])
    assert tenancy.writes() == ["UpdateApiKey"]


# What is refused, with no write


def refused(project: Project, tenancy: Tenancy, *arguments: str, code: int = 1) -> str:
    """What a refused import says, its spaces aside; nothing was written."""
    tenancy.forget_calls()
    ran = project.run("import", *arguments, code=code)
    assert tenancy.writes() == []
    assert "Traceback" not in ran.err
    return words(ran.err)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        ("another/{address}#0123456789abcdef", "belongs to another as {address}"),
        ("nonsense", "is not an ownership tag"),
    ],
)
def test_what_belongs_to_somebody(project: Project, tenancy: Tenancy, address: str, mark: str, reason: str) -> None:
    kind = address.partition("/")[0]
    ocid = make(tenancy, kind, {TAG: mark.format(address=address)})
    project.write(stack(declared(kind)))
    said = refused(project, tenancy, address, ocid, code=3)
    assert words(reason.format(address=address)) in said and ocid in said


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_ocid_of_another_kind(project: Project, tenancy: Tenancy, address: str) -> None:
    kind = address.partition("/")[0]
    other = "Policy" if kind != "Policy" else "ApiKey"
    ocid = make(tenancy, other)
    project.write(stack(THEIRS, declared(kind)))
    assert words(f"is of kind {other}, not {kind}") in refused(project, tenancy, address, ocid)


@pytest.mark.parametrize(
    "ocid",
    [
        *("ocid1.user.oc1..aaaa", "app", "ocid1"),
        *(
            f"ocid1.generativeaiapikey.oc1.us-chicago-1.aaaa{more}"
            for more in (" ", "/../../apiKeys", "?limit=1", "%2e")
        ),
    ],
)
def test_what_is_no_ocid_of_anything_declared(project: Project, tenancy: Tenancy, ocid: str) -> None:
    project.write(stack(declared("ApiKey")))
    assert words("is not the OCID of anything") in refused(project, tenancy, "ApiKey/adopted", ocid)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_ocid_that_is_not_there(project: Project, tenancy: Tenancy, address: str) -> None:
    kind = address.partition("/")[0]
    ocid = make(tenancy, kind)
    gone = ocid[:-8] + "aaaaaaaa"
    project.write(stack(declared(kind)))
    assert "404" in refused(project, tenancy, address, gone)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_no_manifest_declares_is_reported_as_one(
    project: Project, tenancy: Tenancy, address: str
) -> None:
    kind = address.partition("/")[0]
    ocid = make(tenancy, kind)
    project.write(stack(THEIRS))
    said = refused(project, tenancy, address, ocid)
    assert words(f"no manifest declares {address}") in said
    assert words(f"kind: {kind}") in said and words("name: adopted") in said


@pytest.mark.parametrize("address", ["ApiKey/adopted", pytest.param("Policy/adopted", marks=pytest.mark.matrix)])
def test_the_manifest_of_that_refusal_can_be_pasted(project: Project, tenancy: Tenancy, address: str) -> None:
    ocid = make(tenancy, address.partition("/")[0])
    project.write(stack())
    refusal = project.run("import", address, ocid, code=1).err
    project.write(stack() + "---\n" + refusal.partition("import again:\n")[2])
    project.run("import", address, ocid)
    assert project.run("plan").out.endswith("No changes.\n")


def test_an_address_that_is_something_live(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(THEIRS, key("app", compartment="theirs")))
    project.run(*APPROVED)
    ours = named(keys(tenancy), "app").id
    other = make(tenancy, "ApiKey")
    assert words(f"is another live resource already: {ours}") in refused(project, tenancy, "ApiKey/app", other)


@pytest.mark.parametrize("which", [0, 1])
def test_two_live_with_one_address_are_both_named(project: Project, tenancy: Tenancy, which: int) -> None:
    project.write(stack(THEIRS, key("app", compartment="theirs")))
    project.run(*APPROVED)
    ours = named(keys(tenancy), "app")
    other = make(tenancy, "ApiKey")
    seal = Owner(tenancy.tenancy, "loop").seal(Address("ApiKey", "app"), other, origin=make_origin(datetime.now(UTC)))
    client(tenancy, "generative_ai", REGION).update_api_key(other, {"freeformTags": {TAG: seal}})
    tenancy.forget_calls()
    both = [ours.id, other]
    said = words(project.run("plan", code=1).err)
    assert all(ocid in said for ocid in both)
    assert both[1 - which] in refused(project, tenancy, "ApiKey/app", both[which])


def test_what_is_being_deleted(project: Project, tenancy: Tenancy) -> None:
    ocid = make(tenancy, "ApiKey")
    project.write(stack(declared("ApiKey")))
    client(tenancy, "generative_ai", REGION).delete_api_key(ocid)
    said = refused(project, tenancy, "ApiKey/adopted", ocid)
    assert words("only what is ACTIVE is adopted") in said
