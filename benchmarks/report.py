"""The page that a run of the benchmark writes: tables in Markdown, and a plot of each family as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.goals import Goal, Results, growth

_COLOURS = (
    "#1b6ca8",
    "#c0392b",
    "#1e8449",
    "#8e44ad",
    "#b9770e",
    "#117a65",
    "#5d6d7e",
    "#d35400",
    "#2c3e50",
    "#7b241c",
)
_WIDTH, _HEIGHT, _LEFT, _TOP, _KEY = 720, 340, 60, 20, 190
_START, _END = "<!-- measured: written by python -m benchmarks -->", "<!-- end of what was measured -->"


def write_report(page: Path, results: Results, goals: list[Goal], about: str) -> None:
    """Replace what was measured on that page (the text around it stays), and write the plots beside it."""
    plots = page.parent / "performance"
    plots.mkdir(parents=True, exist_ok=True)
    families = list(dict.fromkeys(family for family, *_ in results if family != "start"))
    for family in families:
        (plots / f"{family}.svg").write_text(plot(results, family), encoding="utf-8")
    measured = "\n".join([_START, about, "", *_goal_lines(goals), *_tables(results, families), _END])
    text = page.read_text(encoding="utf-8") if page.exists() else f"# Performance\n\n{_START}{_END}\n"
    before, _, rest = text.partition(_START)
    page.write_text(before + measured + rest.partition(_END)[2], encoding="utf-8")


def _goal_lines(goals: Iterable[Goal]) -> Iterator[str]:
    yield "| goal | figure | at most | |"
    yield "|---|---|---|---|"
    for goal in goals:
        yield f"| {goal.text} | {goal.figure:.2f} | {goal.most} | {'reached' if goal.reached else '**missed**'} |"


def _tables(results: Results, families: Iterable[str]) -> Iterator[str]:
    for family in families:
        yield f"\n### {family}\n\n![CPU seconds over documents](performance/{family}.svg)\n"
        yield "| verb | documents | latency, ms | CPU, s | wall, s | memory, MB | requests | growth |"
        yield "|---|---|---|---|---|---|---|---|"
        for (one, verb, size, latency), cost in results.items():
            if one == family:
                exponent = growth(results, family, verb) if latency == 0 else None
                grown = "" if exponent is None else f"{exponent:.2f}"
                figures = f"{cost.cpu:.2f} | {cost.wall:.2f} | {cost.memory:.0f} | {cost.requests} | {grown}"
                yield f"| {verb} | {size:,} | {latency} | {figures} |"


def plot(results: Results, family: str) -> str:
    """CPU seconds over documents, both axes logarithmic, a line for each verb."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for (one, verb, size, latency), cost in results.items():
        if one == family and latency == 0:
            lines.setdefault(verb, []).append((size, max(cost.cpu, 0.01)))
    sizes = sorted({size for points in lines.values() for size, _ in points})
    seconds = [cpu for points in lines.values() for _, cpu in points]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))

    def across(size: int) -> float:
        whole = max(math.log10(sizes[-1] / sizes[0]), 1e-9)
        return _LEFT + math.log10(size / sizes[0]) / whole * (_WIDTH - _LEFT - _KEY)

    def down(cpu: float) -> float:
        return _TOP + (high - math.log10(cpu)) / max(high - low, 1) * (_HEIGHT - 2 * _TOP - 20)

    return "".join(_draw(lines, sizes, range(low, high + 1), across, down))


def _draw(lines, sizes, powers, across, down) -> Iterator[str]:  # type: ignore[no-untyped-def]
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="11">\n'
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>\n'
    for power in powers:
        y = down(10.0**power)
        yield f'<path d="M{_LEFT} {y:.0f}H{_WIDTH - _KEY}" stroke="#ddd"/><text x="8" y="{y + 4:.0f}">{10.0**power:g} s</text>\n'
    for size in sizes:
        yield f'<text x="{across(size):.0f}" y="{_HEIGHT - 12}" text-anchor="middle">{size:,}</text>\n'
    for number, (verb, points) in enumerate(sorted(lines.items(), key=lambda line: -line[1][-1][1])):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{across(size):.1f},{down(cpu):.1f}" for size, cpu in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>\n'
        yield f'<text x="{_WIDTH - _KEY + 8}" y="{_TOP + 10 + 15 * number}" fill="{colour}">{verb}</text>\n'
    yield "</svg>\n"
