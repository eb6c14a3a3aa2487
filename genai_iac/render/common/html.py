"""Pieces of an HTML page in which foreign text is text and nothing else."""

from __future__ import annotations

import html
from collections.abc import Iterable

from genai_iac.core import Change
from genai_iac.render.common.phrases import NAME_LIMIT, human_name, join_words, loss_words, sign
from genai_iac.render.common.sanitize import escape_control
from genai_iac.render.plan.attribute_diff import shown_differences
from genai_iac.render.plan.context import PlanContext
from genai_iac.render.plan.differences import Edit

# style class by the sign of a change
_CLASSES = {"+": "add", "~": "change", "-": "remove", "-/+": "remove", "!": "kill", ".": "quiet", "=": "deliver"}
_TEXT_LIMIT = 4000  # characters


def text(foreign: str, limit: int | None = _TEXT_LIMIT) -> str:
    """Foreign text, isolated so that right-to-left letters in it reorder nothing around it.

    Args:
        foreign: anything that a user or a service wrote.
        limit: characters; None: no limit.
    """
    return f"<bdi>{html.escape(escape_control(foreign, limit))}</bdi>"


def code(foreign: str, limit: int | None = NAME_LIMIT) -> str:
    """Foreign text as code."""
    return f"<code>{text(foreign, limit)}</code>"


def section(title: str, body: str) -> str:
    """A part of the page, with its heading (HTML)."""
    return f"<section><h2>{title}</h2>{body}</section>"


def listed(items: Iterable[str]) -> str:
    """A list of pieces of HTML."""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def change_class(change: Change) -> str:
    """What the style sheet calls a change of that symbol."""
    return _CLASSES[sign(change)]


def change_block(change: Change, around: PlanContext) -> str:
    """One change, folded unless a secret value stops working.

    Args:
        change: one change of a plan.
        around: sources, sinks and names.
    """
    name, source = human_name(change), around.sources.get(change.address)
    beside = [code(name)] if name is not None and name != change.address.name else []
    beside += [f'<span class="soft">{text(str(source), NAME_LIMIT)}</span>'] if source else []
    summary = f'<span class="sign">{sign(change)}</span><b>{text(str(change.address), NAME_LIMIT)}</b> {join_words(change.actions)}'
    return (
        f'<details class="{change_class(change)}"{" open" if change.kills else ""}><summary>{" ".join((summary, *beside))}</summary>'
        f"<div>{_body(change, around)}</div></details>"
    )


def loss_line(change: Change, around: PlanContext) -> list[str]:
    """What is lost, one piece of HTML a value."""
    return [f"{code(loss.secret)} {loss_words(loss, around.now, lasting=True, place=code)}" for loss in change.losses]


def edit_lines(edits: Iterable[Edit]) -> str:
    """Edits whose texts are safe already, as deletions and insertions."""
    parts: list[str] = []
    for edit in edits:
        parts += [f"<del><bdi>{html.escape(edit.before)}</bdi></del>"] if edit.before is not None else []
        parts += [f"<ins><bdi>{html.escape(edit.after)}</bdi></ins>"] if edit.after is not None else []
        parts += [f'<span class="same soft">({html.escape(edit.note)})</span>'] if edit.note else []
    return "".join(parts)


def _body(change: Change, around: PlanContext) -> str:
    rows = "".join(
        f'<div class="label">{html.escape(shown.label)}</div><div class="value">{edit_lines(shown.edits)}</div>'
        for shown in shown_differences(change, around)
    )
    parts = [f"<p>{text(change.reason)}</p>"]
    parts += [f'<div class="rows">{rows}</div>'] if rows else []
    parts += [f'<p class="lost">{line}</p>' for line in loss_line(change, around)]
    if change.deliver:
        places = ", ".join(code(place) for place in around.sinks.get(change.address, ())) or "its sinks"
        parts.append(f"<p>Delivered: {join_words(code(name) for name in change.deliver)} to {places}</p>")
    calls = join_words(map(code, change.operations)) if change.operations else "none"
    parts.append(f'<p class="soft">Calls: {calls}</p>')
    parts += [f'<p class="soft">{code(change.id)}</p>'] if change.id else []
    return "".join(parts)
