"""Lint of valid manifests: what is wrong, risky or useless. Offline; no call is made.

In: a manifest. Out: findings with rule, severity and position, without those that an ignore comment covers.
Must not know: the tenancy, output formats. Rules for statements are in `iam_policy.lint`, rules for keys in `key_rules`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from genai_iac.analysis.lint.finding import BAD_IGNORE, IDLE_IGNORE, Finding, LintRule, apply_comments
from genai_iac.analysis.lint.key_rules import KEY_RULES, OfflineDirectory, lint_keys, offline_tenancy
from genai_iac.analysis.lint.policy_rules import POLICY_RULES, UNFILLABLE, lint_policies
from genai_iac.core.errors import ManifestError
from genai_iac.manifest import Manifest
from genai_iac.planning.preflight import ServiceLimits

# so that one report has both: problems of reading, and findings
INVALID = LintRule("invalid", "error", "a manifest that is not valid")
RULES: tuple[LintRule, ...] = (INVALID, *POLICY_RULES, UNFILLABLE, *KEY_RULES, BAD_IGNORE, IDLE_IGNORE)

__all__ = ["RULES", "Finding", "LintRule", "lint_invalid", "lint_manifest"]


def lint_manifest(
    manifest: Manifest,
    texts: Mapping[str, str],
    now: datetime,
    limits: ServiceLimits | None = None,
    unignored: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Everything found, in the order of the files.

    `texts` holds each file as messages call it, for the comments in it; `now` is what expiries are judged by;
    `unignored` has the paths of file sinks that git would commit.
    """
    future = offline_tenancy(manifest.resources, manifest.stack.tenancy)
    known = future.directory(_nobody, _nobody)
    directory = OfflineDirectory(known)
    found = [
        *lint_policies(future, directory, limits or ServiceLimits()),
        *lint_keys(future, manifest.documents, directory, now, unignored),
    ]
    ids = {rule.id for rule in RULES} - {INVALID.id, BAD_IGNORE.id, IDLE_IGNORE.id}
    return tuple(sorted(apply_comments(found, texts, ids), key=lambda one: (one.source, one.rule, one.message)))


def lint_invalid(error: ManifestError) -> tuple[Finding, ...]:
    """The problems of manifests that could not be read, as findings.

    Used by `lint`, so that CI gets SARIF for unreadable manifests too.
    """
    return tuple(Finding(INVALID.id, INVALID.severity, one.message, one.source, fix=one.hint) for one in error.problems)


def _nobody(name: str, domain: str | None) -> None:
    del name, domain
