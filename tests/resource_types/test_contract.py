"""What every registered resource type promises: a file in the registry is enough for every verb."""

from __future__ import annotations

import json
from typing import Any

import oci
import pytest
from conftest import ROOT, Project, Tenancy
from plan_apply.manifests import Document, compartment, document, key, stack
from plan_apply.sdk_helpers import APPROVED, apply_exactly, assert_settled, changes, plan

from genai_iac.core import Address
from genai_iac.emulator.services.registry import OPERATIONS as SERVED
from genai_iac.iam_policy.permissions import permissions_of
from genai_iac.import_export.importing import type_of_ocid
from genai_iac.oci_client.sdk_clients import CLIENTS, OPERATIONS
from genai_iac.planning.planned_state import placeholder_ocid
from genai_iac.resource_types import RESOURCE_TYPES

KINDS = sorted(RESOURCE_TYPES)
SAMPLES: dict[str, Document] = {
    "ApiKey": key("one", tags={"a": "b"}),
    "Compartment": compartment("one", parent="home", tags={"a": "b"}),
    "Policy": document(
        "Policy",
        "one",
        {
            "compartment": "home",
            "tags": {"a": "b"},
            "statements": ["allow group Administrators to read policies in compartment id ${Compartment/home.id}"],
        },
    ),
    "Project": document("Project", "one", {"compartment": "home", "tags": {"a": "b"}}),
}
HOME = compartment("home")


def test_every_type_has_a_sample_here() -> None:
    assert sorted(SAMPLES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_its_operations_are_known_everywhere(kind: str) -> None:
    type = RESOURCE_TYPES[kind]
    own = {type.listing.operation, type.get_operation, type.update_operation, type.delete_operation}
    assert own | set(type.life_operations) <= type.operations.keys() <= OPERATIONS.keys()
    served = {one.name: one for one in SERVED}
    for name, operation in type.operations.items():
        module, client = CLIENTS[operation.service]
        assert callable(getattr(getattr(oci, module.removeprefix("oci.")), client).__dict__.get(operation.method)), name
        assert name in served and (name == "GetWorkRequest" or permissions_of(name))
        assert served[name].retry_token == operation.token or name in ("UpdateCompartment",)


def test_what_distinguishes_types_does() -> None:
    for attribute in ("ocid_type", "terraform_type", "export_file", "plural"):
        assert len({getattr(type, attribute) for type in RESOURCE_TYPES.values()}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_its_ocids_show_its_kind(kind: str) -> None:
    assert type_of_ocid(placeholder_ocid(Address(kind, "one"))) == kind
    assert (ROOT / f"schemas/{kind.lower()}.schema.json").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_every_verb_takes_it(kind: str, project: Project, tenancy: Tenancy) -> None:
    address, text = f"{kind}/one", stack(HOME, SAMPLES[kind])
    project.write(text)
    for verb in (("validate",), ("lint",), ("graph",), ("permissions", "apply"), ("schema", kind)):
        project.run(*verb)
    for form in ("text", "markdown", "html", "json", "terraform-json"):
        out = project.run("plan", "--format", form).out
        if form == "terraform-json":
            types = {change["type"] for change in json.loads(out)["resource_changes"]}
            assert RESOURCE_TYPES[kind].terraform_type in types
    apply_exactly(project, tenancy)
    for verb in (("status",), ("expiry",), ("access",), ("drift",)):
        project.run(*verb)
    project.run("snapshot", "--out", "snapshot.json")
    assert project.run("plan", "--snapshot", "snapshot.json", "--format", "json").json["changes"] == []
    assert f"kind: {kind}" in project.run("export", "--full-scan").out
    export_and_import(kind, address, project)
    changed = json.loads(json.dumps(SAMPLES[kind]))
    changed["spec"]["description"] = "Another"
    project.write(stack(HOME, changed))
    assert changes(plan(project))[address]["actions"] == ["update"]
    project.run(*APPROVED)
    assert_settled(project)
    project.run("destroy", "--auto-approve")
    assert all(change["actions"] == ["create"] for change in plan(project)["changes"])


def export_and_import(kind: str, address: str, project: Project) -> None:
    """It is let go (`deletion: retain`), exported as nobody's, and adopted again with the line that export writes."""
    kept: dict[str, Any] = json.loads(json.dumps(SAMPLES[kind]))
    kept["spec"]["deletion"] = "retain"
    project.write(stack(HOME, kept))
    project.run(*APPROVED)
    project.write(stack(HOME))
    project.run(*APPROVED)
    exported = project.run("export", "--full-scan").out
    line = next(line for line in exported.splitlines() if f"genai-iac import {address}" in line)
    project.write(stack(HOME, SAMPLES[kind]))
    project.run("import", *line.split("genai-iac import ")[1].split())
    project.run(*APPROVED)
    assert_settled(project)
