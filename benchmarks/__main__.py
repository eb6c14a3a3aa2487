"""Every verb on stacks of 10 to 10,000 documents: CPU, wall time, memory, requests and growth, beside a floor of the same run.

    python -m benchmarks [--quick] [--out docs/performance.md] [--families mixed,policies] [--sizes 10,100,1000,10000]

Run in a clone with the package installed; nothing else is needed. `--quick` has smaller stacks and takes some two minutes on
two idle cores. Exits 1 when a goal is missed. Of Terraform only the start (`terraform version`) is measured, where a binary is on the path.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.goals import FLOOR_CREATE, FLOOR_KEYS, FLOOR_LIST, FLOOR_READ, ONE_POLICY, Results, find_goals
from benchmarks.measuring import Cost, Emulator, emulated, run
from benchmarks.report import write_report
from benchmarks.stacks import FAMILIES, write_stack

_OFFLINE = {"validate": ["validate"], "lint": ["lint"], "fmt --check": ["fmt", "--check"], "graph": ["graph"]}
_NEW = {
    "plan, new": ["plan"],
    "plan, new, json": ["plan", "--format", "json"],
    "plan, new, markdown": ["plan", "--format", "markdown"],
    "plan, new, html": ["plan", "--format", "html"],
}
_APPLIED = {
    "plan, empty": ["plan"],
    "access": ["access"],
    "drift": ["drift"],
    "status": ["status"],
    "expiry": ["expiry"],
}
_QUICK = ["mixed", "policies", "rotations", "flat"]
_FLOORS = {"policies": (FLOOR_CREATE, "create"), "rotations": (FLOOR_KEYS, "keys")}  # beside `apply, new`
_LARGEST_APPLIED = {"policies": 10_000}  # beyond the others, whose apply takes many times as long
_CREATING_LATENCY = 50  # milliseconds at which creating is measured too: in a tenancy of its own, so at one size
_FLOOR = str(Path(__file__).with_name("floor.py"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller stacks, and no latency beside 0 and 20 ms")
    parser.add_argument("--out", type=Path, help="the page to write [printed only]")
    parser.add_argument("--families", help=f"of {', '.join(FAMILIES)} [all but the first]")
    parser.add_argument("--sizes", help="documents, the smallest first")
    parser.add_argument("--applied", type=int, help="the largest stack that is applied and destroyed")
    options = parser.parse_args()
    sizes = [
        int(size) for size in (options.sizes or ("10,100,400" if options.quick else "10,100,1000,10000")).split(",")
    ]
    applied = options.applied or (100 if options.quick else 1000)
    families = options.families.split(",") if options.families else _QUICK if options.quick else [*FAMILIES][1:]
    results: Results = dict(_start())
    for family in families:
        most = applied if options.quick or options.applied else max(applied, _LARGEST_APPLIED.get(family, 0))
        with emulated() as emulator:
            for size in sizes:
                latencies = (20,) if options.quick else (20, 100)
                for key, cost in _measure(emulator, family, size, latencies if size == applied else (), size <= most):
                    results[key] = cost
                    print(f"{key[0]:10} {key[1]:22} {key[2]:6} {key[3]:4} ms  {cost.cpu:7.2f} s CPU {cost.wall:7.2f} s "
                          f"{cost.memory:5.0f} MB {cost.requests:6} requests", flush=True)  # fmt: skip
    _finish(results, options.out)


def _finish(results: Results, page: Path | None) -> None:
    goals = list(find_goals(results))
    for goal in goals:
        print(f"{'reached' if goal.reached else 'MISSED '}  {goal.figure:6.2f} (at most {goal.most})  {goal.text}")
    if page is not None:
        terraform = "Terraform's start beside." if shutil.which("terraform") else "No Terraform on the path."
        machine = f"Python {platform.python_version()}, {platform.machine()}. {terraform}"
        write_report(page, results, goals, f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine}")
    sys.exit(0 if all(goal.reached for goal in goals) else 1)


def _start() -> Iterator[tuple[tuple[str, str, int, int], Cost]]:
    for verb, arguments in {
        "import click": ["-c", "import click"],
        "--version": ["-m", "genai_iac", "--version"],
    }.items():
        yield ("start", verb, 0, 0), _least(lambda arguments=arguments: run([sys.executable, *arguments], Path.cwd()))
    with emulated() as emulator:
        folder = emulator.folder / "one"
        write_stack(folder, "one", 1)
        floor = [sys.executable, _FLOOR, "list", str(emulator.config), emulator.url, "0"]
        yield ("start", FLOOR_LIST, 0, 0), _least(lambda: emulator.counted(floor))
        yield ("start", ONE_POLICY, 0, 0), _least(lambda: emulator.tool("plan", str(folder)))
    if terraform := shutil.which("terraform"):
        yield ("start", "terraform version", 0, 0), run([terraform, "version"], Path.cwd())


def _least(measure: Callable[[], Cost]) -> Cost:
    """The least of eight: what else the machine does only adds."""
    return min((measure() for _ in range(8)), key=lambda cost: cost.cpu)


def _measure(
    emulator: Emulator, family: str, size: int, latencies: tuple[int, ...], is_applied: bool
) -> Iterator[tuple[tuple[str, str, int, int], Cost]]:
    folder = emulator.folder / f"{family}-{size}"
    emulator.reset()
    groups = write_stack(folder, family, size)
    floor = [sys.executable, _FLOOR]
    where = [str(emulator.config), emulator.url]
    if groups:
        emulator.counted([*floor, "groups", *where, str(len(groups))])
    for verb, arguments in _OFFLINE.items():
        yield (
            (family, verb, size, 0),
            run([sys.executable, "-m", "genai_iac", *arguments, str(folder)], folder, (0, 1, 2)),
        )
    for verb, arguments in _NEW.items():
        yield (family, verb, size, 0), emulator.tool(*arguments, str(folder))
    if not is_applied:
        return
    yield (family, "apply, new", size, 0), emulator.tool("apply", "--auto-approve", str(folder))
    for latency in (0, *latencies):
        emulator.set_latency(latency)
        for verb, arguments in _APPLIED.items():
            yield (family, verb, size, latency), emulator.tool(*arguments, str(folder))
        yield (family, "export", size, latency), emulator.tool("export")
        if family == "policies":
            yield (family, FLOOR_READ, size, latency), emulator.counted([*floor, "read", *where, str(size - 1)])
    emulator.set_latency(0)
    yield (family, "destroy", size, 0), emulator.tool("destroy", "--auto-approve", str(folder))
    if family in _FLOORS:
        name, word = _FLOORS[family]
        creating = [*floor, word, *where, str(size - 1)]
        emulator.reset()
        yield (family, name, size, 0), emulator.counted(creating)
        if latencies and family == "policies":
            applying = partial(emulator.tool, "apply", "--auto-approve", str(folder))
            yield from _delayed(
                emulator, family, size, {name: partial(emulator.counted, creating), "apply, new": applying}
            )


def _delayed(
    emulator: Emulator, family: str, size: int, measures: dict[str, Callable[[], Cost]]
) -> Iterator[tuple[tuple[str, str, int, int], Cost]]:
    """Each of them in an empty tenancy that answers late."""
    for verb, measure in measures.items():
        emulator.reset()
        emulator.set_latency(_CREATING_LATENCY)  # behind the reset, which takes it away
        yield (family, verb, size, _CREATING_LATENCY), measure()
    emulator.set_latency(0)


if __name__ == "__main__":
    main()
