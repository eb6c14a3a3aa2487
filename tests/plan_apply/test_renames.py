"""A resource that gets another metadata.name keeps what is live, with `previousNames`; without it the plan says to add that."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Tenancy, read_journal
from vault_sink.vault_setups import content, entry

from .curl_lines import read_dotenv, works
from .manifests import compartment, key, policy, stack
from .sdk_helpers import APPROVED, apply_exactly, assert_settled, changes, compartments, keys, plan, policies, words

TAG = "genai-iac"
HOME = compartment("home")
FILE = "secrets/app.env"
STORE = "import os, sys, pathlib; pathlib.Path('stored').write_text(sys.stdin.read())"

Document = dict[str, Any]


def renamed(document: Document, *previous: str) -> Document:
    """The document with these previous names."""
    return {**document, "metadata": {**document["metadata"], "previousNames": list(previous)}}


def write(project: Project, *documents: Document) -> None:
    project.write(stack(*documents))


def an_app(name: str, *previous: str, secrets: int = 2, file: str = FILE, **spec: Any) -> Document:
    spec = {"displayName": "app", "deliverTo": [{"file": {"path": file}}], **spec}
    return renamed(key(name, secrets=secrets, **spec), *previous)


def tags(tenancy: Tenancy) -> set[str]:
    """The addresses in the ownership tags of everything live."""
    found = [*compartments(tenancy).values(), *policies(tenancy).values(), *keys(tenancy).values()]
    marks = (one.freeform_tags.get(TAG, "") for one in found)
    return {mark.partition("/")[2].partition("=")[0].partition("#")[0] for mark in marks if mark}


def noted(project: Project) -> set[str]:
    """The addresses in this machine's journal of deliveries."""
    return {note["address"] for note in read_journal(project.path / ".genai-iac/deliveries.json").values()}


IN_OLD = ["allow any-user to inspect policies in compartment id ${Compartment/old.id}"]
IN_NEW = ["allow any-user to inspect policies in compartment id ${Compartment/new.id}"]

# One apply moves everything


def test_a_key_is_renamed_with_its_sinks_and_its_grants_and_nothing_is_renewed(
    project: Project, tenancy: Tenancy
) -> None:
    sinks = [
        {"file": {"path": FILE}},
        {"exec": {"command": [sys.executable, "-c", STORE]}},
        entry(tenancy, where="home"),
    ]
    access = policy("access", grants=[{"apiKey": "old"}])
    write(project, HOME, key("old", secrets=2, deliverTo=sinks), access)
    project.run(*APPROVED)
    before, ids = read_dotenv(project.path / FILE), set(keys(tenancy))
    assert noted(project) == {"ApiKey/old"}

    write(
        project,
        HOME,
        renamed(key("new", secrets=2, deliverTo=sinks), "old"),
        policy("access", grants=[{"apiKey": "new"}]),
    )
    document, text = apply_exactly(project, tenancy)
    change = changes(document)["ApiKey/new"]
    assert list(changes(document)) == ["ApiKey/new"], "the policy names the key by its OCID, which stays"
    assert change["actions"] == ["update"] and change["losses"] == [] and change["previous_address"] == "ApiKey/old"
    assert change["calls"] == ["UpdateSecret", "UpdateSecret", "UpdateApiKey"]
    assert words("renamed from ApiKey/old") in words(text)

    after = read_dotenv(project.path / FILE)
    assert after == before and works(after["OPENAI_BASE_URL"], after["OPENAI_API_KEY"])
    assert set(keys(tenancy)) == ids and tags(tenancy) == {"Compartment/home", "ApiKey/new", "Policy/access"}
    assert noted(project) == {"ApiKey/new"} and "ApiKey/new" in (project.path / FILE).read_text()
    assert "ApiKey/new" in str(content(tenancy)) and "ApiKey/old" not in str(content(tenancy))

    write(project, HOME, key("new", secrets=2, deliverTo=sinks), policy("access", grants=[{"apiKey": "new"}]))
    assert_settled(project)
    project.run("destroy", "--auto-approve", "--accept-outage", "ApiKey/new", code=4)  # the vault secret lingers a day
    assert not (project.path / FILE).exists() and keys(tenancy) == {}


