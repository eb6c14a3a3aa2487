"""Formats of a drift report. In: a report of `analysis.drift`. Out: text, JSON, Markdown. Must not know: how drift is found.

What `drift` found, and the words for it that every form of the report uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from genai_iac.analysis.drift import Leaf, ResourceDrift, What
from genai_iac.core import Address, LiveResource, Notice, Plan, Source
from genai_iac.core.errors import PlanError
from genai_iac.render.common.attribute_values import moment_for_people
from genai_iac.render.common.phrases import NAME_LIMIT, count
from genai_iac.render.common.sanitize import dotted, escape_control, named, quoted
from genai_iac.render.plan.context import show_value
from genai_iac.render.plan.differences import as_texts, line_edits

REFUSED = "No API call can fix this; plan and apply refuse until it is fixed manually:"
# Also the order of the counts in the verdict.
_WHAT: Mapping[What, str] = {
    "changed": "is not as declared",
    "missing": "is declared and not there",
    "unexpected": "is there and no manifest declares it",
}
# by direction; without a base revision there is none
_WHOSE = {"yours": "yours: the manifests changed", "theirs": "theirs: live changed", "both": "both changed"}
_UNTOLD = Notice("without --base REF a manifest change cannot be distinguished from a manual one")
_REFUSAL_LIMIT = 4000  # characters


class DriftReport(Struct, frozen=True):
    """What `drift` found. `unmanaged` None: not asked for."""

    plan: Plan  # what apply would do
    base: str | None  # git revision; None: manifest changes cannot be distinguished from live changes
    now: datetime  # the service's clock
    differences: Sequence[ResourceDrift]
    refusals: Sequence[PlanError]  # why plan and apply would not go on
    unmanaged: Sequence[LiveResource] | None
    sources: Mapping[Address, Source]  # where each resource is declared
    names: Mapping[str, str]  # of compartments, by OCID

    @property
    def drifted(self) -> bool:
        """Whether live has changed, as far as can be told."""
        return any(one.is_drift for one in self.differences)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Those of the plan, and that nobody can tell whose doing it is when nothing says how the manifests were."""
        unnamed = self.differences and self.base is None
        return (*((_UNTOLD,) if unnamed else ()), *self.plan.notices)


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
    return f"Drift: {', '.join(f'{counts[what]} {what}' for what in _WHAT)}.{rest}"


def title(difference: ResourceDrift) -> str:
    """`Policy/x is not as declared (theirs: live changed)`."""
    whose = f" ({_WHOSE[difference.direction]})" if difference.direction else ""
    return f"{named(difference.address)} {_WHAT[difference.what]}{whose}"


def detail_lines(difference: ResourceDrift, names: Mapping[str, str]) -> Iterator[str]:
    """What differs, a line a value: `-` live, `+` declared."""
    directions = {leaf.direction for leaf in difference.leaves}
    for leaf in difference.leaves:
        whose = f"  ({leaf.direction})" if len(directions) > 1 else ""
        for sign, text in _values(leaf, names):
            yield f"{sign} {dotted(leaf.path)}: {text}{whose}"


def refusal_lines(refusal: PlanError) -> tuple[str, str]:
    """Why no call can do it, and what to type or edit (may be empty)."""
    return escape_control(refusal.message, _REFUSAL_LIMIT), escape_control(refusal.hint or "", _REFUSAL_LIMIT)


def unmanaged_line(key: LiveResource, names: Mapping[str, str]) -> str:
    """An API key that nobody declares, and where it is."""
    place = escape_control(names.get(key.compartment, key.compartment), NAME_LIMIT)
    made = f", made {moment_for_people(key.created)}" if key.created else ""
    region, ocid = escape_control(key.region or "", NAME_LIMIT), escape_control(key.id, NAME_LIMIT)
    return f"{quoted(key.name, NAME_LIMIT)} in {place}, {region}{made}: {ocid}"


def _values(leaf: Leaf, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(leaf.desired, list) and isinstance(leaf.live, list | None):
        for edit in line_edits(as_texts(leaf.live), as_texts(leaf.desired)):
            yield from (("-", escape_control(edit.before)),) if edit.before is not None else ()
            yield from (("+", escape_control(edit.after)),) if edit.after is not None else ()
        return
    yield "-", show_value(leaf.live, names)
    yield "+", show_value(leaf.desired, names)
