"""The documentation site: every link, anchor and menu entry, and the pages that the code writes. `ci/docs` builds it, with Sphinx."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT, load_script


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("docs")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    return load_script("reference")


def test_every_link_leads_somewhere_and_every_page_is_in_the_menu(script: ModuleType) -> None:
    assert list(script.problems(ROOT / "docs")) == []
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples/sink-package/README.md"):
        assert [link for link in script.links(page) if script.broken(page, link, ROOT / "docs")] == []
    assert [title for title, _ in script.sections(ROOT / "docs")] == ["Tutorial", "How to", "Reference", "Explanation"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a](nowhere.md)", "there is no such file"),
        ("[a](index.md#nothing)", "that page has no heading #nothing"),
        ("[a](#nothing)", "that page has no heading #nothing"),
        ("![a](nowhere.svg)", "there is no such file"),
        ("[a](../../outside.md)", "it is outside the repository"),
        ("`[a](nowhere.md)` [b](#a-heading-1) [c](https://example.com/x#y)\n\n## A heading\n\n## `A` heading", ""),
    ],
)
def test_a_broken_link_is_named(script: ModuleType, tmp_path: Path, text: str, said: str) -> None:
    docs = tmp_path / "repository/docs"
    docs.mkdir(parents=True)
    (tmp_path / "outside.md").write_text("")
    (docs / "index.md").write_text("# Index\n\n## Pages\n\n- [one](one.md)\n")
    (docs / "one.md").write_text(f"# One\n\n{text}\n")
    found = list(script.problems(docs))
    assert len(found) == bool(said) and all(said in one and "docs/one.md" in one for one in found), found


def test_a_page_that_is_in_no_menu_is_named(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text("# Index\n\n## Pages\n\n- [one](one.md)\n- [again](one.md)\n")
    (tmp_path / "one.md").write_text("# One\n")
    (tmp_path / "two.md").write_text("# Two\n")
    assert [line.partition(";")[0] for line in script.problems(tmp_path)] == [
        "docs/index.md: one.md is listed 2 times",
        "docs/index.md: two.md is listed 0 times",
    ]


def test_pages_that_the_code_writes_are_current(reference: ModuleType, tmp_path: Path) -> None:
    """When this fails: ci/reference."""
    made = reference.pages()
    assert reference.problems(made, ROOT / "docs/reference") == []
    (tmp_path / "old.md").write_text("")
    said = reference.problems(made, tmp_path)
    assert len(said) == len(made) + 1 and "old.md is made by nothing" in said[-1]


def test_every_verb_flag_and_variable_is_on_them(reference: ModuleType) -> None:
    from genai_iac.cli import cli

    made = reference.pages()
    assert all(f"\n## {verb}" in made["commands.md"] for verb in cli.list_commands(None))  # type: ignore[attr-defined]
    assert reference.unnamed_variables(made["environment-variables.md"]) == set()
    assert reference.unnamed_variables("") != set()


@pytest.mark.matrix
@pytest.mark.skipif(importlib.util.find_spec("myst_parser") is None, reason="the extra docs is not installed")
@pytest.mark.parametrize("harm", ["", "```{toctree}\nnowhere\n```\n"])
def test_the_site_is_built_and_a_warning_ends_it(tmp_path: Path, harm: str) -> None:
    copied = tmp_path / "repository"
    shutil.copytree(
        ROOT, copied, ignore=shutil.ignore_patterns(".venv", ".git", "*.egg-info", "__pycache__", ".*_cache")
    )
    with (copied / "docs/tutorial.md").open("a") as page:
        page.write(harm)
    ran = subprocess.run([sys.executable, copied / "ci/docs", tmp_path / "site"], capture_output=True, text=True)
    assert (ran.returncode == 1) is bool(harm), ran.stdout + ran.stderr
    if not harm:
        assert "Why a rotation loses nothing" in (tmp_path / "site/index.html").read_text()
