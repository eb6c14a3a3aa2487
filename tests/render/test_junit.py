"""JUnit XML of lint, validate and test: well-formed whatever the names are, complete, and of the form that CI systems read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest
from conftest import Project

from genai_iac.render.junit import render_junit

# what the schemas in use (Ant's, Jenkins' junit-10.xsd, GitLab's) agree on: the children and the attributes of each element
FORM: dict[str, tuple[set[str], set[str], set[str]]] = {  # children, attributes that have to be there, those that may
    "testsuites": ({"testsuite"}, set(), {"name", "tests", "failures", "errors"}),
    "testsuite": ({"testcase"}, {"name", "tests", "failures", "errors"}, {"skipped", "time", "timestamp", "hostname"}),
    "testcase": ({"failure", "error", "skipped"}, {"name", "classname"}, {"time", "file"}),
    "failure": (set(), {"message", "type"}, set()),
}
NASTY = [
    "plain",
    'a "quoted" <name> & more',
    "]]><x/>",
    "bell \x07, escape \x1b[31m, null \x00",
    "line\nfeed, tab\t, return\r",
    "right to left \u202e, \ufffe, \uffff, lone \ud800",
    "::error::no command",
    "&#0; &amp; &x;",
    "x" * 9000,
]


def read(text: str) -> list[tuple[str, str, str | None]]:
    """File, test and failure of each case, checked against the form."""
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert root.tag == "testsuites" and len(root) == 1
    for element in root.iter():
        children, required, optional = FORM[element.tag]
        assert {child.tag for child in element} <= children and required <= set(element.keys()) <= required | optional
        assert element.tag == "failure" or not (element.text or "").strip()
    (suite,) = root
    failures = [case.find("failure") for case in suite]
    assert (suite.get("tests"), suite.get("errors"), suite.get("skipped")) == (str(len(suite)), "0", "0")
    assert suite.get("failures") == str(sum(one is not None for one in failures))
    for one in failures:
        assert one is None or str(one.text).startswith(str(one.get("message")))
    return [
        (str(case.get("classname")), str(case.get("name")), None if one is None else one.text)
        for case, one in zip(suite, failures, strict=True)
    ]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("differences", [(), ("one",), ("first", "second")])
def test_every_text_is_kept_readable(text: str, differences: Sequence[str]) -> None:
    ((file, name, failure),) = read(render_junit([(text, text, [f"{one} {text}" for one in differences])]))
    assert file == name and re.fullmatch(r"[^\x00-\x1f\x7f\u202e\ud800-\udfff]*", name)
    assert (failure or "").count("\n") == max(0, len(differences) - 1)
    if text.isprintable():
        assert name == text
    assert all(one in (failure or "") for one in differences) and (failure is None) is not bool(differences)


def test_nothing_is_a_suite_too() -> None:
    assert read(render_junit([])) == []


STACK = """apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: wide}
spec:
  description: "a <b> & \\"c\\""
  statements:
    - allow any-user to manage all-resources in tenancy
    - allow group <nobody> to inspect compartments in tenancy where request.user.name = 'a & b'
"""


def test_validate(offline: Project) -> None:
    offline.write(STACK.replace("description", '"descr\\u0007<iption>&"'))
    ran = offline.run("validate", "--format", "junit", code=1)
    text = offline.run("validate", "--format", "json", code=1).json["errors"]
    cases = read(ran.out)
    assert [name for _, name, _ in cases] == [":".join(map(str, one["source"].values())) for one in text]
    assert all(failure and one["message"][:20] in failure for (_, _, failure), one in zip(cases, text, strict=True))
    offline.write(STACK.replace("    - allow group <nobody>", "    # allow group <nobody>"))
    assert [failure for *_, failure in read(offline.run("validate", "--format", "junit").out)] == [None]


def test_lint(offline: Project) -> None:
    offline.write(STACK.replace("    - allow group <nobody>", "    # allow group <nobody>"))
    ran, found = (offline.run("lint", "--format", form, code=None) for form in ("junit", "json"))
    rows = [one for one in found.json["findings"] if not one["ignored"]]
    cases = read(ran.out)
    assert rows and [name.split()[-1] for _, name, _ in cases] == [one["rule"] for one in rows]
    assert [failure is not None for *_, failure in cases] == [one["severity"] == "error" for one in rows]
    assert ran.code == int(any(failure for *_, failure in cases))


def test_manifest_tests(offline: Project) -> None:
    offline.write(STACK.partition("---")[0])
    cases = "".join(
        f"  - {{name: {name!r}, expect: {{changes: {changes}}}}}\n"
        for name, changes in (("fits & <is> empty", "{}"), ("differs ]]>", "{Compartment/no: [create]}"))
    )
    offline.write(f"tests:\n{cases}", "a & b.test.yaml")
    ran = offline.run("test", "--junit", "junit.xml", code=None)
    assert ran.code == 1, ran.err
    written = read((offline.path / "junit.xml").read_text(encoding="utf-8"))
    assert [(file.rpartition("/")[2], name, failure is None) for file, name, failure in written] == [
        ("a & b.test.yaml", "fits & <is> empty", True),
        ("a & b.test.yaml", "differs ]]>", False),
    ]