def test_a_compartment_is_renamed_with_what_lies_in_it(project: Project, tenancy: Tenancy) -> None:
    inside = compartment("inner", parent="old")
    write(
        project,
        compartment("old", name="kept"),
        inside,
        an_app("app", compartment="old"),
        policy("p", compartment="old", statements=IN_OLD),
    )
    project.run(*APPROVED)
    ids = set(compartments(tenancy))
    inside = compartment("inner", parent="new")
    write(
        project,
        renamed(compartment("new", name="kept"), "old"),
        inside,
        an_app("app", compartment="new"),
        policy("p", compartment="new", statements=IN_NEW),
    )
    document, _ = apply_exactly(project, tenancy)
    assert {address: change["calls"] for address, change in changes(document).items()} == {
        "Compartment/new": ["UpdateCompartment"]
    }
    assert set(compartments(tenancy)) == ids


def test_the_name_in_oci_follows_when_it_is_the_default(project: Project, tenancy: Tenancy) -> None:
    write(project, compartment("old"), key("app", compartment="old"))
    project.run(*APPROVED)
    write(project, renamed(compartment("new"), "old"), renamed(key("bot", compartment="new"), "app"))
    document, _ = apply_exactly(project, tenancy)
    assert {address: change["calls"] for address, change in changes(document).items()} == {
        "Compartment/new": ["UpdateCompartment"],
        "ApiKey/bot": ["UpdateApiKey"],
    }
    assert {one.name for one in compartments(tenancy).values()} == {"new"}
    assert {one.display_name for one in keys(tenancy).values()} == {"bot"}


def test_a_policy_whose_name_is_written_out_is_kept(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, policy("old", name="kept"))
    project.run(*APPROVED)
    ids = set(policies(tenancy))
    write(project, HOME, renamed(policy("new", name="kept"), "old"))
    document, _ = apply_exactly(project, tenancy)
    assert changes(document)["Policy/new"]["calls"] == ["UpdatePolicy"] and set(policies(tenancy)) == ids


def test_a_rename_and_other_edits_are_one_update(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, an_app("old"))
    project.run(*APPROVED)
    write(project, HOME, an_app("new", "old", description="Another", tags={"cost": "1"}))
    document, _ = apply_exactly(project, tenancy)
    change = changes(document)["ApiKey/new"]
    assert change["calls"] == ["UpdateApiKey"]
    assert change["reason"] == "renamed from ApiKey/old; description and tags differ from the manifest"


def test_a_rotation_goes_on_through_a_rename(project: Project, tenancy: Tenancy) -> None:
    rotation = {"every": "30d", "overlap": "2d", "idle": "24h"}
    grants = [policy("access", grants=[{"apiKey": "old"}]), policy("access", grants=[{"apiKey": "new"}])]
    write(project, HOME, an_app("old", rotation=rotation), grants[0])
    project.run(*APPROVED)
    first = read_dotenv(project.path / FILE)["OPENAI_API_KEY"]
    tenancy.advance("31d")
    write(project, HOME, an_app("new", "old", rotation=rotation), grants[1])
    document = plan(project)
    assert changes(document)["ApiKey/new"]["actions"] == ["update", "renew"]
    project.run(*APPROVED)
    after = read_dotenv(project.path / FILE)
    assert after["OPENAI_API_KEY"] != first and after["OPENAI_API_KEY_STANDBY"] == first
    assert works(after["OPENAI_BASE_URL"], first), "the old one works through the overlap"
    write(project, HOME, an_app("new", rotation=rotation), grants[1])
    assert_settled(project)


# Several, chained, exchanged


def test_one_of_several_previous_names_is_enough(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, an_app("b"))
    project.run(*APPROVED)
    write(project, HOME, an_app("c", "a", "b"))
    document, _ = apply_exactly(project, tenancy)
    assert list(changes(document)) == ["ApiKey/c"]
    write(project, HOME, an_app("d", "a", "b", "c"))
    document, _ = apply_exactly(project, tenancy)
    assert changes(document)["ApiKey/d"]["previous_address"] == "ApiKey/c"


