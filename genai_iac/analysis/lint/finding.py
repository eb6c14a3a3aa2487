"""What lint says: a rule, how bad, where, what, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from genai_iac.core import Address, Source

Severity = Literal["error", "warning", "info"]


class LintRule(NamedTuple):
    """A rule as people look it up."""

    id: str  # as in ignore comments
    severity: Severity
    summary: str  # one line, for --rules and SARIF


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `ignored` holds the reason when a comment in the manifest silences it."""

    rule: str  # id
    severity: Severity
    message: str
    source: Source  # of the statement, grant or field
    address: Address | None = None
    fix: str = ""  # what to write instead; empty when it depends
    ignored: str | None = None
