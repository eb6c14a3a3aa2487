"""No retired word is in code, tests, docs or help; and the figures of the structure are printed by `ci/structure`."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from conftest import load_script

from genai_iac.cli import cli

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", name="structure")
def load_structure() -> ModuleType:
    return load_script("structure")


@pytest.fixture(scope="module")
def measured(structure: ModuleType) -> Any:
    """The goals and their details; measured once, since reading the whole tree takes seconds."""
    return structure.measure()


def test_no_retired_word_is_used(measured: Any) -> None:
    assert measured[1]["retired words"] == []


def test_no_retired_word_is_in_help(structure: ModuleType) -> None:
    words = structure.read_words()
    found = [(name, word.term) for name, text in help_pages(cli, "") for word in words if word.pattern.search(text)]
    assert found == []


def help_pages(command: click.Command, above: str) -> Iterator[tuple[str, str]]:
    """Each command's path and help, the group's own first."""
    context = click.Context(command, info_name=f"{above} {command.name}".strip())
    yield context.info_name or "", command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from help_pages(inner, context.info_name or "")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("both are\nan Odd  word", 2),
        ("# this is an odd\n# word", None),
        ("def test_an_odd_word():", 1),
        ("odd words", None),
        ("unodd word", None),
    ],
)
def test_a_word_is_found_in_any_case_and_across_lines(
    structure: ModuleType, tmp_path: Path, text: str, line: int | None
) -> None:
    (tmp_path / "README.md").write_text(text)
    words = [structure.RetiredWord("odd word", "plain", False)]
    assert [use.line for use in structure.find_uses(tmp_path, words)] == ([] if line is None else [line])


def test_prose_words_are_not_searched_in_identifiers(structure: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "one.py").write_text(
        'oddly = change.oddly["oddly"]\nx = "it was oddly so, as `oddly` says"\n# oddly\n'
    )
    words = [structure.RetiredWord("oddly", "plainly", True)]
    assert [use.line for use in structure.find_uses(tmp_path, words)] == [2, 3]


def test_a_line_of_another_form_is_an_error(structure: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("odd plain\n")
    with pytest.raises(ValueError, match="words:1"):
        structure.read_words(tmp_path / "words")


def test_no_figure_is_worse_than_held(measured: Any) -> None:
    assert [goal for goal in measured[0] if goal.missed] == []
