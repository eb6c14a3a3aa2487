"""Export of compartments and keys with names that meet once made DNS labels, or that YAML takes for something else.

Reports: oci-landing-zones/terraform-oci-modules-iam pull request 8, oracle/oci-ansible-collection 258.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Project, Tenancy
from plan_apply.test_ownership import make_compartment, make_key, make_policy

FAMILIES = {
    "one label": ("a.b", "a-b", "a_b", "A.-b", "a..b"),
    "long": ("x" * 100, "x" * 99 + "y", "x" * 99 + "_"),
    "YAML words": ("no", "null", "Yes", "on", "off", "true", "y", "N"),
    "YAML numbers": ("010", "1e3", "0x1F", "1_000", ".5", "2026-01-01", "12.30", "0o17", "-1", "-.inf", ".nan", "1"),
    "punctuation": ("-dash-", "_x", ".hidden", "--", "..", "-", "_._"),
    "words of ours": ("compartment", "tenancy", "root", "default", "stack"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_name_is_exported_valid_canonical_and_whole(project: Project, tenancy: Tenancy, family: str) -> None:
    top = make_compartment(tenancy, "Export")
    made = {make_compartment(tenancy, name, parent=top) for name in FAMILIES[family]}
    stack, text = exported(project)
    assert {ocid for _, ocid in adoptions(text)} >= made
    for address, ocid in adoptions(text):
        stack.run("import", address, ocid)
    assert stack.run("plan").out.endswith("No changes.\n")


def test_children_of_one_name_and_keys_that_differ_in_case(project: Project, tenancy: Tenancy) -> None:
    top = make_compartment(tenancy, "Export")
    homes = [make_compartment(tenancy, name, parent=top) for name in ("east", "west")]
    made = {make_compartment(tenancy, "network", parent=home) for home in homes}
    made |= {make_key(tenancy, homes[0], name) for name in ("chat", "Chat", "chat_app", "chat-app", "k" * 255)}
    make_policy(tenancy, homes[1], "P.1")
    stack, text = exported(project)
    assert {ocid for _, ocid in adoptions(text)} >= made
    for address, ocid in adoptions(text):
        stack.run("import", address, ocid)
    assert stack.run("plan").out.endswith("No changes.\n")


def exported(project: Project) -> tuple[Project, str]:
    """The stack of the exported files, which is valid and formatted, and their text."""
    project.run("--region", "us-chicago-1", "export", "--compartment", "/Export", "--out", "out")
    stack = Project(Path(project.path) / "out", project.environ)
    stack.run("validate")
    stack.run("fmt", "--check")
    return stack, "".join(file.read_text() for file in sorted(stack.path.glob("*.yaml")))


def adoptions(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^# adopt it: genai-iac import (\S+) (\S+)$", text, re.MULTILINE)
