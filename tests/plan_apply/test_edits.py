"""Each kind of edit is the calls that its case file names, on the same OCID, and then there is nothing left to do.

A case has `kind`, the specs `before` and `after`, and the `calls`; `actions` (default: update) and `mark` (default: ~)
are how the plan tells it, and `reason` where a case says which it is to be.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project, Tenancy

from .sdk_helpers import apply_exactly, compartments, keys, planned_calls, policies, projects

CASES = sorted((Path(__file__).parent / "edits").glob("*.yaml"))
AROUND = [
    {"kind": "Stack", "metadata": {"name": "loop"}, "spec": {"region": "us-chicago-1", "tags": {"owner": "loop"}}},
    {"kind": "Compartment", "metadata": {"name": "home"}, "spec": {"name": "loop-home"}},
    {"kind": "Compartment", "metadata": {"name": "other"}, "spec": {"name": "loop-other"}},
    {"kind": "ApiKey", "metadata": {"name": "app"}, "spec": {"compartment": "home", "secrets": [{"name": "key-one"}]}},
]


@pytest.mark.regions("eu-frankfurt-1")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_an_edit_is_the_calls_it_names(project: Project, tenancy: Tenancy, case: Path) -> None:
    edit = read_case(case)
    project.write(manifest(edit["kind"], edit["before"]))
    project.run("apply", "--auto-approve")
    before = ids(tenancy)
    project.write(manifest(edit["kind"], edit["after"]))
    document, text = apply_exactly(project, tenancy)
    assert planned_calls(document) == Counter(edit["calls"])
    assert_reported(document, edit, before)
    assert_marked(text, edit)
    if not edit.get("replaced"):
        assert ids(tenancy) == before


def assert_reported(document: dict[str, Any], edit: dict[str, Any], before: set[str]) -> None:
    """The plan names the edited resource alone, names its OCID and says with the right words what happens."""
    if changes_nothing(edit):
        assert document["changes"] == []
        return
    (change,) = document["changes"]
    assert change["address"] == f"{edit['kind']}/edited"
    assert change["calls"] == edit["calls"]
    assert change["actions"] == edit.get("actions", ["delete", "create"] if edit.get("replaced") else ["update"])
    assert change["id"] in before
    assert change["reason"] and change["reason"] == edit.get("reason", change["reason"])


def assert_marked(text: str, edit: dict[str, Any]) -> None:
    """The line of the resource begins with the mark."""
    marks = [line.split()[0] for line in text.splitlines() if f"{edit['kind']}/edited" in line]
    assert marks[:1] == ([] if changes_nothing(edit) else [edit.get("mark", "-/+" if edit.get("replaced") else "~")])


def changes_nothing(edit: dict[str, Any]) -> bool:
    return not edit["calls"] and "actions" not in edit


def read_case(case: Path) -> dict[str, Any]:
    """A case, every scalar as it is written."""
    return dict(yaml.load(case.read_text(), yaml.BaseLoader))


def manifest(kind: str, spec: dict[str, Any]) -> str:
    edited = {"kind": kind, "metadata": {"name": "edited"}, "spec": spec}
    return yaml.safe_dump_all([{"apiVersion": "genai-iac/v1", **document} for document in (*AROUND, edited)])


def ids(tenancy: Tenancy) -> set[str]:
    """Everything that lives."""
    return {
        *compartments(tenancy),
        *policies(tenancy),
        *projects(tenancy),
        *keys(tenancy, "us-chicago-1", "eu-frankfurt-1"),
    }
