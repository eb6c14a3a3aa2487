"""Drift for a terminal, for programs, and for an issue: what differs, whose doing it is, and which keys nobody declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from genai_iac.drift import Difference, Leaf, What
from genai_iac.errors import PlanError
from genai_iac.model import Address, LiveResource, Notice, Plan, Source
from genai_iac.render.attributes import known_part, moment, moment_for_people
from genai_iac.render.differences import as_texts, line_edits
from genai_iac.render.foreign import dotted, named, quoted, visible
from genai_iac.render.json_text import write_json
from genai_iac.render.notes import notice_lines
from genai_iac.render.problems import hint_lines
from genai_iac.render.shown import show_value
from genai_iac.render.terminal import Terminal, Tone
from genai_iac.render.words import NAME_LIMIT, count, stack_words

FORMAT_VERSION = "1.0"
_SIGNS: Mapping[What, tuple[str, Tone, str]] = {
    "changed": ("~", "change", "is not as declared"),
    "missing": ("+", "add", "is declared and not there"),
    "unexpected": ("-", "remove", "is there and no manifest declares it"),
}
_WHOSE = {"yours": "yours: the manifests changed", "theirs": "theirs: live changed", "both": "both changed"}
_NO_SOURCE = Source("", 0, 0)
REFUSED = "No call can bring this about; plan and apply refuse until it is put right by hand:"
_UNTOLD = Notice("without --base REF a change of the manifests is not told from one made by hand")
_REFUSAL_LIMIT = 4000  # characters
_OCID = 255  # columns of a word that is left whole: it is copied


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What `drift` found. `unmanaged` None: not asked for."""

    plan: Plan
    base: str | None
    now: datetime
    differences: Sequence[Difference]
    refusals: Sequence[PlanError]  # why plan and apply would not go on
    unmanaged: Sequence[LiveResource] | None
    sources: Mapping[Address, Source]
    names: Mapping[str, str]  # of compartments, by OCID

    @property
    def drifted(self) -> bool:
        """Whether live has changed, as far as can be told."""
        return any(one.is_drift for one in self.differences)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Those of the plan, and that nobody can tell whose doing it is when nothing says how the manifests were."""
        untold = self.differences and self.base is None
        return (*((_UNTOLD,) if untold else ()), *self.plan.notices)


def render_drift(form: str, report: DriftReport, terminal: Terminal) -> str:
    """The report as text, json or markdown."""
    if form == "json":
        return _render_json(report)
    if form == "markdown":
        from genai_iac.render.drift_markdown import render_drift_markdown

        return render_drift_markdown(report)
    return terminal.join(_text_lines(report, terminal))


def drift_line(report: DriftReport) -> str:
    """The verdict: `Drift: 2 changed, 1 missing, 0 unexpected.` or `No drift.`; what is only yours is said apart."""
    drifted = [one for one in report.differences if one.is_drift]
    yours = len(report.differences) - len(drifted)
    rest = f" {count(yours, 'change')} of the manifests not applied yet." if yours else ""
    if report.refusals:
        rest += f" Apply is refused for {count(len(report.refusals), 'reason')}."
    if not drifted:
        return f"No drift.{rest}"
    counts = Counter(one.what for one in drifted)
    return f"Drift: {', '.join(f'{counts[what]} {what}' for what in _SIGNS)}.{rest}"


def title(difference: Difference) -> str:
    """`Policy/x is not as declared (theirs: live changed)`."""
    whose = f" ({_WHOSE[difference.direction]})" if difference.direction else ""
    return f"{named(difference.address)} {_SIGNS[difference.what][2]}{whose}"


def detail_lines(difference: Difference, names: Mapping[str, str]) -> Iterator[str]:
    """What differs, a line a value: `-` live, `+` declared."""
    told = {leaf.direction for leaf in difference.leaves}
    for leaf in difference.leaves:
        whose = f"  ({leaf.direction})" if len(told) > 1 else ""
        for sign, text in _values(leaf, names):
            yield f"{sign} {dotted(leaf.path)}: {text}{whose}"


def refusal_lines(refusal: PlanError) -> tuple[str, str]:
    """Why no call can do it, and what to type or edit (may be empty)."""
    return visible(refusal.message, _REFUSAL_LIMIT), visible(refusal.hint or "", _REFUSAL_LIMIT)


def unmanaged_line(key: LiveResource, names: Mapping[str, str]) -> str:
    """An API key that nobody declares, and where it is."""
    place = visible(names.get(key.compartment, key.compartment), NAME_LIMIT)
    made = f", made {moment_for_people(key.created)}" if key.created else ""
    return f"{quoted(key.name, NAME_LIMIT)} in {place}, {visible(key.region or '', NAME_LIMIT)}{made}: {visible(key.id, NAME_LIMIT)}"


def _values(leaf: Leaf, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(leaf.desired, list) and isinstance(leaf.live, list | None):
        for edit in line_edits(as_texts(leaf.live), as_texts(leaf.desired)):
            yield from (("-", visible(edit.before)),) if edit.before is not None else ()
            yield from (("+", visible(edit.after)),) if edit.after is not None else ()
        return
    yield "-", show_value(leaf.live, names)
    yield "+", show_value(leaf.desired, names)


def _text_lines(report: DriftReport, terminal: Terminal) -> Iterator[str]:
    against = f", against {visible(report.base, NAME_LIMIT)}" if report.base else ""
    tenancy = terminal.elide(visible(report.plan.tenancy, NAME_LIMIT), 36)
    yield from terminal.wrap(f"Stack {stack_words(report.plan)}, tenancy {tenancy}{against}", rest="      ")
    if report.differences:
        yield terminal.paint("- live   + declared", "dim")
    for one in report.differences:
        sign, tone, _ = _SIGNS[one.what]
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


def _render_json(report: DriftReport) -> str:
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
