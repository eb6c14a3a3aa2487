"""A plan for a terminal: the changes in the order they would be made, then notices, and the counts last."""

from __future__ import annotations

import re
from collections.abc import Iterator

from genai_iac.core import Change, Plan
from genai_iac.render.common.phrases import (
    NAME_LIMIT,
    count,
    human_name,
    join_words,
    loss_words,
    note_lines,
    notice_lines,
    plan_line,
    sign,
    signs_used,
    stack_words,
)
from genai_iac.render.common.sanitize import columns, escape_control, named, quoted
from genai_iac.render.common.terminal import Terminal, Tone
from genai_iac.render.plan.context import PlanContext, ShownDifference, expiry_words, shown_differences
from genai_iac.render.plan.differences import Edit

_INDENT = "      "  # below a change's headline
_DEEPER = _INDENT + "  "
_REASON_LIMIT = 2000  # characters
_WIDEST_LABEL = 26  # longer ones do not push the values of all others to the right
_SHORT_OCID = 38  # columns: what it is, where, and an end that distinguishes it
_OCID = re.compile(r'(?<=")ocid1\.[a-z0-9._-]+(?="$)')
_TONES: dict[str, Tone] = {  # by the sign of a change
    "+": "add",
    "~": "change",
    "-": "remove",
    "-/+": "danger",
    "!": "danger",
    ".": "dim",
    "=": "deliver",
}


def change_lines(change: Change, around: PlanContext, terminal: Terminal) -> list[str]:
    """The lines of one change, none wider than the terminal."""
    return [
        *_headline(change, around, terminal),
        *terminal.wrap(escape_control(change.reason, _REASON_LIMIT), f"{_INDENT}# ", _DEEPER, "dim"),
        *_difference_lines(shown_differences(change, around), terminal),
        *_loss_lines(change, around, terminal),
        *_delivery_lines(change, around, terminal),
        *_call_lines(change, terminal),
    ]


def _headline(change: Change, around: PlanContext, terminal: Terminal) -> Iterator[str]:
    mark = sign(change)
    head, actions = f"{mark:>3} {named(change.address)}", join_words(change.actions)
    name, source = human_name(change), around.sources.get(change.address)
    details = [quoted(name, NAME_LIMIT)] if name is not None and name != change.address.name else []
    details += [escape_control(str(source), NAME_LIMIT)] if source else []
    if columns("  ".join((head, actions, *details))) <= terminal.width:
        painted = (terminal.paint(text, "dim") for text in details)
        yield "  ".join((terminal.paint(head, _TONES[mark]), terminal.paint(actions, "strong"), *painted))
        return
    yield from terminal.wrap(f"{head.lstrip()}  {actions}", " " * (3 - len(mark)), _INDENT, _TONES[mark])
    for text in details:
        yield from terminal.wrap(text, _INDENT, _INDENT, "dim")


def _difference_lines(shown: list[ShownDifference], terminal: Terminal) -> Iterator[str]:
    widths = [columns(one.label) for one in shown if not one.texts]
    width = max((width for width in widths if width <= _WIDEST_LABEL), default=0)
    for one in shown:
        label = one.label + ":" + " " * (width - columns(one.label))
        line = None if one.texts else _on_one_line(f"{_INDENT}{label}", one.edits[0], terminal)
        if line is not None:
            yield line
            continue
        yield from terminal.wrap(f"{one.label}:", _INDENT, _INDENT)
        for edit in one.edits:
            yield from _edit_lines(_with_short_ocids(edit, terminal), terminal)


def _on_one_line(label: str, edit: Edit, terminal: Terminal) -> str | None:
    """`name: "a" → "b"`, with OCIDs shortened if they must be; None when it does not fit."""
    between = f" {terminal.arrow} "
    values = [value for value in (edit.before, edit.after) if value is not None]
    if columns(f"{label} {between.join(values)}") > terminal.width:
        short = _with_short_ocids(edit, terminal)
        values = [value for value in (short.before, short.after) if value is not None]
    if columns(f"{label} {between.join(values)}") > terminal.width:
        return None
    tones: tuple[Tone, ...] = (
        ("remove", "add") if len(values) == 2 else ("add",) if edit.before is None else ("remove",)
    )
    return f"{label} " + between.join(terminal.paint(value, tone) for value, tone in zip(values, tones, strict=True))


