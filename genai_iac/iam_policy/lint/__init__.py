"""Lint rules for policies that parse. Pure functions over syntax trees.

For: what is wrong, risky or useless in statements. In: parsed policies, a `Directory`. Out: findings with the rule's name.
Must not know: files and positions; `analysis.lint` adds them.
To add a rule: write a check and add it to its module's table.
"""

from collections.abc import Iterator, Mapping, Sequence

from genai_iac.iam_policy.errors import PolicySyntaxError
from genai_iac.iam_policy.lint.actions import ACTION_RULES
from genai_iac.iam_policy.lint.finding import (
    GrantRule,
    PolicyDocument,
    PolicyRule,
    RuleNote,
    Severity,
    StatementFinding,
    StatementLimits,
)
from genai_iac.iam_policy.lint.policies import POLICY_RULES, find_overlaps
from genai_iac.iam_policy.lint.principals import PRINCIPAL_RULES, Key, grants_without_key, keys_without_grant
from genai_iac.iam_policy.lint.risks import RISK_RULES
from genai_iac.iam_policy.lint.wording import VALUE_RULES, WORDING_RULES
from genai_iac.iam_policy.name_resolution import Directory
from genai_iac.iam_policy.parser import parse_once
from genai_iac.iam_policy.syntax_tree import Statement

GRANT_RULES: tuple[GrantRule, ...] = (*PRINCIPAL_RULES, *ACTION_RULES, *WORDING_RULES, *VALUE_RULES, *RISK_RULES)
# reported by the reader itself, so its check finds nothing
SYNTAX = PolicyRule("syntax", "error", "a statement that is not in the language", lambda _: iter(()))
RULES: tuple[GrantRule | PolicyRule, ...] = (SYNTAX, *GRANT_RULES, *POLICY_RULES)

__all__ = [
    "GRANT_RULES",
    "POLICY_RULES",
    "RULES",
    "Key",
    "PolicyDocument",
    "Severity",
    "StatementFinding",
    "StatementLimits",
    "find_overlaps",
    "grants_without_key",
    "keys_without_grant",
    "lint_policy",
    "lint_statement",
]


def lint_statement(text: str) -> tuple[StatementFinding, ...]:
    """What is found in one statement without looking around: its syntax, or every rule on grants.

    Args:
        text: one statement.

    Returns:
        Sorted by column.
    """
    read = _read(0, text)
    if isinstance(read, StatementFinding):
        return (read,)
    return tuple(sorted(_grant_findings(PolicyDocument([text], [read])), key=_order))


def lint_policy(
    texts: Sequence[str],
    *,
    attached: str = "",
    directory: Directory | None = None,
    counts: Mapping[str, int] | None = None,
    limits: StatementLimits | None = None,
) -> tuple[StatementFinding, ...]:
    """What is found in one policy, by statement and column.

    ``attached`` is the policy's compartment and ``directory`` who knows names: without them names are not resolved.
    ``counts`` are statements along each path of compartments (see PolicyDocument).

    Args:
        texts: the policy's statements. One that does not parse is a finding, and the others
            are checked all the same.
        limits: None takes the service's defaults.
    """
    read = [_read(index, text) for index, text in enumerate(texts)]
    trees = [None if isinstance(tree, StatementFinding) else tree for tree in read]
    document = PolicyDocument(texts, trees, attached, directory, counts or {}, limits or StatementLimits())
    found = [tree for tree in read if isinstance(tree, StatementFinding)]
    found.extend(_grant_findings(document))
    found.extend(_policy_findings(document))
    return tuple(sorted(found, key=_order))


def _order(finding: StatementFinding) -> tuple[int, int, str]:
    return finding.statement, finding.column, finding.rule


def _read(index: int, text: str) -> Statement | StatementFinding:
    try:
        return parse_once(text)
    except PolicySyntaxError as error:
        return StatementFinding(SYNTAX.id, SYNTAX.severity, error.message, index, error.column, error.hint)


def _grant_findings(document: PolicyDocument) -> Iterator[StatementFinding]:
    for index, grant in document.grants():
        for rule in GRANT_RULES:
            for note in rule.check(grant):
                yield _finding(rule, index, note)


def _policy_findings(document: PolicyDocument) -> Iterator[StatementFinding]:
    for rule in POLICY_RULES:
        for index, note in rule.check(document):
            yield _finding(rule, index, note)


def _finding(rule: GrantRule | PolicyRule, index: int, note: RuleNote) -> StatementFinding:
    return StatementFinding(rule.id, rule.severity, note.message, index, note.column, note.fix, note.replacement)
