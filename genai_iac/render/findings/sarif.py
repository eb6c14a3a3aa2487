"""Findings in SARIF 2.1.0 (OASIS), which GitHub code scanning and others show at the line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from genai_iac import __version__
from genai_iac.analysis.lint import RULES, Finding
from genai_iac.render.common.json_text import write_json

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}  # SARIF's levels


def render_sarif(findings: Iterable[Finding]) -> str:
    """One run with all rules and one result a finding; what a comment silences is suppressed, with its reason."""
    told = list(findings)
    run = {
        "tool": {"driver": {"name": "genai-iac", "version": __version__, "rules": [_rule(rule.id) for rule in RULES]}},
        "columnKind": "unicodeCodePoints",
        "results": _results(told),
    }
    return write_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


_NUMBERS = {rule.id: number for number, rule in enumerate(RULES)}


def _rule(id: str) -> dict[str, Any]:
    rule = RULES[_NUMBERS[id]]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _results(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    # Two equal findings in one file get different fingerprints by their order.
    seen: Counter[str] = Counter()
    results = []
    for finding in findings:
        print_ = _fingerprint(finding)
        seen[print_] += 1
        results.append(_result(finding, f"{print_}:{seen[print_]}"))
    return results


def _result(finding: Finding, fingerprint: str) -> dict[str, Any]:
    text = finding.message if not finding.address else f"{finding.address}: {finding.message}"
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": _NUMBERS[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{text}. To do: {finding.fix}." if finding.fix else f"{text}."},
        "locations": [_location(finding)],
        "partialFingerprints": {"findingHash/v1": fingerprint},
    }
    if finding.ignored is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.ignored}]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    source = finding.source
    uri = "stdin.yaml" if source.file == "-" else quote(PurePath(source.file).as_posix())
    region = {"startLine": source.line, "startColumn": source.column}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def _fingerprint(finding: Finding) -> str:
    """The same after lines have moved."""
    text = "\n".join((finding.rule, str(finding.address), finding.message))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