def _edit_lines(edit: Edit, terminal: Terminal) -> Iterator[str]:
    if edit.before is not None:
        yield from terminal.wrap(edit.before, f"{_DEEPER}- ", f"{_DEEPER}  ", "remove")
    if edit.after is not None:
        yield from terminal.wrap(edit.after, f"{_DEEPER}+ ", f"{_DEEPER}  ", "add")
    if edit.note:
        note = edit.note.replace("→", terminal.arrow)
        yield from terminal.wrap(f"({note})", f"{_DEEPER}  ", f"{_DEEPER}  ", "dim")


def _with_short_ocids(edit: Edit, terminal: Terminal) -> Edit:
    """The edit with OCIDs that fit a line, unless two that differ would look alike."""
    before, after = (
        value and _OCID.sub(lambda ocid: terminal.elide(ocid[0], _SHORT_OCID), value)
        for value in (edit.before, edit.after)
    )
    return edit if before == after else Edit(before, after, edit.note)


def _loss_lines(change: Change, around: PlanContext, terminal: Terminal) -> Iterator[str]:
    for loss in change.losses:
        text = f"{escape_control(loss.secret, NAME_LIMIT)} {loss_words(loss, around.now)}"
        yield from terminal.wrap(text, f"{_INDENT}! ", _DEEPER, "danger")


def _delivery_lines(change: Change, around: PlanContext, terminal: Terminal) -> Iterator[str]:
    if not change.deliver:
        return
    names = join_words(escape_control(name, NAME_LIMIT) for name in change.deliver)
    places = ", ".join(escape_control(place, NAME_LIMIT) for place in around.sinks.get(change.address, ()))
    yield from terminal.wrap(f"{names} {terminal.arrow} {places or 'its sinks'}", f"{_INDENT}= ", _DEEPER, "deliver")


def _call_lines(change: Change, terminal: Terminal) -> list[str]:
    names = ", ".join(change.operations)
    return terminal.wrap(escape_control(names) or "none", f"{_INDENT}calls: ", f"{_INDENT}       ", "dim")


def render_text(plan: Plan, around: PlanContext | None = None, terminal: Terminal | None = None) -> str:
    """The whole plan as text; its last line is `Plan: ...` or `No changes.`, and only that one may be wider than the terminal."""
    around, terminal = around or PlanContext(), terminal or Terminal()
    return terminal.join(_plan_lines(plan, around, terminal))


def _plan_lines(plan: Plan, around: PlanContext, terminal: Terminal) -> Iterator[str]:
    yield from _heading(plan, around, terminal)
    for change in plan.changes:
        yield ""
        yield from change_lines(change, around, terminal)
    notes = [line for notice in plan.notices for line in notice_lines(notice, terminal)]
    soon = expiry_words(plan, around, lambda name: escape_control(name, NAME_LIMIT))
    notes += note_lines(soon, terminal) if soon else []
    yield from ["", *notes] if notes else []
    yield ""
    if not plan:
        yield f"{count(plan.unchanged, 'resource')} checked, no differences."
    elif plan.unchanged:
        yield f"{count(plan.unchanged, 'resource')} unchanged."
    yield terminal.paint(plan_line(plan), "strong")


def _heading(plan: Plan, around: PlanContext, terminal: Terminal) -> Iterator[str]:
    tenancy = terminal.elide(escape_control(plan.tenancy, NAME_LIMIT), 36)
    yield from terminal.wrap(
        f"Stack {stack_words(plan)} in {escape_control(plan.region, NAME_LIMIT)}, tenancy {tenancy}", rest="      "
    )
    yield from _legend([f"{mark} {words}" for mark, words in signs_used(plan, around.now).items()], terminal)


def _legend(entries: list[str], terminal: Terminal) -> Iterator[str]:
    line = ""
    for entry in entries:
        longer = f"{line}   {entry}" if line else entry
        if line and columns(longer) > terminal.width:
            yield terminal.paint(line, "dim")
            longer = entry
        line = longer
    if line:
        yield terminal.paint(line, "dim")
