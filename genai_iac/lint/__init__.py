"""Lint: what is wrong, risky or useless in manifests that are valid. Offline; nothing is called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from genai_iac.errors import ManifestError
from genai_iac.lint.finding import Finding, Rule
from genai_iac.lint.ignoring import BAD_IGNORE, IDLE_IGNORE, apply_comments
from genai_iac.lint.keys import KEY_RULES, lint_keys
from genai_iac.lint.offline import OfflineDirectory, imagine_tenancy
from genai_iac.lint.policies import POLICY_RULES, UNFILLABLE, lint_policies
from genai_iac.manifest import Manifest
from genai_iac.preflight import Limits

INVALID = Rule("invalid", "error", "a manifest that is not valid")
RULES: tuple[Rule, ...] = (INVALID, *POLICY_RULES, UNFILLABLE, *KEY_RULES, BAD_IGNORE, IDLE_IGNORE)

__all__ = ["RULES", "Finding", "Rule", "lint_invalid", "lint_manifest"]


def lint_manifest(
    manifest: Manifest, texts: Mapping[str, str], now: datetime, limits: Limits | None = None
) -> tuple[Finding, ...]:
    """Everything found, in the order of the files.

    `texts` holds each file as messages call it, for the comments in it; `now` is what expiries are judged by.
    """
    future = imagine_tenancy(manifest.resources, manifest.stack.tenancy)
    known = future.directory(_nobody, _nobody)
    directory = OfflineDirectory(known)
    found = [
        *lint_policies(future, directory, limits or Limits()),
        *lint_keys(future, manifest.documents, directory, now),
    ]
    ids = {rule.id for rule in RULES} - {INVALID.id, BAD_IGNORE.id, IDLE_IGNORE.id}
    return tuple(sorted(apply_comments(found, texts, ids), key=lambda one: (one.source, one.rule, one.message)))


def lint_invalid(error: ManifestError) -> tuple[Finding, ...]:
    """The problems of manifests that could not be read, as findings."""
    return tuple(Finding(INVALID.id, INVALID.severity, one.message, one.source, fix=one.hint) for one in error.problems)


def _nobody(name: str, domain: str | None) -> None:
    del name, domain
