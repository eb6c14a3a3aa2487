"""Large stacks record in each compartment what they put there: fewer requests, and nothing of the stack is lost sight of."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
from conftest import Project, Tenancy

from genai_iac.core import Address, Call, LiveResource, Owner, make_origin
from genai_iac.execute.calls import CallExecutor
from genai_iac.oci_client import scope
from genai_iac.resource_types import RESOURCE_TYPES
from genai_iac.resource_types import compartment as compartments_of

from .manifests import Document, compartment, key, policy, stack
from .sdk_helpers import (
    APPROVED,
    ASHBURN,
    REGION,
    apply_exactly,
    assert_settled,
    changes,
    client,
    compartments,
    keys,
    only,
    plan,
    planned_calls,
    policies,
)

TAG = "genai-iac-contents"
KEY: dict[str, str] = {"displayName": "k", "compartment": "c0"}


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Three compartments are a large stack here, and more than what is searched whole."""
    if "matrix" not in request.keywords:
        monkeypatch.setattr(compartments_of, "MANY", 3)
    monkeypatch.setattr(scope, "MOST_LISTS", 8)


def home(count: int = 4) -> list[Document]:
    return [compartment(f"c{number}") for number in range(count)]


def write(project: Project, *more: Document, count: int = 4, **spec: str) -> None:
    project.write(stack(*home(count), *more, **spec))


def records(tenancy: Tenancy) -> dict[str, str]:
    """The record of each compartment, without the digits of its owner."""
    found = {row.name: row.freeform_tags.get(TAG, "") for row in compartments(tenancy).values()}
    return {name: " ".join(text.split(" ")[::2]) for name, text in found.items()}


def ocid(tenancy: Tenancy, name: str) -> str:
    return next(id for id, row in compartments(tenancy).items() if row.name == name)


def listed(tenancy: Tenancy, project: Project, *arguments: str) -> Counter[str]:
    tenancy.forget_calls()
    plan(project, *arguments)
    return Counter(call["operation"] for call in tenancy.calls())


@pytest.mark.parametrize(("few", "many"), [(4, 12), pytest.param(100, 1000, marks=pytest.mark.matrix)])
def test_empty_compartments_cost_no_requests_and_three_to_destroy(
    project: Project, tenancy: Tenancy, few: int, many: int
) -> None:
    tenancy.settings(limits={"compartmentCount": 5000})
    seen = []
    for count in (few, many):
        write(project, count=count)
        project.run(*APPROVED)
        seen.append(listed(tenancy, project))
    assert seen[0] == seen[1] and seen[0].total() <= 6
    assert set(records(tenancy).values()) == {"1 -"}
    tenancy.forget_calls()
    project.run("destroy", "--auto-approve")
    calls = Counter(call["operation"] for call in tenancy.calls())
    assert calls["DeleteCompartment"] == many
    assert calls.total() <= 3 * many + seen[0].total()
    assert compartments(tenancy) == {}


def test_a_small_stack_records_nothing_and_searches_its_compartments(project: Project, tenancy: Tenancy) -> None:
    write(project, key("k", **KEY), count=2)
    project.run(*APPROVED)
    write(project, count=2)
    assert set(records(tenancy).values()) == {""}
    assert planned_calls(plan(project)) == {"DeleteApiKey": 1}


@pytest.mark.parametrize("kind", ["ApiKey", "Policy"])
def test_what_the_manifests_no_longer_mention_is_found_and_deleted(
    project: Project, tenancy: Tenancy, kind: str
) -> None:
    statement = "allow any-user to inspect policies in compartment id ${Compartment/c0.id}"
    made = key("x", **KEY) if kind == "ApiKey" else policy("x", compartment="c0", statements=[statement])
    write(project, made)
    project.run(*APPROVED)
    recorded = f"ApiKey@{REGION}" if kind == "ApiKey" else "Policy"
    assert records(tenancy) == {"c0": f"1 {recorded}", **dict.fromkeys(("c1", "c2", "c3"), "1 -")}
    write(project)
    document, _ = apply_exactly(project, tenancy)
    assert planned_calls(document) == {f"Delete{kind}": 1}
    assert keys(tenancy) == {} and policies(tenancy) == {}


