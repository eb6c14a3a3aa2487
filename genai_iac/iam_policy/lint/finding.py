"""What a rule says of a statement, and what it may know besides the text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct, field

from genai_iac.iam_policy.name_resolution import Directory
from genai_iac.iam_policy.syntax_tree import Grant, Statement

Severity = Literal["error", "warning", "info"]  # an error makes `lint` exit 1


class StatementFinding(Struct, frozen=True):
    """One thing found. ``statement`` counts from 0, ``column`` from 1; ``fix`` says what to type, ``replacement`` is it."""

    rule: str  # id, as in `# genai-iac: ignore=RULE`
    severity: Severity
    message: str
    statement: int
    column: int
    fix: str | None = None
    replacement: str | None = None


class RuleNote(NamedTuple):
    """What a check has to say: where, what, what to type instead, and the whole statement if that is certain."""

    column: int  # 1-based
    message: str
    fix: str | None = None
    replacement: str | None = None


class StatementLimits(Struct, frozen=True):
    """How many statements fit; a tenancy's own limits may differ (Oracle: policymgmt/policy-limits)."""

    per_policy: int = 50  # statements of one policy
    per_path: int = 500  # statements from a compartment up to the tenancy


class PolicyDocument(Struct, frozen=True):
    """One policy to be linted: its texts, the trees of those that parse, and what is known of the tenancy.

    ``counts`` says how many statements lie along each path of compartments through the policy's own, this policy included:
    the path's name for people, and the number.
    """

    texts: Sequence[str]
    trees: Sequence[Statement | None]  # None for a text that does not parse
    attached: str = ""  # OCID; empty when it is not known
    directory: Directory | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    limits: StatementLimits = field(default_factory=StatementLimits)

    def grants(self) -> Iterator[tuple[int, Grant]]:
        """The statements that grant or deny, with their numbers."""
        for index, tree in enumerate(self.trees):
            if isinstance(tree, Grant):
                yield index, tree


class GrantRule(Struct, frozen=True):
    """A rule that looks at one granting statement at a time."""

    id: str  # stable: manifests silence a rule by it
    severity: Severity
    summary: str  # one line for docs/checks.md and SARIF
    check: Callable[[Grant], Iterator[RuleNote]]


class PolicyRule(Struct, frozen=True):
    """A rule that looks at a whole policy; its notes carry the number of the statement they are about."""

    id: str  # stable: manifests silence a rule by it
    severity: Severity
    summary: str
    check: Callable[[PolicyDocument], Iterator[tuple[int, RuleNote]]]
