"""docs/architecture.md and docs/glossary.md name paths that exist, and the packages of the import contract."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("architecture.md", "glossary.md")
CODE = re.compile(r"`([^`\n]+)`|(?<![\w/])(tests/[\w/.]+\.py)")
TOP = ("genai_iac", "tests", "docs", "ci", ".ci", "examples")


def read(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def named_paths(text: str) -> set[str]:
    """Everything in backquotes (or a test file) that looks like a path from the root or from the package."""
    found = (code or bare for code, bare in CODE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)))
    return {one for one in found if re.fullmatch(r"[\w.-]+/[\w./-]*(/|\.\w+)", one)}


def exists(path: str) -> bool:
    return (ROOT / path).exists() if path.partition("/")[0] in TOP else (ROOT / "genai_iac" / path).exists()


def layers() -> set[str]:
    """The packages of the layer contract."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return {name.split(".")[1] for line in contracts[0]["layers"] for name in line.split(" | ")}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_the_page_names_exists(page: str) -> None:
    paths = named_paths(read(page))
    assert len(paths) > 20
    assert sorted(path for path in paths if not exists(path)) == []


def test_modules_listed_inside_a_package_exist() -> None:
    missing = []
    for package, text in re.findall(
        r"^- `(genai_iac/\w+/)`:(.*?)(?=^- |^#)", read("architecture.md"), re.DOTALL | re.MULTILINE
    ):
        missing += [
            package + name for name in re.findall(r"`(\w+(?:\.py|/))`", text) if not (ROOT / package / name).exists()
        ]
    assert missing == []


def test_every_package_is_in_the_map_and_in_the_picture() -> None:
    text = read("architecture.md")
    here = {path.parent.name for path in (ROOT / "genai_iac").glob("*/__init__.py")}
    assert layers() | {"emulator"} == here
    assert {name for name in here if f"| `genai_iac/{name}/` |" not in text} == set()
    picture = text.partition("```")[2].partition("```")[0]
    assert {name for name in here if not re.search(rf"\b{name}\b", picture)} == set()


def test_the_ten_questions_are_answered() -> None:
    table = read("architecture.md").partition("## Where does it go")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\| .*`genai_iac/[\w/.]+`.*\|.*`tests/[\w/.]+`", table, re.MULTILINE)) == 10
