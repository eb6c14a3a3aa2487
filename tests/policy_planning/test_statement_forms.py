"""The forms of statements that OCI knows: read, printed back to the same meaning, planned and applied, domains included."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Project, Tenancy

from genai_iac.iam_policy import PolicySyntaxError, Template, parse, unparse

from .stacks import stack

FORMS = (Path(__file__).parents[1] / "iam_policy" / "cases" / "statement_forms.txt").read_text("utf-8").splitlines()
DOMAINS = [
    "allow group 'Default'/'A' to read generative-ai-family in tenancy",
    "allow group Default/B to read generative-ai-family in tenancy",
    "allow group OracleIdentityCloudService/mygroup to manage groups in tenancy",
    "allow group 'My Domain'/'Some Group' to read generative-ai-family in tenancy",
]


@pytest.mark.parametrize("text", FORMS)
def test_a_form_is_read_and_printed_back(text: str) -> None:
    if '"' in text:
        with pytest.raises(PolicySyntaxError) as refused:
            parse(text)
        assert "single quotes" in str(refused.value.hint)
        return
    if "${" in text:
        assert parse(Template.parse(text).example())
        return
    assert parse(unparse(parse(text))) == parse(text)


def test_groups_of_domains_are_planned_with_a_note_and_applied_where_they_are(
    project: Project, tenancy: Tenancy
) -> None:
    tenancy.control("POST", "principals", {"name": "u1", "groups": ["A", "B"]})
    project.write(stack(DOMAINS))
    shown = project.run("plan", code=None)
    reported = " ".join((shown.out + shown.err).split())
    assert "OracleIdentityCloudService/mygroup" in reported
    groups = ["OracleIdentityCloudService/mygroup", "My Domain/Some Group"]
    tenancy.control("POST", "principals", {"name": "u2", "groups": groups})
    project.run("apply", "--auto-approve")
    assert "No changes" in project.run("plan").out


@pytest.mark.parametrize("written_before", [False, True], ids=["create", "update"])
def test_a_tenancy_without_deny_statements_names_the_setting(
    project: Project, tenancy: Tenancy, written_before: bool
) -> None:
    statements = ["allow any-group to inspect compartments in tenancy"]
    if written_before:
        project.write(stack(statements))
        project.run("apply", "--auto-approve")
    project.write(stack([*statements, "deny any-group to manage policies in tenancy"]))
    notice = "no policy that was read has any: OCI refuses them until an administrator turns them on"
    assert notice in " ".join(project.run("plan").out.split())
    refused = project.run("apply", "--auto-approve", code=4)
    assert "turns them on for the whole tenancy" in " ".join((refused.out + refused.err).split())
    tenancy.settings(denyStatements=True)
    project.run("apply", "--auto-approve")
    project.write(stack([*statements, "Deny any-group to manage users in tenancy"]))
    assert notice not in " ".join(project.run("plan").out.split()), "one that exists shows that they are on"
    project.run("apply", "--auto-approve")
    assert "No changes" in project.run("plan").out
