"""What a change makes different, in words that every rendering shows alike. Every text here is safe to stand on a line of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.core import Change, InterpolatedText, Lifetime
from genai_iac.render.common.attribute_values import is_known, moment, read_moment, symbol
from genai_iac.render.common.sanitize import dotted, escape_control, quoted
from genai_iac.render.plan.context import PlanContext
from genai_iac.render.plan.differences import AttributeDifference, Edit, as_texts, differences

UNKNOWN = "(known after apply)"  # Terraform's words
_VALUE_LIMIT = 2000  # characters of one value; the JSON plan has all of them
_TEXT_LIMIT = 8000  # a statement is shown whole, unless it is none


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """One attribute by its path, and what becomes of it: one edit of a value, or the edits of a list of texts."""

    label: str  # dotted path
    edits: tuple[Edit, ...]
    texts: bool = False  # a list of statements or other texts


def shown_differences(change: Change, around: PlanContext) -> list[ShownDifference]:
    """The differences of the change as words. A forgotten resource stays as it is, so it has none."""
    if "forget" in change.actions:
        return []
    return [
        ShownDifference(dotted(difference.path), tuple(_edits(change, difference, around)), difference.texts)
        for difference in differences(change)
    ]


def show_value(value: Any, names: Mapping[str, str]) -> str:
    """One value: a text quoted, an OCID after what people call it, `(known after apply)` after what is not known yet."""
    if not is_known(value):
        return f"{escape_control(symbol(value), _VALUE_LIMIT)} {UNKNOWN}"
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    when = read_moment(value)
    if when:
        return moment(when)
    if isinstance(value, InterpolatedText):
        return quoted(symbol(value), _VALUE_LIMIT)
    if isinstance(value, str):
        name = f"{quoted(names[value], _VALUE_LIMIT)} " if value in names else ""
        return name + quoted(value, _VALUE_LIMIT)
    return str(value) if isinstance(value, (int, float, Lifetime)) else quoted(str(value), _VALUE_LIMIT)


def _edits(change: Change, difference: AttributeDifference, around: PlanContext) -> Iterator[Edit]:
    if difference.texts:
        unknown = {symbol(item) for item in difference.after or () if not is_known(item)}
        for edit in around.compare_texts(as_texts(difference.before), as_texts(difference.after)):
            yield _safe(edit, edit.after in unknown)
    else:
        before = None if change.before is None else show_value(difference.before, around.names)
        yield Edit(before, None if change.after is None else show_value(difference.after, around.names))


def _safe(edit: Edit, unknown: bool) -> Edit:
    before = None if edit.before is None else escape_control(edit.before, _TEXT_LIMIT)
    after = None if edit.after is None else escape_control(edit.after, _TEXT_LIMIT) + (f" {UNKNOWN}" if unknown else "")
    return Edit(before, after, escape_control(edit.note, _TEXT_LIMIT))