def test_a_record_is_widened_before_something_new_is_put_there(project: Project, tenancy: Tenancy) -> None:
    write(project)
    project.run(*APPROVED)
    write(project, key("k", **KEY))
    document = plan(project)
    assert planned_calls(document) == {"UpdateCompartment": 1, "CreateApiKey": 1}
    assert changes(document)["ApiKey/k"]["needs"] == ["Compartment/c0"]
    tenancy.forget_calls()
    project.run(*APPROVED, "--target", "ApiKey/k")
    assert tenancy.writes() == ["UpdateCompartment", "CreateApiKey"]
    assert records(tenancy)["c0"] == f"1 ApiKey@{REGION}"
    # of that region nothing is named any more
    write(project, key("k", **KEY, region=ASHBURN), region=ASHBURN)
    project.run(*APPROVED)
    assert records(tenancy)["c0"] == f"1 ApiKey@{ASHBURN},ApiKey@{REGION}"
    assert (len(keys(tenancy, REGION)), len(keys(tenancy, ASHBURN))) == (0, 1)
    write(project)
    project.run(*APPROVED)
    assert keys(tenancy, ASHBURN) == {}
    assert_settled(project)


@pytest.mark.parametrize("named", ["c1", "/c1", "ocid"])
def test_a_move_is_recorded_however_its_compartment_is_named(project: Project, tenancy: Tenancy, named: str) -> None:
    write(project, key("k", **KEY))
    project.run(*APPROVED)
    to = ocid(tenancy, "c1") if named == "ocid" else named
    write(project, key("k", displayName="k", compartment=to))
    document = plan(project)
    assert changes(document)["ApiKey/k"]["needs"] == ["Compartment/c1"]
    project.run(*APPROVED)
    assert records(tenancy)["c1"] == f"1 ApiKey@{REGION}"
    write(project)
    project.run(*APPROVED)
    assert keys(tenancy) == {}


def test_what_somebody_moved_is_found_before_it_is_made_again(project: Project, tenancy: Tenancy) -> None:
    write(project, key("k", **KEY))
    project.run(*APPROVED)
    before = only(keys(tenancy))
    to = ocid(tenancy, "c2")
    client(tenancy, "generative_ai", REGION).change_api_key_compartment(before.id, {"compartmentId": to})
    document = plan(project)
    assert planned_calls(document) == {"ChangeApiKeyCompartment": 1}
    assert not [notice for notice in document["notices"] if "was not searched" in notice["text"]]
    # moved and no longer declared: a note says what was not searched, and --full-scan finds it
    write(project)
    document = plan(project)
    assert document["changes"] == []
    assert [notice for notice in document["notices"] if "4 compartments of the stack" in notice["text"]]
    assert planned_calls(plan(project, "--full-scan")) == {"DeleteApiKey": 1}


def test_renamed_compartments_and_stacks_of_another_name_keep_finding_everything(
    project: Project, tenancy: Tenancy
) -> None:
    write(project, key("k", **KEY), id="one")
    project.run(*APPROVED)
    renamed = [
        {**one, "metadata": {"name": f"d{number}", "previousNames": [f"c{number}"]}}
        for number, one in enumerate(home())
    ]
    for one in renamed:
        one["spec"] = {"name": one["metadata"]["previousNames"][0]}
    project.write(stack(*renamed, name="other", id="one"))
    project.run(*APPROVED)
    assert keys(tenancy) == {}
    assert_settled(project)


def test_a_record_of_another_owner_says_nothing(project: Project, tenancy: Tenancy) -> None:
    """Two stacks in one compartment, which the second takes over: what it put there before is not in the record of the first."""
    write(project)
    project.run(*APPROVED)
    id = ocid(tenancy, "c0")
    project.write(stack(key("k", displayName="k", compartment="/c0"), name="second"))
    project.run(*APPROVED)
    project.write(stack(*home()[1:], document := {**home()[0], "spec": {"deletion": "retain"}}))
    project.run(*APPROVED)
    project.write(stack(*home()[1:]))
    project.run(*APPROVED)
    assert TAG not in compartments(tenancy)[id].freeform_tags
    row = compartments(tenancy)[id]
    tags = {**row.freeform_tags, TAG: f"1 {Owner(tenancy.tenancy, 'loop').contents_key} -"}
    client(tenancy, "identity").update_compartment(id, {"freeformTags": tags})
    others = [compartment(f"e{number}") for number in range(4)]
    project.write(stack(document, key("k", displayName="k", compartment="c0"), *others, name="second"))
    project.run("import", "Compartment/c0", id)
    assert TAG not in compartments(tenancy)[id].freeform_tags
    project.run(*APPROVED)
    project.write(stack(document, *others, name="second"))
    project.run(*APPROVED)
    assert keys(tenancy) == {}


