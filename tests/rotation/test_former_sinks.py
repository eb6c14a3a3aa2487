"""A sink that moved: what the old place still shows is read by nobody who asks the declared one, and holds no rotation up."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Project, Tenancy
from crash.stacks import ROTATION

from .rotation_cases import APPLY, KEY, ROTATE, begin, planned_calls, stack, states, use, value, words

MOVED = {"file": {"path": "secrets/two.env"}}
QUIET = {name: text for name, text in ROTATION.items() if name != "verify"}


def move(project: Project, tenancy: Tenancy) -> Path:
    project.write(stack(MOVED, rotation=QUIET))
    assert "is not declared any more and still holds" in words(project.run(*APPLY))
    return project.path / "secrets/two.env"


def step(project: Project) -> str:
    """Where `status` says that the rotation stands."""
    (line,) = (one for one in project.run("status").out.splitlines() if one.startswith(KEY))
    return line.removeprefix(KEY).strip()


def test_a_rotation_after_a_move_ends(project: Project, tenancy: Tenancy) -> None:
    begin(project, rotation=QUIET)
    sink = move(project, tenancy)
    tenancy.advance("1h")
    before = value(sink)
    project.run(*ROTATE)
    assert value(sink) != before and step(project) == "overlap: key-one to be retired"
    assert project.run(*APPLY).out.rstrip().endswith("No changes.")
    tenancy.advance("8d")
    project.run(*APPLY)
    assert states(project) == {"key-one": ("INACTIVE", "inactive"), "key-two": ("ACTIVE", "current")}
    tenancy.advance("60d")
    assert "RenewApiKey" in planned_calls(project)


@pytest.mark.matrix
def test_callers_of_the_old_place_keep_their_value(project: Project, tenancy: Tenancy) -> None:
    old = value(begin(project, rotation=QUIET))
    move(project, tenancy)
    tenancy.advance("1h")
    project.run(*ROTATE)
    for _ in range(3):
        tenancy.advance("4d")
        assert use(tenancy, f"{tenancy.url}/r/us-chicago-1/20231130/actions/v1", old) == 200
        project.run(*APPLY)
        assert step(project) == "overlap: key-one to be retired"
    assert states(project)["key-one"][0] == "ACTIVE"


@pytest.mark.matrix
@pytest.mark.parametrize("moved_first", [False, True], ids=["moved in the overlap", "moved before"])
def test_an_abort_after_a_move_is_not_undone(project: Project, tenancy: Tenancy, moved_first: bool) -> None:
    sink = begin(project, rotation=QUIET)
    if moved_first:
        sink = move(project, tenancy)
    tenancy.advance("1h")
    older = value(sink)
    project.run(*ROTATE)
    if not moved_first:
        sink = move(project, tenancy)
    use(tenancy, f"{tenancy.url}/r/us-chicago-1/20231130/actions/v1", value(sink))
    project.run(*ROTATE, "--abort")
    assert value(sink) == older and step(project) == "rolling back: key-two to be deactivated"
    project.run(*APPLY)
    assert value(sink) == older
    tenancy.advance("2d")
    project.run(*APPLY)
    assert value(sink) == older and states(project)["key-two"][0] == "INACTIVE"
