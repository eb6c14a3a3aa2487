"""A plan for a terminal: the changes in the order they would be made, what a reader should know besides, and the counts last."""

from __future__ import annotations

from collections.abc import Iterator

from genai_iac.model import Plan
from genai_iac.render.change_text import change_lines
from genai_iac.render.expiries import expiry_words
from genai_iac.render.foreign import columns, visible
from genai_iac.render.notes import note_lines, notice_lines
from genai_iac.render.surroundings import Surroundings
from genai_iac.render.terminal import Terminal
from genai_iac.render.words import NAME_LIMIT, SIGNS, count, plan_line, sign, stack_words


def render_text(plan: Plan, around: Surroundings | None = None, terminal: Terminal | None = None) -> str:
    """The whole plan as text; its last line is `Plan: ...` or `No changes.`, and only that one may be wider than the terminal."""
    around, terminal = around or Surroundings(), terminal or Terminal()
    return terminal.join(_plan_lines(plan, around, terminal))


def _plan_lines(plan: Plan, around: Surroundings, terminal: Terminal) -> Iterator[str]:
    yield from _heading(plan, terminal)
    for change in plan.changes:
        yield ""
        yield from change_lines(change, around, terminal)
    notes = [line for notice in plan.notices for line in notice_lines(notice, terminal)]
    soon = expiry_words(plan, around, lambda name: visible(name, NAME_LIMIT))
    notes += note_lines(soon, terminal) if soon else []
    yield from ["", *notes] if notes else []
    yield ""
    if not plan:
        yield f"{count(plan.unchanged, 'resource')} checked, all as declared."
    elif plan.unchanged:
        yield f"{count(plan.unchanged, 'resource')} unchanged."
    yield terminal.paint(plan_line(plan), "strong")


def _heading(plan: Plan, terminal: Terminal) -> Iterator[str]:
    tenancy = terminal.elide(visible(plan.tenancy, NAME_LIMIT), 36)
    yield from terminal.wrap(
        f"Stack {stack_words(plan)} in {visible(plan.region, NAME_LIMIT)}, tenancy {tenancy}", rest="      "
    )
    used = {sign(change) for change in plan.changes}
    yield from _legend([f"{mark} {words}" for mark, words in SIGNS.items() if mark in used], terminal)


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
