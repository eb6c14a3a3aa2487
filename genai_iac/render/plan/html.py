"""A plan as one HTML page that needs nothing beside it: no script, no font, no picture, no request."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from genai_iac.core import ACTIONS, Address, Change, Plan
from genai_iac.render.common.markup import (
    bar_svg,
    change_block,
    change_class,
    code,
    graph_svg,
    listed,
    loss_line,
    section,
    text,
)
from genai_iac.render.common.phrases import TO_DO, count, danger_title, elapsed_words, plan_line, sign, stack_words
from genai_iac.render.plan.context import SOON, AccessBeforeAfter, PlanContext, SecretExpiry, expiries_after
from genai_iac.render.plan.json import fingerprint

_MOST_NODES = 80  # a larger graph is shown around the changes, and one larger still not at all
_MOST_TIMES = 200


def render_html(plan: Plan, around: PlanContext | None = None) -> str:
    """The whole page."""
    around = around or PlanContext()
    title = f"{stack_words(plan)}: {plan_line(plan)}"
    body = "".join(
        (
            _header(plan),
            _dangers(plan, around),
            _notices(plan),
            _changes(plan, around),
            _access(around.access),
            _times(expiries_after(plan, around), around.now),
            _graph(plan, around),
            f"<footer class='soft'>Fingerprint {code(fingerprint(plan))}</footer>",
        )
    )
    return f'<!doctype html>\n<html lang="en">\n<head>{_meta(title)}</head>\n<body>{body}</body>\n</html>\n'


def _meta(title: str) -> str:
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # <title> holds text alone, so the isolating element of foreign text is not for it
    plain = text(title).removeprefix("<bdi>").removesuffix("</bdi>")
    return (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>{plain}</title><style>{style}</style>"
    )


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def _header(plan: Plan) -> str:
    counts = "".join(
        f"<li><b>{plan.summary[action]}</b> {TO_DO[action]}</li>" for action in ACTIONS if plan.summary[action]
    )
    unchanged = f"<li><b>{plan.unchanged}</b> unchanged</li>"
    return (
        f"<header><h1>{text(stack_words(plan))}</h1><ul class='counts'>{counts}{unchanged}</ul>"
        f"<dl class='facts'><dt>Region</dt><dd>{code(plan.region)}</dd><dt>Tenancy</dt><dd>{code(plan.tenancy)}</dd></dl></header>"
    )


def _dangers(plan: Plan, around: PlanContext) -> str:
    """What stops working: values in use first, as a danger; those that nobody uses after them, as a plain section."""
    parts = []
    for in_use in (True, False):
        pairs = [
            (loss, f"{code(str(change.address))}: {line}")
            for change in plan.changes
            for loss, line in zip(change.losses, loss_line(change, around), strict=True)
            if loss.is_in_use(around.now) is in_use
        ]
        if pairs:
            title, lines = danger_title([loss for loss, _ in pairs]), listed(line for _, line in pairs)
            quiet = section(f"{title}; none in use", lines)
            parts.append(f'<section class="danger"><h2>{title}</h2>{lines}</section>' if in_use else quiet)
    return "".join(parts)


def _notices(plan: Plan) -> str:
    lines = [
        (f"{code(str(notice.address))}: " if notice.address else "") + text(notice.text) for notice in plan.notices
    ]
    return section("Notes", listed(lines)) if lines else ""


def _changes(plan: Plan, around: PlanContext) -> str:
    if not plan:
        return f"<p>No changes. {count(plan.unchanged, 'resource')} checked, no differences.</p>"
    return section(f"Changes ({len(plan.changes):,})", "".join(change_block(change, around) for change in plan.changes))


def _access(access: AccessBeforeAfter | None) -> str:
    if access is None:
        return ""
    sides = "".join(
        f'<div><h3>{title}</h3><div class="value">{_side(lines, other, mark)}</div></div>'
        for title, lines, other, mark in (
            ("Before", access.before, access.after, "del"),
            ("After", access.after, access.before, "ins"),
        )
    )
    return section("Access", f'<div class="sides">{sides}</div>')


def _side(lines: Sequence[str], other: Sequence[str], mark: str) -> str:
    there = set(other)
    shown = (
        f'<span class="same">{text(line)}</span>' if line in there else f"<{mark}>{text(line)}</{mark}>"
        for line in lines
    )
    return "".join(shown) or '<span class="same soft">none</span>'


def _times(expiries: Sequence[SecretExpiry], now: datetime | None) -> str:
    if not expiries:
        return ""
    rows = "".join(_time(expiry, now, expiries[-1].at) for expiry in expiries[:_MOST_TIMES])
    rest = len(expiries) - _MOST_TIMES
    more = f"<p>and {count(rest, 'later one')}</p>" if rest > 0 else ""
    return section("Expirations", f'<ol class="times">{rows}</ol>{more}')


def _time(expiry: SecretExpiry, now: datetime | None, last: datetime) -> str:
    date = f"{expiry.at:%Y-%m-%d %H:%M} UTC"
    when, of_class, bar = "", "", ""
    if now is not None:
        left = expiry.at - now
        when = f" in {elapsed_words(left)}" if left.total_seconds() > 0 else f" expired {elapsed_words(-left)} ago"
        of_class = ' class="soon"' if left < SOON else ""
        bar = bar_svg(left / (last - now)) if last > now else bar_svg(0)
    return (
        f'<li{of_class}><time datetime="{expiry.at.isoformat()}">{date}</time>'
        f"<span>{code(str(expiry.address))} {code(expiry.secret)}{when}</span>{bar}</li>"
    )


def _graph(plan: Plan, around: PlanContext) -> str:
    needs = {**{change.address: change.needs for change in plan.changes}, **around.needs}
    if not any(needs.values()):
        return ""
    changed = {change.address for change in plan.changes}
    if len(needs) > _MOST_NODES:
        needs = {address: needs[address] for address in needs if address in changed}
    if len(needs) > _MOST_NODES:
        return section(
            "Graph",
            f"<p>{count(len(needs), 'resource')} are too many to draw; to see them all: genai-iac graph --format dot</p>",
        )
    return section(
        "Graph",
        f'<div class="picture">{graph_svg(needs, _by_address(plan, change_class), _by_address(plan, sign))}</div>',
    )


def _by_address(plan: Plan, render: Callable[[Change], str]) -> Mapping[Address, str]:
    return {change.address: render(change) for change in plan.changes}
