"""No function of the tool is called more often than in proportion to the manifests: calls counted at three sizes, no clock.

A plan of 10,000 mixed documents spent half of its time in `preflight/limits.py`, which asked for the compartment of every policy once
for each compartment; totals at sizes that a test can afford hid it, the calls of the one function did not.
"""

from __future__ import annotations

import cProfile
import pstats
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import ROOT, Project, Tenancy
from counting import forget_statements

sys.path.insert(0, str(ROOT))  # in a clone the benchmarks are beside the package

from benchmarks.measuring import LIMITS
from benchmarks.stacks import FAMILIES, write_stack

MANY = 100_000
SIZES = (24, 48, 96)  # below the hundred compartments from which their contents are recorded
NEW = [
    ("validate",),
    ("lint",),
    ("fmt", "--check"),
    ("graph",),
    ("plan",),
    ("plan", "--format", "json"),
    ("plan", "--format", "markdown"),
    ("plan", "--format", "html"),
    ("apply", "--auto-approve"),
]
APPLIED = [
    ("plan",),
    ("access",),
    ("drift",),
    ("status",),
    ("expiry",),
    ("export",),
    ("destroy", "--auto-approve", "--allow-destroy", "9999"),
]


@contextmanager
def counted_calls(calls: Counter[str]) -> Iterator[None]:
    """Count the calls of each function of the package, but the emulator's, in this thread and those that it starts."""
    profiles = [cProfile.Profile()]

    def begin(*_: Any) -> None:  # the first event of a thread; `enable` takes its place
        profiles.append(cProfile.Profile())
        profiles[-1].enable()

    threading.setprofile(begin)
    profiles[0].enable()
    try:
        yield
    finally:
        profiles[0].disable()
        threading.setprofile(None)  # type: ignore[arg-type]
    for profile in profiles:
        profile.create_stats()
        for (file, line, name), (_, count, *_) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
            path = file.partition("/genai_iac/")[2]
            if path and not path.startswith("emulator/"):
                calls[f"{path}:{line} {name}"] += count


def measure(
    project: Project, tenancy: Tenancy, family: str, size: int, verbs: list[tuple[str, ...]]
) -> dict[str, Counter[str]]:
    """The calls of each verb on a new stack of that size, in a new tenancy."""
    shutil.rmtree(project.path / "stack", ignore_errors=True)
    tenancy.control("POST", "reset")
    tenancy.settings(limits=LIMITS)
    identity = tenancy.client("identity")
    for group in write_stack(project.path / "stack", family, size):
        identity.create_group({"compartmentId": tenancy.tenancy, "name": group, "description": "of a policy"})
    found: dict[str, Counter[str]] = {}
    for arguments in verbs:
        found[" ".join(arguments)] = Counter()
        forget_statements()
        with counted_calls(found[" ".join(arguments)]):
            project.run(arguments[0], "stack", *arguments[1:], code=None)
    return found


def excessive(small: Counter[str], middle: Counter[str], large: Counter[str]) -> list[str]:
    """The functions that four times the documents call more than eight times as often, and whose calls grow faster at the second step."""
    return sorted(
        f"{name}: {small[name]}, {middle[name]}, {count}"
        for name, count in large.items()
        if 0
        < small[name]
        <= middle[name]  # what begins beyond a number of documents shows nothing here, and chance comes and goes
        and count > max(8 * small[name], 2 * SIZES[-1])
        and count - middle[name] > 3 * (middle[name] - small[name])
    )


@pytest.mark.parametrize("family", [pytest.param(name, marks=pytest.mark.matrix) for name in FAMILIES])
def test_no_function_is_called_more_than_in_proportion(family: str, project: Project, tenancy: Tenancy) -> None:
    assert_proportional(project, tenancy, family, NEW + APPLIED)


def test_no_function_of_a_plan_and_apply_is_called_more_than_in_proportion(project: Project, tenancy: Tenancy) -> None:
    assert_proportional(project, tenancy, "mixed", [("lint",), ("plan",), ("apply", "--auto-approve")])


def assert_proportional(project: Project, tenancy: Tenancy, family: str, verbs: list[tuple[str, ...]]) -> None:
    names = ("STATEMENTS_PER_PATH", "POLICIES", "STATEMENTS_PER_POLICY")
    project.environ |= {f"GENAI_IAC_LIMIT_{name}": str(MANY) for name in names} | {"GENAI_IAC_ALLOW_FILE_SINKS": "1"}
    runs = [measure(project, tenancy, family, size, verbs) for size in SIZES]
    found = [f"{verb}: {line}" for verb in runs[0] for line in excessive(*(run[verb] for run in runs))]
    assert not found, "\n".join(found)
