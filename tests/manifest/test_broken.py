"""Every file in broken/ begins with the problems it has, one a line: place, message, hint. All of them are found, and no others."""

from __future__ import annotations

import re
from io import BytesIO
from itertools import takewhile
from pathlib import Path

import pytest

from genai_iac.core.errors import ManifestError
from genai_iac.manifest import load

BROKEN = Path(__file__).parent / "broken"
CASES = sorted(BROKEN.glob("*.yaml"))
PLACE = re.compile(r"# \d+:\d+: ")


def test_there_are_cases() -> None:
    assert len(CASES) >= 100


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_all_problems_are_reported(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    lines = case.read_text(encoding="utf-8").splitlines()
    expected = [f"{case.name}:{line.removeprefix('# ')}" for line in takewhile(PLACE.match, lines)]
    with pytest.raises(ManifestError) as caught:
        load(case.name)
    assert str(caught.value).splitlines() == expected
    assert expected


def test_a_file_with_hundreds_of_mistakes_shows_the_first() -> None:
    stack = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n"
    document = (
        "---\napiVersion: genai-iac/v1\nkind: Compartment\nmetadata: {name: c%d}\nspec: {nam: 1, descripton: 2}\n"
    )
    with pytest.raises(ManifestError) as caught:
        load("-", stdin=BytesIO((stack + "".join(document % number for number in range(400))).encode()))
    assert len(caught.value.problems) == 100
    assert caught.value.problems[-1].message == "this file has more problems than are shown"


def test_problems_of_several_files_come_together(tmp_path: Path) -> None:
    envelope = "apiVersion: genai-iac/v1\nkind: %s\nmetadata: {name: %s}\nspec: {%s}\n"
    (tmp_path / "a.yaml").write_text(envelope % ("Stack", "chat", "regoin: x"))
    (tmp_path / "b.yml").write_text(envelope % ("Compartment", "One", "name: x"))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.yaml").write_text("kind: ApiKey: c")
    with pytest.raises(ManifestError) as caught:
        load(str(tmp_path))
    assert [Path(problem.source.file).name for problem in caught.value.problems] == ["a.yaml", "b.yml", "c.yaml"]
