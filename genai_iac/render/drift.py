"""Drift in its three forms, by name."""

from __future__ import annotations

from genai_iac.render.drift_report import DriftReport
from genai_iac.render.terminal import Terminal


def render_drift(form: str, report: DriftReport, terminal: Terminal) -> str:
    """The report as text, json or markdown."""
    if form == "json":
        from genai_iac.render.drift_json import render_drift_json

        return render_drift_json(report)
    if form == "markdown":
        from genai_iac.render.drift_markdown import render_drift_markdown

        return render_drift_markdown(report)
    from genai_iac.render.drift_text import render_drift_text

    return render_drift_text(report, terminal)
