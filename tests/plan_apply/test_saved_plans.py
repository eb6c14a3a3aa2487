"""A saved plan is carried out exactly, or refused before the first write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import oci
import pytest
from conftest import Project, Tenancy

from genai_iac.emulator import running

from .manifests import compartment, document, key, policy, stack
from .sdk_helpers import (
    APPROVED,
    REGION,
    assert_settled,
    client,
    compartments,
    keys,
    named,
    only,
    planned_calls,
    policies,
    words,
)

HOME = compartment("home", description="${var.about}")
VARIABLES = {"about": {"default": "Home"}, "other": {"default": "unused"}}
FILE = "change.plan"


@pytest.fixture
def saved(project: Project, tenancy: Tenancy) -> Project:
    """A project that lives, and a saved plan of a policy and a key more and a description less."""
    write(project, HOME, key("app"), policy("rule"))
    project.run(*APPROVED)
    write(project, HOME, key("app", description="Changed"), policy("rule"), policy("second"), key("more"))
    project.run("plan", "--out", FILE)
    tenancy.forget_calls()
    return project


def write(project: Project, *documents: dict[str, object]) -> None:
    project.write(stack(*documents, variables=VARIABLES))


def refused(project: Project, tenancy: Tenancy, *arguments: str, code: int = 1) -> str:
    """What the refusal says; nothing has been written."""
    ran = project.run("apply", *arguments, FILE, code=code)
    assert tenancy.writes() == []
    assert "Traceback" not in ran.err
    return words(ran.err)


def test_apply_makes_the_writes_of_the_file(saved: Project, tenancy: Tenancy) -> None:
    document = json.loads((saved.path / FILE).read_text())
    saved.run("apply", FILE)
    assert sorted(tenancy.writes()) == sorted(planned_calls(document).elements())
    assert sorted(tenancy.writes()) == ["CreateApiKey", "CreatePolicy", "UpdateApiKey"]
    assert_settled(saved)


def test_a_plan_is_carried_out_once(saved: Project, tenancy: Tenancy) -> None:
    saved.run("apply", FILE)
    tenancy.forget_calls()
    assert "stale" in refused(saved, tenancy)


def test_the_file_holds_no_secret(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, key("app", deliverTo=[{"file": {"path": "secrets/app.env"}}]))
    project.run(*APPROVED)
    write(project, HOME, key("app", description="Changed", deliverTo=[{"file": {"path": "secrets/app.env"}}]))
    project.run("plan", "--var", "about=a-private-value", "--out", FILE)
    assert "sk-" not in (project.path / FILE).read_text()


# What it was made from has changed


def edit_manifest(project: Project) -> None:
    file = project.path / "stack.yaml"
    file.write_text(file.read_text() + "# only a comment\n")


def add_manifest(project: Project) -> None:
    project.write("", "more.yaml")


@pytest.mark.parametrize(
    ("change", "named"), [(edit_manifest, "stack.yaml"), (add_manifest, "more.yaml")], ids=["edited", "added"]
)
def test_another_manifest_is_refused(
    saved: Project, tenancy: Tenancy, change: Callable[[Project], None], named: str
) -> None:
    change(saved)
    assert named in refused(saved, tenancy)


def test_another_variable_is_refused(saved: Project, tenancy: Tenancy) -> None:
    assert "variableabout" in refused(saved, tenancy, "--var", "about=Elsewhere")
    assert "variableother" in refused(saved, tenancy, "--var", "other=used")
    saved.environ["GENAI_IAC_VAR_about"] = "Elsewhere"
    assert "variableabout" in refused(saved, tenancy)


def test_the_variables_of_the_plan_are_given_again(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME)
    project.run("plan", "--var", "about=Theirs", "--out", FILE)
    assert "variableabout" in refused(project, tenancy)
    project.run("apply", "--var", "about=Theirs", FILE)
    assert only(compartments(tenancy)).description == "Theirs"


def test_another_environment_is_refused(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME)
    for name in ("dev", "prod"):
        project.write(
            json.dumps(document("Environment", name, {"variables": {"about": name}})), f"environments/{name}.yaml"
        )
    project.run("plan", "--env", "dev", "--out", FILE)
    assert "environment" in refused(project, tenancy, "--env", "prod")
    project.run("apply", FILE)  # the file knows its environment
    assert only(compartments(tenancy)).description == "dev"


def in_the_compartment(tenancy: Tenancy) -> str:
    identity = client(tenancy, "identity")
    found = named(compartments(tenancy), "home").id
    identity.update_compartment(found, oci.identity.models.UpdateCompartmentDetails(description="By hand"))
    return "Compartment/home"


def in_the_policy(tenancy: Tenancy) -> str:
    details = oci.identity.models.UpdatePolicyDetails(
        freeform_tags={**named(policies(tenancy), "rule").freeform_tags, "a": "b"}
    )
    client(tenancy, "identity").update_policy(named(policies(tenancy), "rule").id, details)
    return "Policy/rule"


def in_a_secret(tenancy: Tenancy) -> str:
    details = oci.generative_ai.models.SetApiKeyStateDetails(key_name="key-one", state="INACTIVE")
    client(tenancy, "generative_ai", REGION).set_api_key_state(only(keys(tenancy)).id, details)
    return "ApiKey/app"


def by_deleting(tenancy: Tenancy) -> str:
    client(tenancy, "generative_ai", REGION).delete_api_key(only(keys(tenancy)).id)
    return "ApiKey/app"


def by_something_new(tenancy: Tenancy) -> str:
    details = oci.generative_ai.models.CreateApiKeyDetails(
        compartment_id=named(compartments(tenancy), "home").id,
        display_name="theirs",
        key_details=[{"keyName": "key-one", "timeExpiry": "2099-01-01T00:00:00Z"}],
    )
    client(tenancy, "generative_ai", REGION).create_api_key(details)
    return "ApiKeytheirs"


@pytest.mark.parametrize("change", [in_the_compartment, in_the_policy, in_a_secret, by_deleting, by_something_new])
def test_another_tenancy_content_is_refused(saved: Project, tenancy: Tenancy, change: Callable[[Tenancy], str]) -> None:
    touched = change(tenancy)
    tenancy.forget_calls()
    assert touched in refused(saved, tenancy)


def test_another_tenancy_is_refused_by_a_guard(saved: Project) -> None:
    with running() as server:
        elsewhere = Tenancy(server.url, Path(server.config_file), server.tenancy)
        connection = ("--endpoint", server.url, "--config-file", str(server.config_file))
        said = refused(saved, elsewhere, *connection, code=3)
        assert elsewhere.tenancy in said


def test_a_part_of_a_plan_stays_that_part(saved: Project, tenancy: Tenancy) -> None:
    saved.run("plan", "--target", "Policy/second", "--out", FILE)
    tenancy.forget_calls()
    saved.run("apply", FILE)
    assert tenancy.writes() == ["CreatePolicy"]


def test_how_far_the_plan_looked_is_kept(project: Project, tenancy: Tenancy) -> None:
    """A key that somebody moved out of sight is found by a full scan; the plan made by one is applied by one."""
    write(project, HOME, compartment("far"), key("app"))
    project.run(*APPROVED)
    details = oci.identity.models.CreateCompartmentDetails(
        compartment_id=tenancy.tenancy, name="out", description="Theirs"
    )
    out = client(tenancy, "identity").create_compartment(details).data.id
    moved = oci.generative_ai.models.ChangeApiKeyCompartmentDetails(compartment_id=out)
    client(tenancy, "generative_ai", REGION).change_api_key_compartment(only(keys(tenancy)).id, moved)
    project.run("plan", "--full-scan", "--out", FILE)
    tenancy.forget_calls()
    project.run("apply", FILE)
    assert tenancy.writes() == ["ChangeApiKeyCompartment"]


# The file itself


def test_a_guard_still_guards(project: Project, tenancy: Tenancy) -> None:
    write(project, HOME, key("app", deletion="forbid"))
    project.run(*APPROVED)
    write(project, HOME)
    project.run("plan", "--out", FILE)
    tenancy.forget_calls()
    assert "deletion:forbid" in refused(project, tenancy, code=3)


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"format_version": "1.0"}', "kind: Stack\n"])
def test_what_is_no_saved_plan_is_refused(saved: Project, tenancy: Tenancy, text: str) -> None:
    (saved.path / FILE).write_text(text)
    refused(saved, tenancy)


def test_a_rendering_is_no_saved_plan(saved: Project, tenancy: Tenancy) -> None:
    saved.run("plan", "--out", f"json={FILE}")
    tenancy.forget_calls()
    refused(saved, tenancy)


def flips(data: bytes, step: int) -> list[int]:
    """Which bytes to flip: all near both ends, and each step-th between."""
    near = {*range(3), *range(len(data) - 12, len(data))}
    return sorted(near | set(range(0, len(data), step)))


@pytest.mark.parametrize("step", [211, pytest.param(1, marks=pytest.mark.matrix)], ids=["some", "every"])
def test_a_flipped_bit_is_never_applied(saved: Project, tenancy: Tenancy, step: int) -> None:
    file = saved.path / FILE
    whole = file.read_bytes()
    for place in flips(whole, step):
        altered = bytearray(whole)
        altered[place] ^= 1 << place % 7
        file.write_bytes(altered)
        ran = saved.run("apply", FILE, code=None)
        assert ran.code == 1 and "Traceback" not in ran.err, (place, ran)
    assert tenancy.calls() == []  # not even read


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_plan_cut_short_is_never_applied(saved: Project, tenancy: Tenancy, part: float) -> None:
    file = saved.path / FILE
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * part)])
    refused(saved, tenancy)