_OTHER = """
import sys
from genai_iac.cli import main
from genai_iac.resource_types import compartment
compartment.MANY = 3
main(sys.argv[1:])
"""


def test_a_compartment_that_another_apply_makes_at_the_same_time_gets_nothing_that_its_record_lacks(
    project: Project, tenancy: Tenancy, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Project(tmp_path_factory.mktemp("other"), project.environ)
    write(other)
    write(project, key("k", **KEY))
    real, ran = CallExecutor._create, list[int]()

    def late(self: CallExecutor, call: Call) -> None:
        if not ran:
            command = [sys.executable, "-c", _OTHER, *APPROVED]
            ran.append(subprocess.run(command, cwd=other.path, env={**os.environ, **project.environ}).returncode)
        real(self, call)

    monkeypatch.setattr(CallExecutor, "_create", late)
    ended = project.run(*APPROVED, "--parallelism", "1", code=None)
    assert (
        ran == [0] and ended.code == 4 and "another apply made Compartment/c0 at the same time" in ended.out + ended.err
    )
    assert keys(tenancy) == {}
    document, _ = apply_exactly(project, tenancy)
    assert planned_calls(document) == {"UpdateCompartment": 1, "CreateApiKey": 1}


def test_a_compartment_with_many_tags_of_its_own_is_listed(project: Project, tenancy: Tenancy) -> None:
    tagged = compartment("many", tags={f"t{number}": "x" for number in range(8)})
    large = compartment("large", tags={f"t{number}": "x" * 250 for number in range(7)} | {"y" * 100: "x" * 250})
    project.write(stack(*home(), tagged, large))
    project.run(*APPROVED)
    assert {name for name, record in records(tenancy).items() if not record} == {"many", "large"}
    project.write(stack(*home(), tagged, large, key("k", displayName="k", compartment="many")))
    project.run(*APPROVED)
    project.write(stack(*home(), tagged, large))
    assert planned_calls(plan(project)) == {"DeleteApiKey": 1}


def test_a_record_is_read_only_from_the_compartment_that_its_owner_created() -> None:
    owner, other = Owner("ocid1.tenancy.oc1..t", "loop"), Owner("ocid1.tenancy.oc1..t", "other")
    address = Address("Compartment", "c0")
    made = compartments_of.read_time("2026-11-29T00:00:00Z")
    assert made is not None
    origin = make_origin(made)

    def live(record: str, mark: str, id: str = "ocid1.compartment.oc1..a") -> LiveResource:
        row = {
            "id": id,
            "name": "c0",
            "compartmentId": owner.tenancy,
            "lifecycleState": "ACTIVE",
            "timeCreated": made.isoformat(),
        }
        return RESOURCE_TYPES["Compartment"].read({**row, "freeformTags": {TAG: record, "genai-iac": mark}}, None)

    create_tag, seal = owner.create_tag(address, "", origin), owner.seal(address, "ocid1.compartment.oc1..a")
    held = frozenset({("ApiKey", REGION), ("Policy", None)})
    text = compartments_of.write_contents(owner, held)
    assert text == f"1 {owner.contents_key} ApiKey@{REGION},Policy"
    assert compartments_of.read_contents(live(text, create_tag), owner) == held
    assert compartments_of.read_contents(live(text, seal), owner) == held
    unknown = [
        live(text, seal, "ocid1.compartment.oc1..copy"),
        live(text, other.create_tag(address, "", origin)),
        live(text, ""),
        live("", create_tag),
        live(text.replace("1 ", "2 "), create_tag),
        live(compartments_of.write_contents(other, held), create_tag),
        live(
            compartments_of.write_contents(owner, frozenset(("ApiKey", f"us-region-{n}") for n in range(20))),
            create_tag,
        ),
    ]
    assert [compartments_of.read_contents(one, owner) for one in unknown] == [None] * len(unknown)
    assert compartments_of.read_contents(live(text, create_tag), other) is None
