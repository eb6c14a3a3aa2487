"""Against a real tenancy: `GENAI_IAC_LIVE_COMPARTMENT=OCID pytest -m live -s tests/live`. docs/assumptions.md says what it takes."""

from __future__ import annotations

import os

import oci
import pytest

from . import iam_probes, key_probes  # they register their probes
from .lab import Lab, Place
from .ledger import PROBES, render, settle

__all__ = ["iam_probes", "key_probes"]


@pytest.mark.live
def test_the_assumptions_against_a_tenancy(capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab(read_place(), int(os.environ.get("GENAI_IAC_LIVE_CALLS", "400")))
    try:
        verdicts = settle(lab, PROBES)
    finally:
        left = lab.remove_all()
    with capsys.disabled():
        print("\n" + render(verdicts, lab.calls))
    assert left == [], "remove these by hand"
    assert [one for one in verdicts if one.word == "refuted"] == []


def read_place() -> Place:
    """What the environment names. Skips when it names no compartment."""
    compartment = os.environ.get("GENAI_IAC_LIVE_COMPARTMENT")
    if not compartment:
        pytest.skip("GENAI_IAC_LIVE_COMPARTMENT names no compartment")
    file = os.environ.get("GENAI_IAC_LIVE_CONFIG_FILE", oci.config.DEFAULT_LOCATION)
    config = oci.config.from_file(file, os.environ.get("GENAI_IAC_LIVE_PROFILE", oci.config.DEFAULT_PROFILE))
    region = os.environ.get("GENAI_IAC_LIVE_REGION", config["region"])
    return Place(config, compartment, region, os.environ.get("GENAI_IAC_LIVE_MODEL"))
