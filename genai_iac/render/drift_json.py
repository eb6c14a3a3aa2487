"""Drift for programs."""

from __future__ import annotations

from typing import Any

from genai_iac.drift import Difference
from genai_iac.model import LiveResource
from genai_iac.render.attributes import known_part, moment
from genai_iac.render.drift_report import DriftReport
from genai_iac.render.json_text import write_json

FORMAT_VERSION = "1.0"


def render_drift_json(report: DriftReport) -> str:
    """The report as a JSON document."""
    document = {
        "format_version": FORMAT_VERSION,
        "stack": report.plan.stack,
        "environment": report.plan.environment,
        "tenancy": report.plan.tenancy,
        "base": report.base,
        "now": moment(report.now),
        "drift": report.drifted,
        "resources": [_document(one) for one in report.differences],
        "refusals": [{"message": refusal.message, "hint": refusal.hint} for refusal in report.refusals],
        "unmanaged": None if report.unmanaged is None else [_key(key) for key in report.unmanaged],
        "notices": [notice.text for notice in report.notices],
    }
    return write_json(document, indent=2) + "\n"


def _document(one: Difference) -> dict[str, Any]:
    differences = [
        {
            "path": ".".join(leaf.path),
            "live": known_part(leaf.live),
            "desired": known_part(leaf.desired),
            "direction": leaf.direction,
        }
        for leaf in one.leaves
    ]
    return {
        "address": str(one.address),
        "kind": one.address.kind,
        "id": one.id,
        "what": one.what,
        "direction": one.direction,
        "differences": differences,
    }


def _key(key: LiveResource) -> dict[str, Any]:
    return {
        "id": key.id,
        "displayName": key.name,
        "compartmentId": key.compartment,
        "region": key.region,
        "timeCreated": moment(key.created) if key.created else None,
    }
