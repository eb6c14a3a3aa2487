"""`genai-iac test`: tests of manifests, on snapshots and on an empty tenancy."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from conftest import Project

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec:
  region: us-chicago-1
  variables:
    words: {default: Chat}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: chat}
spec:
  description: ${var.words}
"""


def case(expect: str, more: str = "") -> str:
    return f"tests:\n  - name: a test\n{more}    expect: {expect}\n"


def test_a_new_stack_is_created_on_an_empty_tenancy(offline: Project) -> None:
    offline.write(STACK)
    offline.write(case("{changes: {Compartment/chat: [create]}, calls: [CreateCompartment]}"), "new.test.yaml")
    ran = offline.run("test")
    assert "1 test, 0 failed." in ran.out
    assert "passed over" not in ran.err
    assert "passed over" not in offline.run("validate").err


@pytest.mark.parametrize(
    "expect",
    [
        "{changes: {}}",
        "{changes: {Compartment/other: [create]}}",
        "{calls: []}",
        "{notices: [something]}",
        "{refusals: [something]}",
    ],
)
def test_what_is_not_as_expected_fails_and_says_why(offline: Project, expect: str) -> None:
    offline.write(STACK)
    offline.write(case(expect), "new.test.yaml")
    ran = offline.run("test", "--junit", "junit.xml", code=1)
    assert "1 failed" in ran.out
    suite = ElementTree.parse(offline.path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert suite[0][0].tag == "failure"


def test_a_snapshot_is_what_is_there_and_variables_change_the_plan(project: Project) -> None:
    project.write(STACK, "chat/stack.yaml")
    project.run("apply", "chat", "--auto-approve")
    project.run("snapshot", "chat", "--full-scan", "--out", "live.json")
    more = "    live: ../live.json\n    now: 2030-01-01T00:00:00Z\n"
    project.write(case("{changes: {}}", more), "chat/same.test.yaml")
    changed = more + "    variables: {words: Other}\n"
    project.write(case("{changes: {Compartment/chat: [update]}}", changed), "chat/changed.test.yaml")
    project.write(STACK.partition("---")[0], "removed/stack.yaml")
    removed = "    live: ../live.json\n"
    project.write(case("{refusals: [allow-destroy]}", removed), "removed/removed.test.yaml")
    assert "3 tests, 0 failed." in project.run("test", code=0).out


def test_manifests_that_are_not_valid_are_a_refusal(offline: Project) -> None:
    offline.write(STACK.replace("description", "descriptoin"))
    offline.write(case("{refusals: [descriptoin]}"), "bad.test.yaml")
    offline.run("test")


@pytest.mark.parametrize(
    "text",
    [
        "tests: []",
        "tests: [{name: a}]",
        "tests: [{name: a, expect: {changes: {A/b: [made]}}}]",
        "tests: [{name: a, expect: {}}]",
        "tests: [{name: a, now: tomorrow, expect: {changes: {}}}]",
        "tests: [{name: a, live: none.json, expect: {changes: {}}}]",
        "tests: [",
        "---\ntests: [{name: a, expect: {changes: {}}}]\n---\n{}\n",
    ],
)
def test_a_file_that_is_no_test_is_an_error(offline: Project, text: str) -> None:
    offline.write(STACK)
    offline.write(text, "a.test.yaml")
    ran = offline.run("test", code=1)
    assert ran.err.startswith("Error: ")
    assert "defect" not in ran.err


def test_no_test_file_is_an_error(offline: Project) -> None:
    offline.write(STACK)
    assert "*.test.yaml" in offline.run("test", code=1).err
