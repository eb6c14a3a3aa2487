"""Every rendering of a plan with every kind of change, whole.

To write the golden files anew: `GENAI_IAC_GOLDEN=write pytest tests/render/test_golden.py`; then read what git says differs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rendered_plans import AROUND, ERRORS, EVERYTHING, NOTHING, OUTCOMES
from renderings import OF_A_PLAN, OF_ERRORS, OF_OUTCOMES

from genai_iac.core import ACTIONS
from genai_iac.render.common.phrases import SIGNS, sign

GOLDEN = Path(__file__).parent / "golden"


def test_the_plan_has_every_kind_of_change() -> None:
    assert {action for change in EVERYTHING.changes for action in change.actions} == set(ACTIONS)
    assert {sign(change) for change in EVERYTHING.changes} == set(SIGNS)


@pytest.mark.parametrize("name", OF_A_PLAN)
def test_plan(name: str) -> None:
    _compare(name, OF_A_PLAN[name](EVERYTHING, AROUND))


@pytest.mark.parametrize("name", OF_A_PLAN)
def test_plan_without_changes(name: str) -> None:
    if not name.startswith("graph"):
        _compare(f"nothing-{name}", OF_A_PLAN[name](NOTHING, AROUND))


@pytest.mark.parametrize("name", OF_OUTCOMES)
def test_outcomes(name: str) -> None:
    _compare(name, OF_OUTCOMES[name](OUTCOMES))


@pytest.mark.parametrize("name", OF_ERRORS)
def test_errors(name: str) -> None:
    _compare(name, OF_ERRORS[name](ERRORS))


def test_no_golden_file_is_left_over() -> None:
    plans = set(OF_A_PLAN) | {f"nothing-{name}" for name in OF_A_PLAN if not name.startswith("graph")}
    assert {file.name for file in GOLDEN.iterdir()} == plans | set(OF_OUTCOMES) | set(OF_ERRORS)


def _compare(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("GENAI_IAC_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8", newline="")
    assert text == file.read_text(encoding="utf-8")
