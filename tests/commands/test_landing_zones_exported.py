"""Published landing zones: applied, exported, and the exported manifests planned; with the same marks, and adopted one by one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from conftest import SHARED, Project, Tenancy
from plan_apply.landing_zones import read_landing_zone
from plan_apply.sdk_helpers import client, compartments, policies
from plan_apply.test_landing_zones import make_surroundings

SCENARIOS = sorted((SHARED / "data/scenarios").glob("*.json"))
SLICE = SCENARIOS[::7]
SMALL = sorted(SCENARIOS, key=lambda file: file.stat().st_size)[:2]


def _every(slice: list[Path]) -> list[object]:
    return [
        pytest.param(file, id=file.stem[:6], marks=() if file in slice else pytest.mark.matrix) for file in SCENARIOS
    ]


@pytest.mark.skipif(not SCENARIOS, reason="the published landing zones are not beside this checkout")
def test_there_are_landing_zones() -> None:
    assert len(SCENARIOS) >= 28


@pytest.mark.parametrize("scenario", _every(SLICE))
def test_with_the_same_marks_nothing_is_left_to_do(project: Project, tenancy: Tenancy, scenario: Path) -> None:
    _apply(project, tenancy, scenario)
    exported = _export(project)
    tenancy.forget_calls()
    around = _adopt(exported)  # only what was there before the zone
    assert len(tenancy.writes()) == len(around) == len(read_landing_zone(scenario).outside)
    _assert_settled(exported)


@pytest.mark.parametrize("scenario", _every(SMALL))
def test_adopted_one_by_one_nothing_is_left_to_do(project: Project, tenancy: Tenancy, scenario: Path) -> None:
    declared = _apply(project, tenancy, scenario)
    _strip_marks(tenancy)
    exported = _export(project, "--stack", "adopted")
    assert len(_adopt(exported)) == declared + len(read_landing_zone(scenario).outside)
    _assert_settled(exported)


def _adopt(exported: Project) -> list[tuple[str, str]]:
    """Type the import lines that stand in the exported manifests; answers addresses and OCIDs."""
    text = "".join(file.read_text() for file in exported.path.glob("*.yaml"))
    adoptions = re.findall(r"^# adopt it: genai-iac import (\S+) (\S+)$", text, re.MULTILINE)
    for address, ocid in adoptions:
        exported.run("import", address, ocid)
    return adoptions


def _assert_settled(exported: Project) -> None:
    assert exported.run("plan").out.rstrip().endswith("No changes.")
    assert exported.run("fmt", "--check").out == ""


def _apply(project: Project, tenancy: Tenancy, scenario: Path) -> int:
    """Apply the zone; how many resources it declares."""
    zone = read_landing_zone(scenario)
    make_surroundings(tenancy, zone)
    project.environ["GENAI_IAC_LIMIT_STATEMENTS_PER_PATH"] = "10000"
    project.write(zone.manifest())
    project.run("apply", "--auto-approve")
    return len(zone.compartments) + len(zone.policies)


def _export(project: Project, *arguments: str) -> Project:
    project.run("export", "--out", "exported", *arguments)
    shutil.rmtree(project.path / "exported/.schemas")
    return Project(project.path / "exported", project.environ)


def _strip_marks(tenancy: Tenancy) -> None:
    import oci

    identity, models = client(tenancy, "identity"), oci.identity.models
    for id, one in compartments(tenancy).items():
        if one.freeform_tags:
            identity.update_compartment(id, models.UpdateCompartmentDetails(freeform_tags={}))
    for id, one in policies(tenancy).items():
        if one.freeform_tags:
            identity.update_policy(id, models.UpdatePolicyDetails(freeform_tags={}))
