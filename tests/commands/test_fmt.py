"""`fmt` over every example and good manifest, written badly: what they say and their comments stay; a second run changes nothing."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Project

from genai_iac.core import Resource
from genai_iac.formatting.lines import find_comments
from genai_iac.manifest import load

FOLDERS = [ROOT / "tests/manifest/good", *sorted(file.parent for file in (ROOT / "examples").glob("*/stack.yaml"))]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def untidy(request: pytest.FixtureRequest, offline: Project) -> Project:
    """The manifests with a comment, and blank lines and a document's keys where they do not belong."""
    shutil.copytree(request.param, offline.path, dirs_exist_ok=True)
    for file in manifests(offline):
        body = file.read_text().replace(
            "apiVersion: genai-iac/v1\nkind: Policy\n", "kind: Policy\napiVersion: genai-iac/v1\n"
        )
        file.write_text("# kept\n" + body.replace("\nspec:", "\n\n\n\nspec:"))
    return offline


MODELINE = "yaml-language-server"


def manifests(project: Project) -> list[Path]:
    return sorted(project.path.rglob("*.yaml"))


def texts(project: Project) -> list[str]:
    return [file.read_text() for file in manifests(project)]


def environment(project: Project) -> str | None:
    return "dev" if (project.path / "environments/dev.yaml").exists() else None


def test_check_reports_and_writes_nothing(untidy: Project) -> None:
    before = texts(untidy)
    assert untidy.run("fmt", "--check", code=2).out.strip()
    assert texts(untidy) == before


@pytest.mark.parametrize("text, code", [("a: {}\nkind: x\n", 2), ("kind: x\na: {}\n", 0)])
def test_a_check_of_standard_input_prints_no_copy_of_it(
    offline: Project, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert offline.run("fmt", "--check", "-", code=code).out == ""


def test_a_second_run_changes_nothing(untidy: Project) -> None:
    before = texts(untidy)
    untidy.run("fmt")
    once = texts(untidy)
    assert once != before
    assert untidy.run("fmt").out == untidy.run("fmt", "--check").out == ""
    assert texts(untidy) == once


def test_comments_are_kept(untidy: Project) -> None:
    before = [sorted(find_comments(text)) for text in texts(untidy)]
    untidy.run("fmt")
    after = [sorted(find_comments(text)) for text in texts(untidy)]
    # modelines alone are added: each document gets that of its file
    assert [sorted(set(comments)) for comments in after] == [sorted(set(comments)) for comments in before]
    assert [[one for one in comments if MODELINE not in one] for comments in after] == [
        [one for one in comments if MODELINE not in one] for comments in before
    ]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_check_accepts_missing_modelines_and_fmt_adds_them(offline: Project, ends: str, mark: str) -> None:
    # Report 13: a canonical file whose first document alone has the modeline, in a Windows checkout.
    document = "apiVersion: genai-iac/v1\nkind: Compartment\nmetadata: {name: NAME}\nspec:\n  description: A\n"
    text = f"# {MODELINE}: $schema=document.schema.json\n{document.replace('NAME', 'a')}---\n{document.replace('NAME', 'b')}"
    file = offline.path / "a.yaml"
    file.write_bytes((mark + text.replace("\n", ends)).encode())
    assert offline.run("fmt", "--check").out == ""
    assert offline.run("fmt").out == "a.yaml\n"
    assert file.read_bytes().decode().count(MODELINE) == 2 and (b"\r" in file.read_bytes()) == (ends != "\n")
    file.write_bytes(file.read_bytes().replace(b"metadata: {name: b}", b"metadata:   {name: b}"))
    assert offline.run("fmt", "--check", code=2).out == "a.yaml\n"


def test_the_resources_are_the_same(untidy: Project) -> None:
    before = load(str(untidy.path), environment=environment(untidy)).resources
    untidy.run("fmt")
    after = load(str(untidy.path), environment=environment(untidy)).resources
    assert before.keys() == after.keys()
    assert [said(one) for one in after.values()] == [said(one) for one in before.values()]


def said(resource: Resource) -> dict[str, Any]:
    """Everything but the lines it stands in."""
    return {name: getattr(resource, name) for name in resource.__struct_fields__ if name not in ("source", "places")}
