"""The work to find the stacks of a repository, and those that a change touches, grows with their number and no faster."""

from __future__ import annotations

from pathlib import Path

import pytest
from counting import count_calls

from genai_iac.repository.git import Repository
from genai_iac.repository.selection import ChangedFiles
from genai_iac.repository.stacks import find_stacks

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: s}\nspec: {region: us-chicago-1}\n"
FEW, MANY = 12, 96
LINEAR = MANY / FEW * 1.25  # sorting takes a little more


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A directory with few stacks beside each other, and one with many, each with variables that all of its stacks share."""
    made = []
    for count in (FEW, MANY):
        root = tmp_path_factory.mktemp("repository").resolve()
        (root / "all.vars.yaml").write_text("a: b\n")
        for number in range(count):
            (root / f"s{number:03}/environments").mkdir(parents=True)
            (root / f"s{number:03}/stack.yaml").write_text(STACK)
        made.append(root)
    return made


def test_finding_stacks(roots: list[Path]) -> None:
    few, many = (count_calls(lambda root=root: find_stacks(str(root))) for root in roots)  # type: ignore[misc]
    assert many < few * LINEAR
    assert all(len(stack.variable_files) == 1 for stack in find_stacks(str(roots[1])))


@pytest.mark.parametrize("name", ["keys.yaml", "environments/dev.yaml"])
def test_telling_which_stacks_a_change_of_all_touches(roots: list[Path], name: str) -> None:
    def concerned(root: Path, found: list[frozenset[str] | None]) -> None:
        names = [f"{stack.place.relative_to(root)}/{name}" for stack in stacks[root]]
        changed = ChangedFiles(Repository(root), names)
        found.extend(map(changed.environments_of, stacks[root]))

    stacks, found = {root: find_stacks(str(root)) for root in roots}, list[frozenset[str] | None]()
    few, many = (count_calls(lambda root=root: concerned(root, found)) for root in roots)  # type: ignore[misc]
    assert many < few * LINEAR
    assert found == [frozenset({"dev"}) if "dev" in name else None] * (FEW + MANY)
