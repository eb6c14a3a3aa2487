"""What needs what, as Mermaid (GitHub draws it) and as DOT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from genai_iac.core import Address
from genai_iac.render.common.sanitize import escape_control

Needs: TypeAlias = Mapping[Address, Iterable[Address]]  # what each address needs
_LABEL_LIMIT = 120  # characters


def mermaid(needs: Needs) -> str:
    """A Mermaid flowchart; an arrow goes from what is needed to what needs it."""
    numbers = _number(needs)
    nodes = [f'  n{number}["{_mermaid_label(address)}"]' for address, number in numbers.items()]
    arrows = [f"  n{numbers[needed]} --> n{numbers[address]}" for address, needed in _arrows(needs)]
    return "\n".join(("flowchart LR", *nodes, *arrows)) + "\n"


def dot(needs: Needs) -> str:
    """A DOT digraph; an arrow goes from what is needed to what needs it."""
    numbers = _number(needs)
    nodes = [f'  n{number} [label="{_dot_label(address)}"];' for address, number in numbers.items()]
    arrows = [f"  n{numbers[needed]} -> n{numbers[address]};" for address, needed in _arrows(needs)]
    return "\n".join(("digraph stack {", "  rankdir=LR;", "  node [shape=box];", *nodes, *arrows, "}")) + "\n"


def layers(needs: Needs) -> list[list[Address]]:
    """The addresses by their distance from what needs nothing; a cycle (which no valid stack has) ends where it is met again."""
    depths: dict[Address, int] = {}
    for address in _number(needs):
        _measure(address, needs, depths)
    rows: list[list[Address]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for address in sorted(depths):
        rows[depths[address]].append(address)
    return rows


def _measure(start: Address, needs: Needs, depths: dict[Address, int]) -> None:
    """Depth first with a stack of its own: a chain of compartments must not meet Python's recursion limit."""
    on_the_way: dict[Address, None] = {}
    stack = [start]
    while stack:
        address = stack[-1]
        missing = [needed for needed in needs.get(address, ()) if needed not in depths and needed not in on_the_way]
        if address not in depths and missing:
            on_the_way[address] = None
            stack.extend(missing)
            continue
        stack.pop()
        on_the_way.pop(address, None)
        depths.setdefault(
            address, 1 + max((depths[needed] for needed in needs.get(address, ()) if needed in depths), default=-1)
        )


def _number(needs: Needs) -> dict[Address, int]:
    known = sorted({*needs, *(needed for several in needs.values() for needed in several)})
    return {address: number for number, address in enumerate(known)}


def _arrows(needs: Needs) -> list[tuple[Address, Address]]:
    return sorted((address, needed) for address, several in needs.items() for needed in set(several))


def _mermaid_label(address: Address) -> str:
    # `#NN;` is Mermaid's own escape; what is neither a letter nor a digit could be its syntax or HTML
    text = escape_control(str(address), _LABEL_LIMIT)
    return "".join(
        character if character.isalnum() or character in " /._-" else f"#{ord(character)};" for character in text
    )


def _dot_label(address: Address) -> str:
    return escape_control(str(address), _LABEL_LIMIT).replace("\\", "\\\\").replace('"', '\\"')
