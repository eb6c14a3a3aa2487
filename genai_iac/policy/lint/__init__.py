"""What is wrong, risky or useless in policies that parse: named rules over trees, as pure functions.

Every rule is a row of a table here; adding one is writing a check and putting it into its table.
"""

from collections.abc import Iterator, Mapping, Sequence

from genai_iac.policy.errors import PolicySyntaxError
from genai_iac.policy.parse import parse
from genai_iac.policy.resolve import Directory
from genai_iac.policy.tree import Statement

from .actions import ACTION_RULES
from .finding import Document, Finding, GrantRule, Limits, Note, PolicyRule, Severity
from .keys import Key, grants_without_key, keys_without_grant
from .policies import POLICY_RULES
from .principals import PRINCIPAL_RULES
from .wording import WORDING_RULES

GRANT_RULES: tuple[GrantRule, ...] = (*PRINCIPAL_RULES, *ACTION_RULES, *WORDING_RULES)
SYNTAX = PolicyRule("syntax", "error", "a statement that is not in the language", lambda _: iter(()))
RULES: tuple[GrantRule | PolicyRule, ...] = (SYNTAX, *GRANT_RULES, *POLICY_RULES)

__all__ = [
    "GRANT_RULES",
    "POLICY_RULES",
    "RULES",
    "Finding",
    "Key",
    "Limits",
    "Severity",
    "grants_without_key",
    "keys_without_grant",
    "lint_policy",
    "lint_statement",
]


def lint_statement(text: str) -> tuple[Finding, ...]:
    """What is found in one statement without looking around: its syntax, or every rule on grants."""
    read = _read(0, text)
    if isinstance(read, Finding):
        return (read,)
    return tuple(sorted(_grant_findings(Document([text], [read])), key=_order))


def lint_policy(
    texts: Sequence[str],
    *,
    attached: str = "",
    directory: Directory | None = None,
    counts: Mapping[str, int] | None = None,
    limits: Limits | None = None,
) -> tuple[Finding, ...]:
    """What is found in one policy, by statement and column.

    ``attached`` is the policy's compartment and ``directory`` who knows names: without them names are not resolved.
    ``counts`` are statements along each path of compartments (see Document).
    """
    read = [_read(index, text) for index, text in enumerate(texts)]
    trees = [None if isinstance(tree, Finding) else tree for tree in read]
    document = Document(texts, trees, attached, directory, counts or {}, limits or Limits())
    found = [tree for tree in read if isinstance(tree, Finding)]
    found.extend(_grant_findings(document))
    found.extend(_policy_findings(document))
    return tuple(sorted(found, key=_order))


def _order(finding: Finding) -> tuple[int, int, str]:
    return finding.statement, finding.column, finding.rule


def _read(index: int, text: str) -> Statement | Finding:
    try:
        return parse(text)
    except PolicySyntaxError as error:
        return Finding(SYNTAX.id, SYNTAX.severity, error.message, index, error.column, error.hint)


def _grant_findings(document: Document) -> Iterator[Finding]:
    for index, grant in document.grants():
        for rule in GRANT_RULES:
            for note in rule.check(grant):
                yield _finding(rule, index, note)


def _policy_findings(document: Document) -> Iterator[Finding]:
    for rule in POLICY_RULES:
        for index, note in rule.check(document):
            yield _finding(rule, index, note)


def _finding(rule: GrantRule | PolicyRule, index: int, note: Note) -> Finding:
    return Finding(rule.id, rule.severity, note.message, index, note.column, note.fix, note.replacement)
