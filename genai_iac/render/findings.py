"""Findings of `lint` and checks of `doctor`: text, JSON, and SARIF 2.1.0 (OASIS), which GitHub code scanning and others show at the line.

In: findings, checks. Out: text. Must not know: the rules.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from genai_iac import __version__
from genai_iac.analysis.lint import RULES, Finding, LintRule
from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.phrases import count
from genai_iac.render.common.sanitize import escape_control
from genai_iac.render.common.terminal import Terminal, Tone
from genai_iac.render.junit import render_junit

_TONES: dict[str, Tone] = {"error": "danger", "warning": "change", "info": "dim"}
_LIMIT = 2000  # characters of one message


def findings_text(findings: Sequence[Finding], terminal: Terminal) -> str:
    """One block a finding, then the counts. What a comment silences is counted and not shown."""
    shown = [finding for finding in findings if finding.ignored is None]
    lines = [line for finding in shown for line in [*_block(finding, terminal), ""]]
    return terminal.join([*lines, _counts(shown, len(findings) - len(shown))])


def findings_json(findings: Iterable[Finding]) -> str:
    """`{"findings": [{"rule", "severity", "message", "file", …}], "summary": {…}}`, one line feed at the end."""
    rows = [_row(finding) for finding in findings]
    counts = Counter("ignored" if row["ignored"] else str(row["severity"]) for row in rows)
    summary = {name: counts[name] for name in ("error", "warning", "info", "ignored")}
    return write_json({"findings": rows, "summary": summary}, indent=2) + "\n"


def findings_junit(findings: Iterable[Finding]) -> str:
    """JUnit XML with one test a finding: an error fails, a warning passes, as the exit code has it. What is silenced is left out."""
    shown = [finding for finding in findings if finding.ignored is None]
    rows = [
        (
            one.source.file,
            f"{one.source.line}:{one.source.column} {one.severity} {one.rule}",
            [one.message, *filter(None, [one.fix])] if one.severity == "error" else [],
        )
        for one in shown
    ]
    return render_junit(rows or [("genai-iac", "lint", [])])


def rules_text(rules: Iterable[LintRule], terminal: Terminal) -> str:
    """Every rule with its severity and what it is about."""
    rows = list(rules)
    width = max(len(rule.id) for rule in rows) + 2
    return terminal.join(f"{rule.id:{width}}{rule.severity:9}{rule.summary}" for rule in rows)


def _block(finding: Finding, terminal: Terminal) -> Iterator[str]:
    whose = f" {finding.address}:" if finding.address else ""
    head = terminal.paint(finding.severity, _TONES[finding.severity])
    yield f"{escape_control(str(finding.source))}: {head} {finding.rule}"
    yield from terminal.wrap(escape_control(f"{whose} {finding.message}".strip(), _LIMIT), "  ", "  ")
    if finding.fix:
        yield from terminal.wrap(escape_control(finding.fix, _LIMIT), "  next: ", "        ")


def _counts(shown: Sequence[Finding], ignored: int) -> str:
    counts = Counter(finding.severity for finding in shown)
    words = [f"{many} {name}{'s' * (many != 1 and name != 'info')}" for name, many in sorted(counts.items())]
    words += [f"{count(ignored, 'finding')} ignored with a reason"] if ignored else []
    return f"Lint: {', '.join(words)}." if words else "Lint: nothing found."


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "fix": finding.fix or None,
        "address": str(finding.address) if finding.address else None,
        "file": finding.source.file,
        "line": finding.source.line,
        "column": finding.source.column,
        "ignored": finding.ignored,
    }


SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}  # SARIF's levels


def render_sarif(findings: Iterable[Finding]) -> str:
    """One run with all rules and one result a finding; what a comment silences is suppressed, with its reason."""
    listed = list(findings)
    run = {
        "tool": {"driver": {"name": "genai-iac", "version": __version__, "rules": [_rule(rule.id) for rule in RULES]}},
        "columnKind": "unicodeCodePoints",
        "results": _results(listed),
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


_CHECK_LIMIT = 1000  # characters
_CHECK_SIGNS: Mapping[str, tuple[str, str, Tone]] = {
    "ok": ("✓", "ok", "add"),
    "warning": ("!", "!", "change"),
    "failed": ("✗", "X", "remove"),
}


def doctor_check_text(name: str, verdict: str, text: str, terminal: Terminal) -> str:
    """A sign, what was looked at, and what was found."""
    rich, plain, tone = _CHECK_SIGNS[verdict]
    sign = terminal.paint(terminal.glyph(rich, plain), tone)
    return terminal.join(
        terminal.wrap(f"{escape_control(name)}: {escape_control(text, _CHECK_LIMIT)}", f"{sign} ", "  ")
    )


def checks_json(checks: Iterable[tuple[str, str, str]]) -> str:
    """`{"checks": [{"name", "verdict", "text"}]}`."""
    rows = [{"name": name, "verdict": verdict, "text": text} for name, verdict, text in checks]
    return write_json({"checks": rows}, indent=2) + "\n"
