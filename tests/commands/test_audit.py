"""`--audit FILE`: one JSON line for each write request, of every verb that writes, and never a secret."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Tenancy

from .stacks import STACK

FIELDS = {
    "format_version", "time", "version", "verb", "stack", "environment", "tenancy", "address", "operation", "region",
    "id", "opc_request_id", "status", "approved",
}  # fmt: skip


def lines(project: Project, name: str = "audit.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project.path / name).read_text().splitlines()]


def prepare(project: Project, tenancy: Tenancy) -> None:
    tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
    project.write(STACK)


def test_every_write_of_an_apply_is_a_line(project: Project, tenancy: Tenancy) -> None:
    prepare(project, tenancy)
    planned = project.run("plan", "--json").json["fingerprint"]
    project.run("apply", "--auto-approve", "--audit", "audit.jsonl")
    found = lines(project)
    assert [one["operation"] for one in found if one["status"] < 300] == tenancy.writes()
    assert all(set(one) == FIELDS for one in found)
    assert {one["approved"] for one in found} == {planned}
    assert {one["address"] for one in found} == {"Compartment/chat", "ApiKey/app", "Policy/access"}
    assert all(one["opc_request_id"] and one["verb"] == "apply" and one["stack"] == "chat" for one in found)
    assert all(one["id"].startswith("ocid1.") for one in found if one["status"] < 300)


def test_no_value_is_in_the_file(project: Project, tenancy: Tenancy) -> None:
    prepare(project, tenancy)
    project.run("apply", "--auto-approve", "--audit", "audit.jsonl")
    text = (project.path / "audit.jsonl").read_text()
    values = re.findall(r"OPENAI_API_KEY\w*='?([^'\n]+)", (project.path / "secrets/app.env").read_text())
    assert values
    assert not any(value[4:20] in text for value in values)


def test_the_file_is_private_and_grows(project: Project, tenancy: Tenancy) -> None:
    prepare(project, tenancy)
    project.environ["GENAI_IAC_AUDIT"] = "audit.jsonl"
    project.run("apply", "--auto-approve")
    first = lines(project)
    file = project.path / "audit.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    project.run("destroy", "--auto-approve", "--allow-destroy", "3")
    now = lines(project)
    assert now[: len(first)] == first
    assert {one["verb"] for one in now[len(first) :]} == {"destroy"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_broken_last_line_stays_alone(project: Project, tenancy: Tenancy) -> None:
    prepare(project, tenancy)
    (project.path / "audit.jsonl").write_text('{"half')
    project.run("apply", "--auto-approve", "--audit", "audit.jsonl")
    first, *rest = (project.path / "audit.jsonl").read_text().splitlines()
    assert first == '{"half'
    assert all(json.loads(line) for line in rest)


@pytest.mark.parametrize("what", ["link", "folder link", "directory", "pipe", "absent folder"])
def test_an_unfit_file_is_refused_before_anything_is_written(project: Project, tenancy: Tenancy, what: str) -> None:
    prepare(project, tenancy)
    target, file = project.path / "target", project.path / "audit.jsonl"
    target.mkdir() if what == "folder link" else target.write_text("")
    name = "audit.jsonl"
    match what:
        case "link":
            file.symlink_to(target)
        case "folder link":
            (project.path / "logs").symlink_to(target)
            name = "logs/audit.jsonl"
        case "directory":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case _:
            name = "none/audit.jsonl"
    tenancy.forget_calls()
    ran = project.run("apply", "--auto-approve", "--audit", name, code=1)
    assert "--audit" in ran.err
    assert tenancy.writes() == []


def test_refused_writes_are_lines_too(project: Project, tenancy: Tenancy) -> None:
    prepare(project, tenancy)
    effect = {"status": 409, "code": "Conflict"}
    fault = {"operation": "CreateCompartment", "nth": 1, "count": 1, "when": "before", "effect": effect}
    tenancy.control("POST", "faults", [fault])
    project.run("apply", "--auto-approve", "--audit", "audit.jsonl", code=None)
    creates = [one["status"] for one in lines(project) if one["operation"] == "CreateCompartment"]
    assert creates[0] == 409


def test_import_and_rotate_are_recorded(project: Project, tenancy: Tenancy) -> None:
    prepare(project, tenancy)
    rotating = STACK.replace("  deliverTo:", "  rotation: {every: 60d}\n  deliverTo:").replace("state: inactive, ", "")
    project.write(rotating)
    project.run("apply", "--auto-approve")
    project.run("rotate", "ApiKey/app", "--auto-approve", "--audit", "audit.jsonl")
    assert {(one["verb"], one["address"]) for one in lines(project)} == {("rotate", "ApiKey/app")}
    import oci

    made = tenancy.client("identity").create_policy(
        oci.identity.models.CreatePolicyDetails(
            compartment_id=tenancy.tenancy,
            name="by-hand",
            description="By hand",
            statements=["allow group readers to inspect compartments in tenancy"],
        )
    )
    policy = made.data.id
    added = "---\napiVersion: genai-iac/v1\nkind: Policy\nmetadata: {name: by-hand}\nspec:\n  compartment: /\n"
    added += "  description: By hand\n  statements: [allow group readers to inspect compartments in tenancy]\n"
    project.write(rotating + added)
    project.run("import", "Policy/by-hand", policy, "--audit", "import.jsonl")
    (line,) = lines(project, "import.jsonl")
    assert (line["verb"], line["address"], line["id"]) == ("import", "Policy/by-hand", policy)


def test_json_events_begin_with_the_version_and_name_requests(project: Project, tenancy: Tenancy) -> None:
    prepare(project, tenancy)
    events = [json.loads(line) for line in project.run("apply", "--auto-approve", "--json").out.splitlines()]
    assert events[0]["type"] == "version"
    assert events[0]["version"]
    assert events[0]["fingerprint"].startswith("sha256:")
    for address in ("Compartment/chat", "ApiKey/app", "Policy/access"):
        own = [one for one in events if one.get("address") == address]
        assert [one["type"] for one in own] == ["change_start", "change_complete"]
        assert own[1]["requests"]
        assert all(one["opc_request_id"] for one in own[1]["requests"])
    assert events[-1]["type"] == "summary"


def test_an_approved_fingerprint_is_the_one_that_was_given(project: Project, tenancy: Tenancy) -> None:
    prepare(project, tenancy)
    project.run("plan", "--out", "json=plan.json", "--out", "saved")
    given = json.loads((project.path / "plan.json").read_text())["fingerprint"]
    project.run("apply", "saved", "--audit", "audit.jsonl")
    assert {one["approved"] for one in lines(project)} == {given}
    assert Path(project.path / "audit.jsonl").exists()


def test_a_directory_that_is_missing_is_named(project: Project) -> None:
    project.write("apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: s}\nspec: {region: us-chicago-1}\n")
    ran = project.run("apply", "--auto-approve", "--audit", "logs/audit.jsonl", code=1)
    assert "--audit logs/audit.jsonl: No such file or directory" in ran.err
    assert "make the directory logs first" in ran.err
