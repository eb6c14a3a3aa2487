"""The merged report of many stacks: one HTML page, JSON, Prometheus text.

The merged report as JSON.
"""

from __future__ import annotations

from dataclasses import asdict

from genai_iac.render.common.json_text import write_json
from genai_iac.repository.stack_results import MergedReport

FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there


def render_report_json(report: MergedReport) -> str:
    """`{"format_version", "code", "stacks": [{..., "secrets": [...]}]}`, indented."""
    stacks = [asdict(stack) for stack in report.stacks]
    return write_json({"format_version": FORMAT_VERSION, "code": report.code, "stacks": stacks}, indent=2) + "\n"