def pair(first: Document, second: Document, kind: str) -> list[Document]:
    return [HOME, first, second] if kind != "Compartment" else [first, second]


MAKERS: dict[str, Callable[..., Document]] = {
    "ApiKey": lambda name, called, *previous: an_app(name, *previous, file=f"secrets/{called}.env", displayName=called),
    "Compartment": lambda name, called, *previous: renamed(compartment(name, name=called), *previous),
    "Policy": lambda name, called, *previous: renamed(policy(name, name=called, compartment="tenancy"), *previous),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("names", ["a becomes b, b becomes c", "a and b exchange their names"])
def test_a_name_that_another_takes_in_the_same_apply(project: Project, tenancy: Tenancy, kind: str, names: str) -> None:
    make = MAKERS[kind]
    write(project, *pair(make("a", "one"), make("b", "two"), kind))
    project.run(*APPROVED)
    assert_settled(project)
    last = "c" if "c" in names.split() else "a"
    exchanged = pair(make("b", "one", "a"), make(last, "two", "b"), kind)
    write(project, *exchanged)
    document, _ = apply_exactly(project, tenancy)
    assert {address: change["actions"] for address, change in changes(document).items()} == {
        f"{kind}/b": ["update"],
        f"{kind}/{last}": ["update"],
    }
    found = {"ApiKey": keys, "Compartment": compartments, "Policy": policies}[kind](tenancy)
    now = {
        (getattr(one, "display_name", None) or one.name): one.freeform_tags[TAG].partition("=")[0]
        for one in found.values()
    }
    assert now["one"] == f"loop/{kind}/b" and now["two"] == f"loop/{kind}/{last}"
    write(project, *pair(make("b", "one"), make(last, "two"), kind))
    assert_settled(project)


@pytest.mark.parametrize("target", ["ApiKey/a", "ApiKey/b"])
def test_an_exchange_that_was_half_applied_is_finished(project: Project, tenancy: Tenancy, target: str) -> None:
    make = MAKERS["ApiKey"]
    write(project, HOME, make("a", "one"), make("b", "two"))
    project.run(*APPROVED)
    write(project, HOME, make("b", "one", "a"), make("a", "two", "b"))
    project.run(*APPROVED, "--target", target)
    document = plan(project)
    assert set(changes(document)) == {"ApiKey/a", "ApiKey/b"} - {target}
    project.run(*APPROVED)
    assert_settled(project)
    assert {one.display_name: one.freeform_tags[TAG].partition("=")[0] for one in keys(tenancy).values()} == {
        "one": "loop/ApiKey/b",
        "two": "loop/ApiKey/a",
    }


def test_a_rename_that_stopped_before_its_tag_is_planned_again(project: Project, tenancy: Tenancy) -> None:
    sinks = [{"file": {"path": FILE}}, {"exec": {"command": [sys.executable, "-c", STORE]}}]
    write(project, HOME, an_app("old", deliverTo=sinks))
    project.run(*APPROVED)
    write(project, HOME, an_app("new", "old", deliverTo=sinks))
    tenancy.control(
        "POST",
        "faults",
        {"operation": "UpdateApiKey", "count": 1, "effect": {"status": 400, "code": "InvalidParameter"}},
    )
    project.run(*APPROVED, code=4)
    assert noted(project) == {"ApiKey/new"} and "ApiKey/old" in tags(tenancy)
    document, _ = apply_exactly(project, tenancy)
    assert changes(document)["ApiKey/new"]["calls"] == ["UpdateApiKey"]


# What it works with


def test_a_saved_plan_an_approved_plan_a_snapshot_drift_and_import(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, an_app("old"))
    project.run(*APPROVED)
    (id,) = keys(tenancy)
    write(project, HOME, an_app("new", "old"))
    project.run("snapshot", "--out", "tenancy.json")
    from_snapshot = project.run("plan", "--snapshot", "tenancy.json", "--format", "json").json
    assert list(changes(from_snapshot)) == ["ApiKey/new"]
    assert "No drift." in project.run("drift", "--unmanaged").out, "nobody changed anything by hand"
    project.run("plan", "--out", "saved.plan")
    project.run("apply", "saved.plan")
    assert_settled(project)
    write(project, HOME, an_app("newer", "new"))
    project.run("plan", "--out", "json=approved.json")
    project.run("apply", "--approved", "approved.json")
    assert_settled(project)
    write(project, HOME, an_app("newest", "newer"))
    project.run("import", "ApiKey/newest", id)
    project.run(*APPROVED)
    write(project, HOME, an_app("newest"))
    assert_settled(project)
    assert set(keys(tenancy)) == {id} and "ApiKey/newest" in tags(tenancy)


# Errors


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (
            [an_app("a"), an_app("b", "a", file="b.env")],
            "ApiKey/a is a previous name of ApiKey/b and still declared at",
        ),
        ([an_app("a", "x"), an_app("b", "x", file="b.env")], "ApiKey/x is a previous name of two resources"),
        ([an_app("a", "a")], "ApiKey/a cannot be its own previous name"),
        ([an_app("a", "X_y")], "previousNames"),
        ([an_app("a", "x", "x")], "previousNames"),
    ],
)
def test_previous_names_that_can_mean_nothing_are_refused_offline(
    project: Project, documents: list[Document], message: str
) -> None:
    write(project, HOME, *documents)
    ran = project.run("validate", code=1)
    assert words(message) in words(ran.err) and "stack.yaml:" in ran.err


