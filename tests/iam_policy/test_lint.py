"""Every rule speaks where it should and is silent where it should be; what it offers as a replacement cures it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from genai_iac.iam_policy import StatementInForce, parse
from genai_iac.iam_policy.lint import (
    GRANT_RULES,
    POLICY_RULES,
    RULES,
    Key,
    StatementFinding,
    StatementLimits,
    grants_without_key,
    keys_without_grant,
    lint_policy,
    lint_statement,
)

from .corpora import statements
from .directory import HERE, SmallTree

_CASES = Path(__file__).parent / "cases"
CASES: dict[str, dict[str, list[str]]] = json.loads((_CASES / "lint.json").read_text(encoding="utf-8"))
POLICIES: list[dict[str, Any]] = json.loads((_CASES / "lint_policies.json").read_text(encoding="utf-8"))
BAD = [(rule, text) for rule, cases in CASES.items() for text in cases["bad"]]
GOOD = [(rule, text) for rule, cases in CASES.items() for text in cases["good"]]
TREE = SmallTree(paths=(("a",), ("a", "b"), ("c",)), groups=frozenset({"admins"}))


def found(rule: str, findings: tuple[StatementFinding, ...]) -> list[StatementFinding]:
    return [finding for finding in findings if finding.rule == rule]


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_a_rule_speaks(rule: str, text: str) -> None:
    findings = found(rule, lint_statement(text))
    assert findings
    severity = next(known.severity for known in RULES if known.id == rule)
    for finding in findings:
        assert finding.severity == severity
        assert 1 <= finding.column <= len(text) + 1
        assert finding.statement == 0
        assert finding.message
        if finding.replacement is not None:
            assert finding.fix
            assert not found(rule, lint_statement(finding.replacement))


@pytest.mark.parametrize(("rule", "text"), GOOD)
def test_a_rule_is_silent(rule: str, text: str) -> None:
    assert not found("syntax", lint_statement(text))
    assert not found(rule, lint_statement(text))


def test_every_rule_has_cases_and_a_name_of_its_own() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert {rule.id for rule in GRANT_RULES} | {"syntax"} == set(CASES)
    assert all(rule.summary for rule in RULES)


@pytest.mark.parametrize("case", POLICIES, ids=lambda case: f"{case['rule']} {case['texts'][0][:60]}")
def test_rules_on_policies(case: dict[str, Any]) -> None:
    """Statements of one policy, the rule they are about, and the numbers of those it names."""
    texts = case["texts"]
    findings = found(case["rule"], lint_policy(texts, attached=HERE, directory=TREE))
    assert [finding.statement for finding in findings] == case["where"]
    whole = case["rule"] in ("duplicate", "shadowed")
    assert all(finding.column == 1 for finding in findings if whole)
    assert all(finding.message and 1 <= finding.column <= len(texts[finding.statement]) for finding in findings)


def test_places_outside_the_policy() -> None:
    texts = [
        "allow group Admins to use buckets in compartment id ocid1.compartment.oc1..c",
        "allow group Admins to use buckets in tenancy",
    ]
    findings = found("outside-subtree", lint_policy(texts, attached=TREE.ocids[("a",)], directory=TREE))
    assert [finding.statement for finding in findings] == [0, 1]


def test_limits() -> None:
    texts = [f"allow group G{n} to use buckets in tenancy" for n in range(51)]
    assert [finding.statement for finding in found("too-many-statements", lint_policy(texts))] == [50]
    assert not found("too-many-statements", lint_policy(texts[:50]))
    assert not found("too-many-statements", lint_policy(texts, limits=StatementLimits(per_policy=60)))
    (full,) = found("path-full", lint_policy(texts[:2], counts={"root/a": 500, "root/a/b": 501}))
    assert (full.statement, full.column) == (0, 1)
    assert "root/a/b" in full.message
    assert {rule.id for rule in POLICY_RULES} >= {"too-many-statements", "path-full"}


def test_keys_and_grants_are_held_against_each_other() -> None:
    ids = [f"ocid1.generativeaiapikey.oc1.iad.{name}" for name in ("chat", "model", "idle", "gone")]
    keys = [Key(ocid, ocid[-4:], ("ocid1.compartment.oc1..a", HERE)) for ocid in ids[:3]]
    of_keys = "where all {request.principal.type = 'generativeaiapikey', "
    texts = [
        f"allow any-user to use generative-ai-chat in tenancy {of_keys}request.principal.id = '{ids[0]}'}}",
        f"allow any-user to manage generative-ai-response in tenancy {of_keys}"
        f"request.principal.id = '{ids[1]}', target.model.id in ('xai.grok-4')}}",
        f"allow any-user to use generative-ai-chat in tenancy {of_keys}request.principal.id in ('{ids[3]}', '{ids[0]}')}}",
        f"allow any-user to read generative-ai-chat in tenancy {of_keys}request.principal.id = '{ids[2]}'}}",
    ]
    rules = [StatementInForce("p", HERE, parse(text), text) for text in texts]
    assert keys_without_grant(keys, rules, datetime.now(UTC)) == (keys[2],)
    assert grants_without_key(keys, rules) == ((rules[2], ids[3]),)


def test_published_statements_are_mostly_at_peace() -> None:
    """A linter with false alarms is switched off."""
    findings = [finding for text in statements("policies.tsv") for finding in lint_statement(text)]
    findings = [finding for finding in findings if finding.severity != "info"]
    assert len(findings) < 0.05 * len(statements("policies.tsv"))
    assert not [finding for finding in findings if finding.rule == "syntax"]


def test_mistakes_in_a_policy_are_all_reported_in_order() -> None:
    texts = ["allow any-user to use bukcets in tenancy", "nonsense", "allow group A to use buckets in tenancy"]
    findings = lint_policy(texts)
    assert [(finding.statement, finding.rule) for finding in findings] == [
        (0, "any-user"),
        (0, "unknown-type"),
        (1, "syntax"),
    ]


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_what_a_fix_proposes_can_be_written(rule: str, text: str) -> None:
    """A fix that is a piece of a statement comes with the whole statement, which our own parser reads."""
    for finding in found(rule, lint_statement(text)):
        if finding.replacement is not None:
            parse(finding.replacement)
        if finding.fix is not None and finding.fix.startswith(("write /", "write '")):
            assert finding.replacement is not None
            assert finding.fix.removeprefix("write ") in finding.replacement
