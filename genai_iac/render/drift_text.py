"""Drift for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from genai_iac.drift import What
from genai_iac.model import Source
from genai_iac.render.drift_report import (
    REFUSED,
    DriftReport,
    detail_lines,
    drift_line,
    refusal_lines,
    title,
    unmanaged_line,
)
from genai_iac.render.foreign import visible
from genai_iac.render.notes import notice_lines
from genai_iac.render.problems import hint_lines
from genai_iac.render.terminal import Terminal, Tone
from genai_iac.render.words import NAME_LIMIT, count, stack_words

_SIGNS: Mapping[What, tuple[str, Tone]] = {
    "changed": ("~", "change"),
    "missing": ("+", "add"),
    "unexpected": ("-", "remove"),
}
_NO_SOURCE = Source("", 0, 0)
_OCID = 255  # columns of a word that is left whole: it is copied


def render_drift_text(report: DriftReport, terminal: Terminal) -> str:
    """What differs, what no call can mend, what a reader should know, and the verdict as the last line."""
    return terminal.join(_lines(report, terminal))


def _lines(report: DriftReport, terminal: Terminal) -> Iterator[str]:
    against = f", against {visible(report.base, NAME_LIMIT)}" if report.base else ""
    tenancy = terminal.elide(visible(report.plan.tenancy, NAME_LIMIT), 36)
    yield from terminal.wrap(f"Stack {stack_words(report.plan)}, tenancy {tenancy}{against}", rest="      ")
    if report.differences:
        yield terminal.paint("- live   + declared", "dim")
    for one in report.differences:
        sign, tone = _SIGNS[one.what]
        source = report.sources.get(one.address, _NO_SOURCE)
        where = f"  {visible(str(source), NAME_LIMIT)}" if source is not _NO_SOURCE else ""
        yield ""
        yield from terminal.wrap(f"{title(one)}{where}", f"  {terminal.paint(sign, tone)} ", "    ")
        for line in detail_lines(one, report.names):
            yield from terminal.wrap(line, "      ", "        ", "remove" if line[0] == "-" else "add")
    yield from _refusals(report, terminal)
    for notice in report.notices:
        yield from ["", *notice_lines(notice, terminal)]
    if report.unmanaged is not None:
        yield from [
            "",
            f"{count(len(report.unmanaged), 'API key')} that nobody declares{':' if report.unmanaged else '.'}",
        ]
        for key in report.unmanaged:
            yield from terminal.wrap(unmanaged_line(key, report.names), "  ", "    ")
    yield ""
    yield terminal.paint(drift_line(report), "strong")


def _refusals(report: DriftReport, terminal: Terminal) -> Iterator[str]:
    if report.refusals:
        yield from ["", *terminal.wrap(REFUSED)]
    for message, hint in map(refusal_lines, report.refusals):
        yield from terminal.wrap(message, "  ", "    ", longest=_OCID)
        yield from (f"  {line}" for line in (hint_lines(hint, terminal) if hint else ()))