def test_both_the_old_and_the_new_one_are_live(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, an_app("old"), an_app("new", file="new.env"))
    project.run(*APPROVED)
    write(project, HOME, an_app("new", "old", file="new.env"))
    tenancy.forget_calls()
    ran = project.run(*APPROVED, code=1)
    assert words("ApiKey/new and its previous names are several live resources") in words(ran.err)
    assert words("remove old from previousNames") in words(ran.err) and tenancy.writes() == []


def test_two_previous_names_are_live(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, an_app("a"), an_app("b", file="b.env"))
    project.run(*APPROVED)
    write(project, HOME, an_app("c", "a", "b"))
    ran = project.run("plan", code=1)
    assert words("leave in previousNames the one name that became ApiKey/c") in words(ran.err)


# Without previousNames


@pytest.mark.parametrize("sinks", [True, False])
def test_a_key_that_looks_renamed_is_reported_with_what_to_add(project: Project, tenancy: Tenancy, sinks: bool) -> None:
    more = {} if sinks else {"deliverTo": []}
    write(project, HOME, an_app("old", **more))
    project.run(*APPROVED)
    write(project, HOME, an_app("new", **more))
    ran = project.run("plan", code=1 if sinks else 0)
    said = "if ApiKey/old was renamed, add" if sinks else "if it was renamed, add"
    assert words(f"{said} previousNames: [old] to the metadata of ApiKey/new") in words(ran.out + ran.err)


@pytest.mark.parametrize("called", [{"name": "kept"}, {}])
def test_a_compartment_that_looks_renamed_is_reported_with_what_to_add(
    project: Project, tenancy: Tenancy, called: dict[str, str]
) -> None:
    write(project, compartment("old", **called), an_app("app", compartment="old"))
    project.run(*APPROVED)
    write(project, compartment("new", **called), an_app("app", compartment="new"))
    ran = project.run("plan", code=None)
    assert words("add previousNames: [old] to the metadata of Compartment/new") in words(ran.out + ran.err)


def test_what_is_alike_twice_is_not_reported(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, an_app("a", deliverTo=[]), an_app("b", deliverTo=[]))
    project.run(*APPROVED)
    write(project, HOME, an_app("c", deliverTo=[]))
    assert "previousNames" not in project.run("plan").out


def test_the_old_journal_is_read_as_it_was_written(project: Project, tenancy: Tenancy, tmp_path: Path) -> None:
    """A machine that did not apply the rename has its notes under the old address."""
    sinks = [{"exec": {"command": [sys.executable, "-c", STORE]}}]
    write(project, HOME, an_app("old", deliverTo=sinks))
    project.run(*APPROVED)
    notes = (project.path / ".genai-iac/deliveries.json").read_text()
    write(project, HOME, an_app("new", "old", deliverTo=sinks))
    project.run(*APPROVED)
    (project.path / ".genai-iac/deliveries.json").write_text(notes)
    assert_settled(project)
