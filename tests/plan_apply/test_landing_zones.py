"""Landing zones as published: applied, planned again, destroyed; what was there before stays."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import oci
import pytest
from conftest import SHARED, Project, Tenancy

from .landing_zones import LandingZone, read_landing_zone
from .sdk_helpers import APPROVED, apply_exactly, client, compartments, planned_calls, policies

SCENARIOS = sorted((SHARED / "data/scenarios").glob("*.json"))


@pytest.mark.skipif(not SCENARIOS, reason="the published landing zones are not beside this checkout")
def test_there_are_enough_landing_zones() -> None:
    assert len(SCENARIOS) >= 28


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda file: file.stem[:6])
def test_a_landing_zone_comes_and_goes(project: Project, tenancy: Tenancy, scenario: Path) -> None:
    zone = read_landing_zone(scenario)
    make_surroundings(tenancy, zone)
    around = {*compartments(tenancy), *policies(tenancy)}
    project.write(zone.manifest())
    document, _ = apply_exactly(project, tenancy)
    assert planned_calls(document) == Counter(CreateCompartment=len(zone.compartments), CreatePolicy=len(zone.policies))
    project.run("destroy", *APPROVED[1:])
    assert {*compartments(tenancy), *policies(tenancy)} == around


def make_surroundings(tenancy: Tenancy, zone: LandingZone) -> None:
    """The groups and compartments that the zone takes for granted, and the limit that the largest needs."""
    tenancy.settings(limits={"statementsPerPath": 10_000})
    identity, models = client(tenancy, "identity"), oci.identity.models
    theirs = {"compartment_id": tenancy.tenancy, "description": "Theirs"}
    groups = list(zone.named("group"))
    for name in (name for name in groups if "/" not in name):
        identity.create_group(models.CreateGroupDetails(name=name, **theirs))
    in_domains = [name for name in groups if "/" in name]
    tenancy.control("POST", "principals", {"name": "theirs", "groups": in_domains})
    for name in zone.named("dynamic-group"):
        rule = "Any {instance.compartment.id = 'ocid1.compartment.oc1..theirs'}"
        identity.create_dynamic_group(models.CreateDynamicGroupDetails(name=name, matching_rule=rule, **theirs))
    made = {(): tenancy.tenancy}
    for path in zone.outside.values():
        details = models.CreateCompartmentDetails(compartment_id=made[path[:-1]], name=path[-1], description="Around")
        made[path] = identity.create_compartment(details).data.id
