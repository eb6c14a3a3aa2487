"""Drift as an issue or a comment: it always fits, and foreign text in it stays text."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from genai_iac.render.drift_report import (
    REFUSED,
    DriftReport,
    detail_lines,
    drift_line,
    refusal_lines,
    title,
    unmanaged_line,
)
from genai_iac.render.foreign import guard_lines
from genai_iac.render.markdown_parts import code, code_html, fenced, folded, size
from genai_iac.render.words import count, stack_words

LIMIT = 65_536  # bytes: GitHub's limit of an issue's body
_RESERVE = 512  # for the sentence that says what was left out


def render_drift_markdown(report: DriftReport, limit: int = LIMIT) -> str:
    """At most `limit` bytes: details are left out resource by resource, then lines; the verdict always stays."""
    against = f", against {code(report.base)}" if report.base else ""
    owner = f"{report.plan.stack}@{report.plan.environment}" if report.plan.environment else report.plan.stack
    head = [
        f"<!-- genai-iac drift {quote(owner[:128], safe='@', errors='replace')} -->",
        f"### {drift_line(report)}",
        f"Stack {code(stack_words(report.plan), 130)}, tenancy {code(report.plan.tenancy)}{against}",
    ]
    room = limit - _RESERVE - sum(size(part) + 2 for part in head)
    blocks = [*_refusals(report), *_differences(report), *_notices(report), *_unmanaged(report)]
    return guard_lines("\n\n".join((*head, *_fit(blocks, room))) + "\n")


def _refusals(report: DriftReport) -> list[tuple[str, str]]:
    if not report.refusals:
        return []
    lines = [f"**{REFUSED}**"]
    for message, hint in map(refusal_lines, report.refusals):
        lines.append(f"- {code(message, None)}" + (f"; next: {code(hint, None)}" if hint else ""))
    return [(line, line) for line in lines]


def _differences(report: DriftReport) -> list[tuple[str, str]]:
    """Each as a block with its detail, and as the one line that stands for it when that does not fit."""
    blocks = []
    for one in report.differences:
        lines, line = list(detail_lines(one, report.names)), f"- {code(title(one), None)}"
        blocks.append((folded(code_html(title(one), None), fenced(lines, "diff")) if lines else line, line))
    return blocks


def _notices(report: DriftReport) -> list[tuple[str, str]]:
    lines = [f"- {code(notice.text, 2000)}" for notice in report.notices]
    return [(line, line) for line in lines]


def _unmanaged(report: DriftReport) -> list[tuple[str, str]]:
    if not report.unmanaged:
        return []
    head = f"**{count(len(report.unmanaged), 'API key')} that nobody declares**"
    lines = [head, *(f"- {code(unmanaged_line(key, report.names), None)}" for key in report.unmanaged)]
    return [(line, line) for line in lines]


def _fit(blocks: Sequence[tuple[str, str]], room: int) -> list[str]:
    parts: list[str] = []
    for index, (block, line) in enumerate(blocks):
        part = block if size(block) + 2 <= room else line
        if size(part) + 2 > room:
            return [
                *parts,
                f"{count(len(blocks) - index, 'more line')} left out to fit; the text and JSON forms have them.",
            ]
        parts.append(part)
        room -= size(part) + 2
    return parts
