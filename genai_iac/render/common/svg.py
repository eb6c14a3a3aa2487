"""Pictures that need no script and no file beside them: the graph of a stack, and a bar."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from genai_iac.core import Address
from genai_iac.render.common.sanitize import columns, escape_control
from genai_iac.render.graph import Needs, layers

_WIDE, _HIGH = 212, 34  # a node, in CSS pixels
_ACROSS, _DOWN = 264, 46  # from one node to the next
_EDGE = 12
_LETTERS = 24  # columns of a node's name that fit


def graph_svg(needs: Needs, classes: Mapping[Address, str], signs: Mapping[Address, str]) -> str:
    """The graph from left (needs nothing) to right; each node carries the class and the symbol given for it.

    Args:
        needs: addresses that each address needs, without circles.
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
