"""Every broken manifest through the real commands: exit 1, where and what to do, no traceback, and nobody is called."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, Project, Tenancy

from .sdk_helpers import words

CASES = sorted((ROOT / "tests/manifest/broken").glob("*.yaml"))


def test_there_are_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_broken_manifest_is_refused_with_its_place(project: Project, tenancy: Tenancy, case: Path) -> None:
    shutil.copy(case, project.path / "broken.yaml")
    place = re.search(r"^# (\d+:\d+): ", case.read_text(encoding="utf-8"), re.MULTILINE)
    for verb in ("validate", "plan"):
        ran = project.run(verb, "broken.yaml", code=1)
        assert place and words(f"broken.yaml:{place[1]}:") in words(ran.err)
        assert "Traceback" not in ran.err and "defect" not in ran.err
        assert ran.out == ""
    assert tenancy.calls() == []
