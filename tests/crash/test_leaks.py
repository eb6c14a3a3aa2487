"""No value leaves by another door than the declared sinks: every verb, however much it says, with faults and kills.

A slice goes with every test run, more than a thousand runs with `-m matrix`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from loop.walk import keys

from genai_iac.model import TAG

from .grounds import APPLY, Bench
from .launching import Ended
from .stories import Workshop
from .watched import Mint, check_silent, minting

VERBOSE = ((), ("-v",), ("-vv",), ("-vvv",))
READS: tuple[str, ...] = (
    "plan", "plan --format json", "plan --format markdown", "plan --format html", "plan --format terraform-json",
    "plan --out out/saved.plan --out md=out/plan.md --out json=out/plan.json --out html=out/plan.html --out gitlab=out/plan.gitlab",
    "plan --full-scan --target ApiKey/chat", "snapshot --out out/snapshot.json", "plan --snapshot out/snapshot.json",
    "validate", "fmt --check", "lint", "lint --format json", "lint --format sarif", "schema", "version", "completion bash",
    "drift", "drift --unmanaged --full-scan --format json", "drift --format markdown", "export", "export --full-scan --out ../export",
    "status", "status --format json", "expiry", "expiry --format json", "expiry --format ics", "expiry --format prometheus",
    "expiry --within 400d", "access", "access --diff", "access --format json", "graph", "graph --format dot",
    "doctor", "doctor --format json", "permissions plan", "permissions apply", "permissions rotate --format json",
    "stacks", "stacks --format json", "init ../starter", "local env --db ../other/local.db",
    "apply", "rotate ApiKey/mute", "plan --nonsense",
)  # fmt: skip
GROUNDS = ("watched new", "watched", "watched pending")
WRITES = (
    ("watched new", "apply --auto-approve"),
    ("watched new", "apply --auto-approve --json"),
    ("watched", "rotate ApiKey/chat --auto-approve"),
    ("watched", "rotate ApiKey/chat --leaked key-one --auto-approve --json"),
    ("watched", "destroy --auto-approve --json"),
    ("watched stranger", "import ApiKey/found FOUND"),
    ("watched stranger", "apply --auto-approve"),
    ("watched due", "apply --auto-approve"),
    ("watched due", "apply --auto-approve --json"),
    ("watched pending", "apply --auto-approve"),
    ("watched pending", "rotate ApiKey/chat --abort --auto-approve"),
    ("watched overlapping", "apply --auto-approve"),
)
_ELSEWHERE = {"status": 302, "headers": {"location": "http://127.0.0.1:9/"}}
EFFECTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("before", {"status": 400, "code": "InvalidParameter", "message": "not today"}),
    ("after", {"status": 500, "code": "InternalServerError"}),
    ("after", {"drop": True}),
    ("after", {"truncate": True}),
    ("after", {"status": 200, "body": ["something", {"else": 1}]}),
    ("before", _ELSEWHERE),
    ("before", {"kill": 0, "signal": "KILL"}),
    ("after", {"kill": 0, "signal": "KILL"}),
    ("after", {"kill": 0, "signal": "TERM"}),
)
REFUSAL = "the program of the exec sink prints the value and fails"


@dataclass(frozen=True)
class Scene:
    """One run that writes, and what happens to it: a fault at the first call of an operation, the refusal, or nothing."""

    ground: str
    line: str
    operation: str = ""
    when: str = "before"
    effect: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.ground}: {self.line}; {self.when} {self.operation or 'nothing'} {self.effect or ''}"


@pytest.fixture(scope="module")
def mint(workshop: Workshop) -> Iterator[Mint]:
    with minting() as mint:
        yield mint


def test_a_leak_would_be_found(workshop: Workshop, mint: Mint) -> None:
    with workshop.bench("watched") as bench:
        check_silent(bench, mint)
        value = (bench.project / "store/value").read_text()
        assert value in mint.values
        with pytest.raises(AssertionError, match="a value is in what run 0 printed, as it is"):
            check_silent(bench, mint, Ended(1, "", f"refused: {value}"))
        (bench.home / ".cache").mkdir()
        (bench.home / ".cache" / "log").write_bytes(b"\0" + value[9:30].encode().hex().encode())
        with pytest.raises(AssertionError, match=r"a value is in \.cache/log, hex"):
            check_silent(bench, mint)


def test_some_runs_show_no_value(workshop: Workshop, mint: Mint) -> None:
    chance = random.Random("leaks")
    for ground in GROUNDS[1:]:
        _read(workshop, mint, ground, chance.sample(READS, 6), chance.randrange(4))
    _write(workshop, mint, Scene("watched due", "apply --auto-approve", REFUSAL), chance.choice(VERBOSE))
    for ground, line in chance.sample(WRITES, 2):
        scene = chance.choice(list(_scenes(workshop, ground, line)))
        _write(workshop, mint, scene, chance.choice(VERBOSE))


@pytest.mark.matrix
def test_no_run_shows_a_value(workshop: Workshop, mint: Mint, capsys: pytest.CaptureFixture[str]) -> None:
    runs = sum(
        _read(workshop, mint, ground, READS, shift, fault=fault)
        for ground, shift, fault in itertools.product(GROUNDS, range(4), (False, True))
    )
    verbose = itertools.cycle(VERBOSE)
    for ground, line in WRITES:
        runs += sum(_write(workshop, mint, scene, next(verbose)) for scene in _scenes(workshop, ground, line))
    with capsys.disabled():
        print(f"\nno value in {runs} runs, with {len(mint.values)} values minted")
    assert runs >= 1000


def _scenes(workshop: Workshop, ground: str, line: str) -> Iterator[Scene]:
    """What can happen to a run, at the first call of every operation that an untouched one makes with a body."""
    yield Scene(ground, line)
    yield Scene(ground, line, REFUSAL)
    with workshop.bench(ground) as bench:
        bench.run(*_arguments(bench, line))
        made = {call["operation"] for call in bench.tenancy.calls() if call["method"] != "GET"}
    for operation in sorted({*made, "GetSecretBundle"}):
        for when, effect in EFFECTS:
            yield Scene(ground, line, operation, when, effect)


def _read(
    workshop: Workshop, mint: Mint, ground: str, lines: tuple[str, ...] | list[str], shift: int, *, fault: bool = False
) -> int:
    """Run these one after the other, each as verbose as its turn has it; how many runs that were."""
    with workshop.bench(ground) as bench:
        if fault:
            effect = {"status": 400, "code": "InvalidParameter", "message": "not today"}
            bench.tenancy.control("POST", "faults", {"operation": "*", "nth": 5, "count": 10**6, "effect": effect})
        runs = [bench.run(*line.split(), *VERBOSE[(number + shift) % 4]) for number, line in enumerate(lines)]
        check_silent(bench, mint, *runs)
        assert [run.err for run in runs if "Usage:" in run.err and "--nonsense" not in run.err] == []
    return len(runs)


def _write(workshop: Workshop, mint: Mint, scene: Scene, verbose: tuple[str, ...]) -> int:
    """Make the run, search, apply again and search again; how many runs that were."""
    with workshop.bench(scene.ground) as bench:
        refusal = bench.project / "refuse"
        if scene.operation == REFUSAL:
            refusal.touch()
        ended = bench.run(*_arguments(bench, scene.line), *verbose, meet=lambda pid: _arm(bench, scene, pid))
        bench.tenancy.control("DELETE", "faults")
        refusal.unlink(missing_ok=True)
        try:
            check_silent(bench, mint, ended, killed=ended.code < 0)
            again = bench.run(*APPLY, *verbose)
            check_silent(bench, mint, ended, again)
        except AssertionError as error:
            raise AssertionError(f"{scene} {' '.join(verbose)}: {error}\n{ended.out}\n{ended.err}") from error
    return 2


def _arguments(bench: Bench, line: str) -> list[str]:
    """The words of a line; FOUND is the key that nobody declared."""
    if "FOUND" in line:
        (found,) = (key.id for key in keys(bench.tenancy).values() if TAG not in key.freeform_tags)
        line = line.replace("FOUND", found)
    return line.split()


def _arm(bench: Bench, scene: Scene, pid: int) -> None:
    if scene.effect is not None:
        effect = {**scene.effect, **({"kill": pid} if "kill" in scene.effect else {})}
        bench.tenancy.control("POST", "faults", {"operation": scene.operation, "when": scene.when, "effect": effect})
