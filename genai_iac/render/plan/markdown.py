"""A plan as a comment on a pull request, or as a step summary: verdict first, dangers next, details folded.

It always fits: detail is left out resource by resource, the least dangerous first, and never cut in the middle; counts and dangers stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

from genai_iac.core import Change, Invalidation, Plan
from genai_iac.render.common.markup import alert, code_html, fenced, folded, md_code, size
from genai_iac.render.common.phrases import (
    NAME_LIMIT,
    count,
    danger_title,
    human_name,
    join_words,
    loss_words,
    plan_line,
    sign,
    stack_words,
)
from genai_iac.render.common.sanitize import escape_control, guard_lines
from genai_iac.render.plan.context import AccessBeforeAfter, PlanContext, expiry_words, shown_differences
from genai_iac.render.plan.json import fingerprint

COMMENT_LIMIT = 65_536  # GitHub's limit of a comment
STEP_SUMMARY_LIMIT = 1_048_576  # GitHub's limit of a step's summary, in bytes
_SMALLEST = 8_192
_RESERVE = 1_024  # for the sentences that say what was left out
_DANGER_ORDER = ("!", "-", "-/+", "~", "+", "=", ".")


def render_markdown(plan: Plan, around: PlanContext | None = None, limit: int = COMMENT_LIMIT) -> str:
    """The plan as Markdown of at most `limit` bytes. Raises ValueError for a limit below 8,192, where not even the verdict need fit."""
    if limit < _SMALLEST:
        raise ValueError(f"a limit of {limit} bytes is too small; give at least {_SMALLEST}")
    around = around or PlanContext()
    head, foot = _head(plan), _foot(plan)
    space = limit - _RESERVE - sum(size(part) + 2 for part in (*head, *foot))
    parts: list[str] = []
    for section in (
        _dangers(plan, around, space // 2),
        _removals(plan, space // 8),
        _notices(plan, around, space // 8),
    ):
        parts.extend(section)
    space -= sum(size(part) + 2 for part in parts)
    access = _access(around.access, space // 4)
    space -= sum(size(part) + 2 for part in access)
    return guard_lines(_join((*head, *parts, *access, *_changes(plan, around, space), *foot)))


def marker(plan: Plan) -> str:
    """The hidden first line by which a bot finds its own comment on this stack (it must check the comment's author too)."""
    names = (quote(name[:64], safe="", errors="replace") for name in (plan.stack, plan.environment) if name)
    return f"<!-- genai-iac plan {'@'.join(names)} -->"


def _join(parts: Sequence[str]) -> str:
    """The parts with a blank line between them; entries of one list stay together."""
    text = ""
    for part, before in zip(parts, ("", *parts), strict=False):
        text += ("" if not before else "\n" if part.startswith("- ") and before.startswith("- ") else "\n\n") + part
    return text + "\n"


def _head(plan: Plan) -> list[str]:
    where = f"Stack {md_code(stack_words(plan), 130)} in {md_code(plan.region, 64)}, tenancy {md_code(plan.tenancy)}"
    return [marker(plan), f"### {plan_line(plan)}", where]


def _foot(plan: Plan) -> list[str]:
    checked = "unchanged" if plan else "checked, all as declared"
    return [f"{count(plan.unchanged, 'resource')} {checked}. Fingerprint {md_code(fingerprint(plan))}"]


def _dangers(plan: Plan, around: PlanContext, space: int) -> list[str]:
    losses = [(change, loss) for change in plan.changes for loss in change.losses]
    if not losses:
        return []
    # the values in use first; those never used, as far as the service knows, last
    losses.sort(key=lambda pair: _by_use(pair[1], around))
    lines = [
        f"{md_code(str(change.address))}: {md_code(loss.secret)} {loss_words(loss, around.now, lasting=True, place=md_code)}"
        for change, loss in losses
    ]
    used = sum(loss.is_in_use(around.now) for _, loss in losses)
    return [
        alert(
            kind, danger_title([loss for _, loss in some]) + beside, _as_many_as_fit(texts, space // 2, "secret value")
        )
        for kind, beside, some, texts in (
            ("CAUTION", "", losses[:used], lines[:used]),
            (
                "NOTE",
                "; none in use",
                losses[used:],
                lines[used:],
            ),
        )
        if some
    ]


def _by_use(loss: Invalidation, around: PlanContext) -> tuple[bool, bool, float]:
    used = loss.last_used
    return not loss.is_in_use(around.now), used is None, -used.timestamp() if used else 0.0


def _removals(plan: Plan, space: int) -> list[str]:
    removed = [change for change in plan.changes if "delete" in change.actions]
    if not removed:
        return []
    lines = [f"{md_code(str(change.address))}: {join_words(change.actions)}" for change in removed]
    title = f"{count(len(removed), 'resource')} deleted"
    return [alert("WARNING", title, _as_many_as_fit(lines, space, "resource"))]


def _notices(plan: Plan, around: PlanContext, space: int) -> list[str]:
    lines = [
        (f"{md_code(str(notice.address))}: " if notice.address else "") + md_code(notice.text, 2000)
        for notice in plan.notices
    ]
    soon = expiry_words(plan, around, md_code)
    lines += [soon] if soon else []
    return ["\n".join(f"- {line}" for line in _as_many_as_fit(lines, space, "note"))] if lines else []


def _access(access: AccessBeforeAfter | None, space: int) -> list[str]:
    if access is None:
        return []
    before, after = set(access.before), set(access.after)
    lines = [f"- {escape_control(line)}" for line in access.before if line not in after]
    lines += [f"+ {escape_control(line)}" for line in access.after if line not in before]
    if not lines:
        return []
    title = f"Access: {count(sum(line[0] == '+' for line in lines), 'line')} granted, {sum(line[0] == '-' for line in lines)} taken away"
    block = folded(title, fenced(lines, "diff"))
    return [block] if size(block) <= space else [f"{title} (too long to be shown here)"]


def _changes(plan: Plan, around: PlanContext, space: int) -> list[str]:
    """Every change as a line of its own if they fit, then as many as fit with their detail, the most dangerous first."""
    lines = [_one_line(change) for change in plan.changes]
    listed = len(_prefix_that_fits([size(line) + 2 for line in lines], space))
    space -= sum(size(line) + 2 for line in lines[:listed])
    parts = dict(enumerate(lines[:listed]))
    for index in sorted(range(listed), key=lambda index: _DANGER_ORDER.index(sign(plan.changes[index]))):
        block = _block(plan.changes[index], around)
        extra = size(block) - size(lines[index])
        if extra <= space:
            parts[index], space = block, space - extra
    return [*parts.values(), *_left_out(plan.changes, listed, sum(parts[index] == lines[index] for index in parts))]


def _left_out(changes: Sequence[Change], listed: int, without_detail: int) -> list[str]:
    said = []
    if without_detail:
        said.append(f"The details of {count(without_detail, 'change')} are left out to fit.")
    if listed < len(changes):
        kinds = Counter(join_words(change.actions) for change in changes[listed:])
        rest = ", ".join(f"{number:,} to {actions}" for actions, number in kinds.most_common(8))
        said.append(f"{count(len(changes) - listed, 'more change')} not listed here: {rest}.")
    return [" ".join((*said, "The plan as text or JSON has them all."))] if said else []


def _one_line(change: Change) -> str:
    name = human_name(change)
    beside = f" {md_code(name)}" if name is not None and name != change.address.name else ""
    return f"- {md_code(f'{sign(change)} {change.address}')} {join_words(change.actions)}{beside}"


def _block(change: Change, around: PlanContext) -> str:
    name, source = human_name(change), around.sources.get(change.address)
    summary = f"{code_html(f'{sign(change)} {change.address}')} {join_words(change.actions)}"
    if name is not None and name != change.address.name:
        summary += f" {code_html(name)}"
    if source:
        summary += f" at {code_html(str(source))}"
    return folded(summary, fenced(_detail_lines(change, around), "diff"), open=change.invalidates)


def _detail_lines(change: Change, around: PlanContext) -> list[str]:
    """Lines that GitHub colours by their first character; foreign text never comes first."""
    lines = [f"# {escape_control(change.reason, 2000)}"]
    for shown in shown_differences(change, around):
        for edit in shown.edits:
            lines += [f"- {shown.label}: {edit.before}"] if edit.before is not None else []
            lines += [f"+ {shown.label}: {edit.after}"] if edit.after is not None else []
            lines += [f"  ({edit.note})"] if edit.note else []
    for loss in change.losses:
        lines.append(f"! {escape_control(loss.secret, NAME_LIMIT)} {loss_words(loss, around.now, lasting=True)}")
    if change.deliver:
        places = (
            ", ".join(escape_control(place, NAME_LIMIT) for place in around.sinks.get(change.address, ()))
            or "its sinks"
        )
        lines.append(f"= {join_words(escape_control(name, NAME_LIMIT) for name in change.deliver)} → {places}")
    return [*lines, f"  calls: {escape_control(', '.join(change.operations)) or 'none'}"]


def _as_many_as_fit(lines: Sequence[str], space: int, noun: str) -> list[str]:
    kept = _prefix_that_fits([size(line) + 5 for line in lines], space)
    rest = len(lines) - len(kept)
    return [*lines[: len(kept)], *([f"and {count(rest, f'more {noun}')}"] if rest else [])]


def _prefix_that_fits(sizes: Sequence[int], space: int) -> Sequence[int]:
    used = 0
    for index, one in enumerate(sizes):
        used += one
        if used > space:
            return sizes[:index]
    return sizes
