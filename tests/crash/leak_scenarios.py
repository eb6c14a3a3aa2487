"""The runs that are searched for values: every verb that reads, and every one that writes with all that can happen to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plan_apply.sdk_helpers import keys

from genai_iac.core import OWNERSHIP_TAG

from .fixtures import Sandbox
from .scenarios import Workshop

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
START_STATES = ("watched new", "watched", "watched pending")
WRITES = {  # and how many runs there are of each, at least
    ("watched new", "apply --auto-approve"): 112,
    ("watched new", "apply --auto-approve --json"): 112,
    ("watched", "rotate ApiKey/chat --auto-approve"): 76,
    ("watched", "rotate ApiKey/chat --leaked key-one --revoke --auto-approve --json"): 94,
    ("watched", "destroy --auto-approve --json"): 94,
    ("watched stranger", "import ApiKey/found FOUND"): 40,
    ("watched stranger", "apply --auto-approve"): 22,
    ("watched due", "apply --auto-approve"): 76,
    ("watched due", "apply --auto-approve --json"): 76,
    ("watched pending", "apply --auto-approve"): 58,
    ("watched pending", "rotate ApiKey/chat --abort --auto-approve"): 76,
    ("watched overlapping", "apply --auto-approve"): 76,
}
_ELSEWHERE = {"status": 302, "headers": {"location": "http://127.0.0.1:9/"}}
EFFECTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("before", {"status": 400, "code": "InvalidParameter", "message": "not today"}),
    ("after", {"status": 500, "code": "InternalServerError"}),
    ("after", {"drop": True}),
    ("after", {"truncate": True}),
    ("after", {"status": 200, "body": ["something", {"else": 1}]}),
    ("before", {"status": 400, "code": "InvalidParameter", "quote": True}),
    ("after", {"status": 400, "code": "InvalidParameter", "quote": True}),
    ("before", _ELSEWHERE),
    ("before", {"kill": 0, "signal": "KILL"}),
    ("after", {"kill": 0, "signal": "KILL"}),
    ("after", {"kill": 0, "signal": "TERM"}),
)
REFUSAL = "the program of the exec sink prints the value and fails"


@dataclass(frozen=True)
class LeakScenario:
    """One run that writes, and what happens to it: a fault at the first call of an operation, the refusal, or nothing."""

    start: str
    line: str
    operation: str = ""
    when: str = "before"
    effect: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.start}: {self.line}; {self.when} {self.operation or 'nothing'} {self.effect or ''}"


def list_scenarios(workshop: Workshop, start: str, line: str) -> Iterator[LeakScenario]:
    """What can happen to a run, at the first call of every operation that an untouched one makes with a body."""
    yield LeakScenario(start, line)
    yield LeakScenario(start, line, REFUSAL)
    with workshop.sandbox(start) as sandbox:
        sandbox.run(*arguments(sandbox, line))
        made = {call["operation"] for call in sandbox.tenancy.calls() if call["method"] != "GET"}
    for operation in sorted({*made, "GetSecretBundle"}):
        for when, effect in EFFECTS:
            yield LeakScenario(start, line, operation, when, effect)


def arguments(sandbox: Sandbox, line: str) -> list[str]:
    """The words of a line; FOUND is the key that nobody declared."""
    if "FOUND" in line:
        (found,) = (key.id for key in keys(sandbox.tenancy).values() if OWNERSHIP_TAG not in key.freeform_tags)
        line = line.replace("FOUND", found)
    return line.split()


def arm(sandbox: Sandbox, scenario: LeakScenario, pid: int) -> None:
    """Have it happen to the process."""
    if scenario.effect is not None:
        effect = {**scenario.effect, **({"kill": pid} if "kill" in scenario.effect else {})}
        sandbox.tenancy.control(
            "POST", "faults", {"operation": scenario.operation, "when": scenario.when, "effect": effect}
        )
