"""Pieces of HTML, Markdown and SVG in which foreign text is text and nothing else.

Markdown: code spans, fences and folds that nothing inside can end. SVG: the graph of a stack, and a bar; without scripts and other files.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from genai_iac.core import Address, Change
from genai_iac.render.common.phrases import NAME_LIMIT, human_name, join_words, loss_words, sign
from genai_iac.render.common.sanitize import columns, escape_control
from genai_iac.render.graph import Needs, layers
from genai_iac.render.plan.context import PlanContext, shown_differences
from genai_iac.render.plan.differences import Edit

# style class by the sign of a change
_CLASSES = {"+": "add", "~": "change", "-": "remove", "-/+": "remove", "!": "invalidate", ".": "quiet", "=": "deliver"}
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
        f'<details class="{change_class(change)}"{" open" if change.invalidates else ""}><summary>{" ".join((summary, *beside))}</summary>'
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


_BACKTICKS = re.compile("`+")  # a code span is longer than any run in it
# what another bot's marker, or the end of our own fold, looks like to a program that does not parse Markdown
_MARKUP = re.compile(r"<(?=!--|/?details|/?summary)|(?<=--)>", re.IGNORECASE)
_NAME_LIMIT = 255  # characters


def size(text: str) -> int:
    """How many bytes the text takes; GitHub's limits are said in characters, of which there are never more."""
    return len(text.encode())


def md_code(text: str, limit: int | None = _NAME_LIMIT) -> str:
    """The text as one code span: no mention, link, image or emphasis in it is one.

    Args:
        text: foreign text.
        limit: characters; None: no limit.
    """
    text = _inert(escape_control(text, limit)) or " "
    fence = "`" * (_longest_run(text) + 1)
    # CommonMark removes one space at each end of a code span, but only if both are there.
    padding = " " if text.strip(" ") and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def code_html(text: str, limit: int | None = _NAME_LIMIT) -> str:
    """The text as a `<code>` element, for where HTML is read and Markdown is not (a summary)."""
    return f"<code>{html.escape(_inert(escape_control(text, limit)))}</code>"


def fenced(lines: Sequence[str], language: str) -> str:
    """The lines, each safe already, in a fence that is longer than any run of backticks among them.

    Args:
        lines: without line feeds.
        language: for highlighting, such as `diff`.
    """
    text = "\n".join(_inert(line) for line in lines)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def folded(summary_html: str, body: str, *, open: bool = False) -> str:
    """A `<details>` block; the blank lines make its body Markdown again."""
    return f"<details{' open' if open else ''}><summary>{summary_html}</summary>\n\n{body}\n\n</details>"


def alert(kind: str, title: str, lines: Sequence[str]) -> str:
    """A coloured box on GitHub, a quotation elsewhere; title and lines are Markdown."""
    return "\n".join((f"> [!{kind}]", f"> **{title}**", ">", *(f"> - {line}" for line in lines)))


def _inert(text: str) -> str:
    return _MARKUP.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)


_WIDE, _HIGH = 212, 34  # a node, in CSS pixels
_ACROSS, _DOWN = 264, 46  # from one node to the next
_EDGE = 12
_LETTERS = 24  # columns of a node's name that fit


def graph_svg(needs: Needs, classes: Mapping[Address, str], signs: Mapping[Address, str]) -> str:
    """The graph from left (needs nothing) to right; each node carries the class and the symbol given for it.

    Args:
        needs: addresses that each address needs, without cycles.
        classes: style class by address.
        signs: symbol of the change by address.
    """
    places = {
        address: (_EDGE + column * _ACROSS, _EDGE + row * _DOWN)
        for column, layer in enumerate(layers(needs))
        for row, address in enumerate(layer)
    }
    width = max((x for x, _ in places.values()), default=0) + _WIDE + _EDGE
    height = max((y for _, y in places.values()), default=0) + _HIGH + _EDGE
    arrows = [_arrow(places[needed], places[address]) for address, several in needs.items() for needed in several]
    nodes = [
        _node(address, place, classes.get(address, ""), signs.get(address, "")) for address, place in places.items()
    ]
    return _svg(width, height, "what needs what", (*arrows, *nodes))


def bar_svg(share: float) -> str:
    """A bar that is filled to that share of its width, as wide as the place it stands in."""
    filled = f"{100 * min(max(share, 0.0), 1.0):.1f}%"
    return f'<svg aria-hidden="true"><rect width="100%" height="100%" rx="3"/><rect width="{filled}" height="100%" rx="3"/></svg>'


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    return f'<svg role="img" aria-label="{title}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'


def _node(address: Address, place: tuple[int, int], of_class: str, sign: str) -> str:
    x, y = place
    full = escape_control(str(address), 255)
    label = f"{sign} {full}".strip()
    return (
        f'<g class="{of_class}"><title>{html.escape(full)}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="6"/>'
        f'<text x="{x + 10}" y="{y + 22}">{html.escape(_short(label))}</text></g>'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = start[0] + _WIDE, start[1] + _HIGH // 2
    to_x, to_y = end[0], end[1] + _HIGH // 2
    bend = max((to_x - x) // 2, 16)
    return f'<path d="M{x} {y} C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"/>'


def _short(text: str) -> str:
    if columns(text) <= _LETTERS:
        return text
    while columns(text) >= _LETTERS:
        text = text[:-1]
    return text + "…"
