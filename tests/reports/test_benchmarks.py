"""The benchmark's exit code and page: what it measured decides, and a missed goal is an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))  # in a clone the benchmarks are beside the package

from benchmarks.__main__ import _finish
from benchmarks.goals import FLOOR_LIST, ONE_POLICY, Results, find_goals
from benchmarks.measuring import Cost

_RUN = """
import sys
from benchmarks import goals
from benchmarks.__main__ import main
goals._REQUESTS = (("flat", "plan, empty", float(sys.argv.pop(1))),)
goals._SMALLEST = 10
main()
"""


def results(plan: float, requests: int) -> Results:
    found: Results = {
        ("start", FLOOR_LIST, 0, 0): Cost(0.4, 1, 50, 2),
        ("start", ONE_POLICY, 0, 0): Cost(plan, 1, 60, 9),
    }
    for size, cpu in ((10, 0.5), (100, 1.0), (1000, 6.0)):
        found["flat", "plan, empty", size, 0] = Cost(cpu, 2, 70, requests)
    return found


@pytest.mark.parametrize(("plan", "requests", "missed"), [(0.5, 5, 0), (0.7, 5, 1), (0.5, 1001, 1), (0.7, 1001, 2)])
def test_a_missed_goal_is_an_error(
    plan: float, requests: int, missed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "performance.md"
    page.write_text(
        "# Before\n<!-- measured: written by python -m benchmarks -->old<!-- end of what was measured -->\nAfter\n"
    )
    with pytest.raises(SystemExit) as ended:
        _finish(results(plan, requests), page)
    assert ended.value.code == (1 if missed else 0)
    assert capsys.readouterr().out.count("MISSED") == missed
    text = page.read_text()
    assert text.startswith("# Before") and text.endswith("After\n") and "old" not in text
    assert text.count("**missed**") == missed and "flat: growth of plan, empty" in text
    assert (tmp_path / "performance" / "flat.svg").read_text().startswith("<svg")


def test_growth_is_a_goal() -> None:
    steep = results(0.5, 5) | {("flat", "plan, empty", 1000, 0): Cost(40.0, 50, 70, 5)}
    assert [goal.reached for goal in find_goals(steep) if "growth" in goal.text] == [False]


@pytest.mark.matrix
@pytest.mark.parametrize(("most", "code"), [("0.9", 0), ("0.1", 1)])
def test_the_command_ends_with_1_when_a_goal_is_missed(most: str, code: int) -> None:
    """Two small stacks, really measured, with a table of goals of its own."""
    command = [sys.executable, "-c", _RUN, most, "--quick", "--families", "flat", "--sizes", "5,20", "--applied", "20"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    goal = next(line for line in ended.stdout.splitlines() if "requests of plan, empty" in line)
    assert goal.startswith("MISSED" if code else "reached"), ended.stdout + ended.stderr
    assert ended.returncode == int("MISSED" in ended.stdout)
