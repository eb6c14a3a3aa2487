"""The three output formats of drift, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from genai_iac.analysis.drift import ResourceDrift, What
from genai_iac.core import LiveResource, Source
from genai_iac.render.common.attribute_values import is_known, known_part, moment, symbol
from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.markup import code_html, fenced, folded, md_code, size
from genai_iac.render.common.phrases import NAME_LIMIT, count, notice_lines, stack_words
from genai_iac.render.common.sanitize import escape_control, guard_lines
from genai_iac.render.common.terminal import Terminal, Tone
from genai_iac.render.drift import REFUSED, DriftReport, detail_lines, drift_line, refusal_lines, title, unmanaged_line
from genai_iac.render.errors import hint_lines

FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there


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


def _document(one: ResourceDrift) -> dict[str, Any]:
    differences = [
        {
            "path": ".".join(leaf.path),
            "live": known_part(leaf.live),
            "desired": known_part(leaf.desired) if is_known(leaf.desired) else symbol(leaf.desired),
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


LIMIT = 65_536  # bytes: GitHub's limit of an issue's body
_RESERVE = 512  # for the sentence that says what was left out


def render_drift_markdown(report: DriftReport, limit: int = LIMIT) -> str:
    """At most `limit` bytes: details are left out resource by resource, then lines; the verdict always stays."""
    against = f", against {md_code(report.base)}" if report.base else ""
    owner = f"{report.plan.stack}@{report.plan.environment}" if report.plan.environment else report.plan.stack
    head = [
        f"<!-- genai-iac drift {quote(owner[:128], safe='@', errors='replace')} -->",
        f"### {drift_line(report)}",
        f"Stack {md_code(stack_words(report.plan), 130)}, tenancy {md_code(report.plan.tenancy)}{against}",
    ]
    space = limit - _RESERVE - sum(size(part) + 2 for part in head)
    blocks = [*_refusals(report), *_differences(report), *_notices(report), *_unmanaged(report)]
    return guard_lines("\n\n".join((*head, *_fit(blocks, space))) + "\n")


def _refusals(report: DriftReport) -> list[tuple[str, str]]:
    if not report.refusals:
        return []
    lines = [f"**{REFUSED}**"]
    for message, hint in map(refusal_lines, report.refusals):
        lines.append(f"- {md_code(message, None)}" + (f"; next: {md_code(hint, None)}" if hint else ""))
    return [(line, line) for line in lines]


def _differences(report: DriftReport) -> list[tuple[str, str]]:
    """Each as a block with its detail, and as the one line that stands for it when that does not fit."""
    blocks = []
    for one in report.differences:
        lines, line = list(detail_lines(one, report.names)), f"- {md_code(title(one), None)}"
        blocks.append((folded(code_html(title(one), None), fenced(lines, "diff")) if lines else line, line))
    return blocks


def _notices(report: DriftReport) -> list[tuple[str, str]]:
    lines = [f"- {md_code(notice.text, 2000)}" for notice in report.notices]
    return [(line, line) for line in lines]


def _unmanaged(report: DriftReport) -> list[tuple[str, str]]:
    if not report.unmanaged:
        return []
    head = f"**{count(len(report.unmanaged), 'API key')} that no manifest declares**"
    lines = [head, *(f"- {md_code(unmanaged_line(key, report.names), None)}" for key in report.unmanaged)]
    return [(line, line) for line in lines]


def _fit(blocks: Sequence[tuple[str, str]], space: int) -> list[str]:
    parts: list[str] = []
    for index, (block, line) in enumerate(blocks):
        part = block if size(block) + 2 <= space else line
        if size(part) + 2 > space:
            return [
                *parts,
                f"{count(len(blocks) - index, 'more line')} left out to fit; the text and JSON forms have them.",
            ]
        parts.append(part)
        space -= size(part) + 2
    return parts


_SIGNS: Mapping[What, tuple[str, Tone]] = {  # as in a plan that would undo the drift
    "changed": ("~", "change"),
    "missing": ("+", "add"),
    "unexpected": ("-", "remove"),
}
_NO_SOURCE = Source("", 0, 0)  # live resources that no manifest declares
_OCID = 255  # columns of a word that is left whole: it is copied


def render_drift_text(report: DriftReport, terminal: Terminal) -> str:
    """What differs, what no call can fix, what a reader should know, and the verdict as the last line."""
    return terminal.join(_lines(report, terminal))


def _lines(report: DriftReport, terminal: Terminal) -> Iterator[str]:
    against = f", against {escape_control(report.base, NAME_LIMIT)}" if report.base else ""
    tenancy = terminal.elide(escape_control(report.plan.tenancy, NAME_LIMIT), 36)
    yield from terminal.wrap(f"Stack {stack_words(report.plan)}, tenancy {tenancy}{against}", rest="      ")
    if report.differences:
        yield terminal.paint("- live   + declared", "dim")
    for one in report.differences:
        sign, tone = _SIGNS[one.what]
        source = report.sources.get(one.address, _NO_SOURCE)
        where = f"  {escape_control(str(source), NAME_LIMIT)}" if source is not _NO_SOURCE else ""
        yield ""
        yield from terminal.wrap(f"{title(one)}{where}", f"  {terminal.paint(sign, tone)} ", "    ")
        for line in detail_lines(one, report.names):
            yield from terminal.wrap(line, "      ", "        ", "remove" if line[0] == "-" else "add")
    yield from _refusals_drift_text(report, terminal)
    for notice in report.notices:
        yield from ["", *notice_lines(notice, terminal)]
    if report.unmanaged is not None:
        yield from [
            "",
            f"{count(len(report.unmanaged), 'API key')} that no manifest declares{':' if report.unmanaged else '.'}",
        ]
        for key in report.unmanaged:
            yield from terminal.wrap(unmanaged_line(key, report.names), "  ", "    ", longest=_OCID)
    yield ""
    yield terminal.paint(drift_line(report), "strong")


def _refusals_drift_text(report: DriftReport, terminal: Terminal) -> Iterator[str]:
    if report.refusals:
        yield from ["", *terminal.wrap(REFUSED)]
    for message, hint in map(refusal_lines, report.refusals):
        yield from terminal.wrap(message, "  ", "    ", longest=_OCID)
        yield from (f"  {line}" for line in (hint_lines(hint, terminal) if hint else ()))


def render_drift(form: str, report: DriftReport, terminal: Terminal) -> str:
    """The report as text, json or markdown."""
    if form == "json":
        return render_drift_json(report)
    if form == "markdown":
        return render_drift_markdown(report)

    return render_drift_text(report, terminal)
