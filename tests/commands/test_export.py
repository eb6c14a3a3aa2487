"""`export`: a whole compartment as manifests, with names for OCIDs; imported, they leave nothing to do."""

from __future__ import annotations

import json
import re
import tempfile

import oci
from conftest import Project, Tenancy
from plan_apply.sdk_helpers import compartments, keys, named
from plan_apply.test_ownership import make_compartment, make_key, make_policy

FILES = [".schemas/document.schema.json", "compartments.yaml", "keys.yaml", "policies.yaml", "stack.yaml"]


def exported(project: Project, tenancy: Tenancy) -> Project:
    """A compartment with one of each that nobody marked, exported into a folder of its own; another one stays out."""
    home = make_compartment(tenancy, "home")
    make_compartment(tenancy, "inner", parent=home)
    make_policy(tenancy, home, "rules")
    make_key(tenancy, home, "app")
    make_compartment(tenancy, "elsewhere")
    tenancy.forget_calls()
    project.run("--region", "us-chicago-1", "export", "--compartment", "/home", "--out", "exported")
    assert tenancy.writes() == []
    return Project(project.path / "exported", project.environ)


def test_each_kind_has_a_file_with_the_header_of_its_schema(project: Project, tenancy: Tenancy) -> None:
    folder = exported(project, tenancy).path
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == FILES
    for file in folder.glob("*.yaml"):
        assert file.read_text().startswith("# yaml-language-server: $schema=.schemas/document.schema.json\n")
    assert "$schema" in json.loads((folder / FILES[0]).read_text())


def test_ocids_have_names_and_what_lies_elsewhere_is_left_out(project: Project, tenancy: Tenancy) -> None:
    folder = exported(project, tenancy).path
    text = "".join(file.read_text() for file in folder.glob("*.yaml"))
    said = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    assert set(re.findall(r"ocid1\.\w+", said)) == {"ocid1.tenancy"}
    assert "compartment id ${Compartment/home.id}" in said
    assert "elsewhere" not in text and "sk-" not in text


def test_imported_they_leave_nothing_to_do(project: Project, tenancy: Tenancy) -> None:
    stack = exported(project, tenancy)
    text = "".join(file.read_text() for file in stack.path.glob("*.yaml"))
    for address, ocid in re.findall(r"^# adopt it: genai-iac import (\S+) (\S+)$", text, re.MULTILINE):
        stack.run("import", address, ocid)
    assert sorted(tenancy.writes()) == ["UpdateApiKey", "UpdateCompartment", "UpdateCompartment", "UpdatePolicy"]
    assert stack.run("plan").out.endswith("No changes.\n")


def test_the_note_says_how_to_look_in_every_region(project: Project, tenancy: Tenancy) -> None:
    assert "--full-scan" in project.run("export").err
    assert "--full-scan" not in project.run("export", "--full-scan").err


def test_of_two_with_one_mark_one_is_left_out_and_it_says_why(applied: Project, tenancy: Tenancy) -> None:
    """In words that are true outside: the folder in which the manifests were tried is gone by then."""
    mark = named(keys(tenancy), "app").freeform_tags
    make_key(tenancy, named(compartments(tenancy), "chat").id, "copy", tags=mark)
    said = applied.run("export", "--full-scan").out
    assert said.count("no manifest can declare it: ApiKey/app is declared twice; first at keys.yaml:") == 1
    assert tempfile.gettempdir() not in said


def test_nothing_is_overwritten(project: Project, tenancy: Tenancy) -> None:
    stack = exported(project, tenancy)
    before = {file: file.read_text() for file in stack.path.glob("*.yaml")}
    project.run("export", "--out", "exported", code=1)
    assert {file: file.read_text() for file in stack.path.glob("*.yaml")} == before


def test_a_line_to_adopt_names_the_environment_of_the_export(project: Project, tenancy: Tenancy) -> None:
    """Without it the tag would name the stack without an environment."""
    make_key(tenancy, make_compartment(tenancy, "home"), "app")
    region = ("--region", "us-chicago-1")
    printed = project.run(*region, "export", "--stack", "own@dev").out
    project.run(*region, "export", "--stack", "own@dev", "--out", "exported")
    stack = Project(project.path / "exported", project.environ)
    lines = [
        sorted(re.findall(r"^# adopt it: genai-iac (.*)$", text, re.MULTILINE))
        for text in (printed, "".join(file.read_text() for file in stack.path.glob("*.yaml")))
    ]
    assert lines[0] == lines[1] and len(lines[0]) == 2
    for line in lines[1]:
        stack.run(*line.split())
    assert stack.run("--env", "dev", "plan").out.endswith("No changes.\n")


def test_a_project_whose_name_looks_like_a_reference(project: Project, tenancy: Tenancy) -> None:
    home = make_compartment(tenancy, "home")
    details = oci.generative_ai.models.CreateGenerativeAiProjectDetails(
        compartment_id=home, display_name="${var.name} $${x}", description="${var.name}"
    )
    ocid = tenancy.client("generative_ai", "us-chicago-1").create_generative_ai_project(details).data.id
    project.run("--region", "us-chicago-1", "export", "--out", "exported")
    stack = Project(project.path / "exported", project.environ)
    stack.run("import", "Compartment/home", home)
    stack.run("import", "Project/var-name-x", ocid)
    assert stack.run("plan").out.endswith("No changes.\n")
