"""How fast statements are read, beside oci-lexer-parser in the same run, and what else a plan does with them.

    python benchmarks/policy_parse.py [statements.tsv]

The table's first column holds the statements; without one, 2,000 made of what this project's vocabulary knows are read.
oci-lexer-parser is compared when it is installed (``pip install oci-lexer-parser``); it is no dependency of this project.
"""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import cycle, product
from pathlib import Path

from genai_iac.iam_policy import (
    AccessRequest,
    Principal,
    StatementInForce,
    compare,
    compile_rules,
    evaluate,
    is_equivalent,
    parse,
    permissions_of,
    unparse,
)
from genai_iac.iam_policy.lint import lint_statement

_MADE = 2_000
_HERE = "ocid1.tenancy.oc1..here"


def main() -> None:
    texts = _read(Path(sys.argv[1])) if len(sys.argv) > 1 else list(_make(_MADE))
    print(f"{len(texts)} statements")
    ours = _report("parse", len(texts), lambda: [parse(text) for text in texts])
    trees = [parse(text) for text in texts]
    _report("print", len(texts), lambda: [unparse(tree) for tree in trees])
    _report("same, as written", len(texts), lambda: is_equivalent(texts, list(texts), None, _HERE))
    other = [text.upper() if "'" not in text else f" {text}" for text in texts]
    _report("same, reworded", len(texts), lambda: is_equivalent(texts, other, None, _HERE))
    _report("compare, reworded", len(texts), lambda: compare(texts, other, None, _HERE))
    _report("lint", len(texts), lambda: [lint_statement(text) for text in texts])
    _report_decisions(texts)
    theirs = _their_time(texts)
    if theirs is None:
        print("oci-lexer-parser is not installed: no ratio")
    else:
        print(
            f"{'oci-lexer-parser':<20}{theirs:8.3f} s  we take {ours / theirs:.3f} of its time (at most 0.5 is promised)"
        )


def _read(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").split("\n")[1:]
    cells = (line.split("\t")[0] for line in lines if line)
    return [
        re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1]), cell)
        for cell in cells
    ]


def _make(count: int) -> Iterator[str]:
    subjects = ("any-user", "group chat-users", "dynamic-group runners, builders", "group id ocid1.group.oc1..aaaa")
    verbs = ("inspect", "read", "use", "manage")
    types = ("generative-ai-family", "generative-ai-chat", "buckets", "policies", "secret-family")
    places = ("tenancy", "compartment chat", "compartment top:chat:prod", "compartment id ocid1.compartment.oc1..aaaa")
    endings = (
        "",
        " where request.user.name = 'ann'",
        " where all {{target.model.id = 'xai.grok-{0}', request.region = 'ord'}}",
    )
    for number, (ending, place, kind, verb, subject) in zip(
        range(count), cycle(product(endings, places, types, verbs, subjects)), strict=False
    ):
        yield f"allow {subject} to {verb} {kind} in {place}" + ending.format(number)


def _report(name: str, count: int, run: Callable[[], object]) -> float:
    took = min(_time(run) for _ in range(3))
    print(f"{name:<20}{took:8.3f} s  {took / count * 1e6:8.1f} µs a statement")
    return took


def _time(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _report_decisions(texts: list[str]) -> None:
    rules = [StatementInForce("policy", _HERE, parse(text), text) for text in texts]
    _report("compile rules", len(rules), lambda: compile_rules(rules))
    compiled = compile_rules(rules)
    key = Principal("generativeaiapikey", "ocid1.generativeaiapikey.oc1.iad.k", tenancy=_HERE)
    request = AccessRequest(key, permissions_of("ChatCompletions"), (_HERE,), {}, datetime.now(UTC))
    took = min(_time(lambda: [evaluate(request, compiled) for _ in range(100)]) for _ in range(3)) / 100
    print(f"{'one decision':<20}{took * 1e6:8.1f} µs  over {len(rules)} statements")


def _their_time(texts: list[str]) -> float | None:
    try:
        read = importlib.import_module("oci_lexer_parser").parse_policy_statements
    except ImportError:
        return None

    def run() -> None:
        for text in texts:
            try:
                read(text)
            except ValueError:  # what it refuses counts too: it read it
                continue

    return _time(run)


if __name__ == "__main__":
    main()
