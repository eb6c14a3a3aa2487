"""The rules of the policy language, over the policies that the manifests declare: each finding at its statement or grant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from genai_iac import iam_policy as language
from genai_iac.analysis.lint.finding import Finding, LintRule
from genai_iac.core import Address
from genai_iac.core.errors import PlanError
from genai_iac.iam_policy.lint import RULES, PolicyDocument, find_overlaps, lint_policy
from genai_iac.iam_policy.lint import StatementFinding as Found
from genai_iac.planning.planned_state import PlannedState
from genai_iac.planning.preflight import ServiceLimits
from genai_iac.planning.preflight.names import place_of

# Rules of the language that need all compartments. OUTSIDE replaces one of them for
# what manifests know.
_NEEDS_THE_TENANCY = {"unresolved-name", "outside-subtree"}
OUTSIDE = LintRule("outside-subtree", "error", "a place outside the policy's compartment")
OVERLAP = LintRule("overlap", "info", "a statement of another policy already grants this")
POLICY_RULES = (
    *(LintRule(rule.id, rule.severity, rule.summary) for rule in RULES if rule.id not in _NEEDS_THE_TENANCY),
    OUTSIDE,
    OVERLAP,
)
UNFILLABLE = LintRule("unfillable", "error", "a value that does not fit its placeholder")


def lint_policies(future: PlannedState, directory: language.Directory, limits: ServiceLimits) -> Iterator[Finding]:
    """Every policy by itself, then the paths of compartments that hold too many statements.

    Args:
        future: the tenancy as the manifests alone describe it.
        directory: names to OCIDs.
        limits: of the tenancy.
    """
    for address, resource in future.resources.items():
        if address.kind != "Policy":
            continue
        try:
            statements = future.statements(address)
        except PlanError as error:
            yield Finding(UNFILLABLE.id, UNFILLABLE.severity, error.message, resource.source, address, error.hint or "")
            continue
        for found in lint_policy(statements, attached=future.home(address), directory=directory):
            if found.rule not in _NEEDS_THE_TENANCY:
                yield _placed(found, address, future)
        yield from _out_of_reach(address, future, directory)
    yield from _full_paths(future, limits)
    yield from _overlaps(future, directory)


def _placed(found: Found, policy: Address, future: PlannedState) -> Finding:
    """The finding of the policy language at its position in the manifest, without placeholder OCIDs."""
    place = place_of(future, policy, found.statement)
    message, fix = future.with_addresses(found.message), future.with_addresses(found.fix or "")
    return Finding(found.rule, found.severity, message, place, policy, fix)


def _out_of_reach(policy: Address, future: PlannedState, directory: language.Directory) -> Iterator[Finding]:
    """Locations that are elsewhere by the manifests. Of others nothing is known here."""
    for number, text in enumerate(future.statements(policy)):
        for miss in language.find_unresolved(language.parse_once(text), directory, future.home(policy)):
            if miss.kind == "subtree" and miss.name in future.tree:
                place = place_of(future, policy, number)
                fix = "attach the policy to a compartment above both, or to the tenancy"
                yield Finding(OUTSIDE.id, OUTSIDE.severity, future.with_addresses(miss.message), place, policy, fix)


def _overlaps(future: PlannedState, directory: language.Directory) -> Iterator[Finding]:
    """Statements that another policy of the manifests already grants; lists with a syntax error are another rule's matter."""
    policies = [address for address in future.resources if address.kind == "Policy"]
    documents, known = [], []
    for address in policies:
        with suppress(PlanError, language.PolicySyntaxError):
            texts = future.statements(address)
            trees = [language.parse_once(text) for text in texts]
            documents.append(PolicyDocument(texts, trees, future.home(address), directory))
            known.append(address)
    for (policy, statement), (other, number) in find_overlaps(documents):
        message = f"statement {number + 1} of {known[other]} already grants this"
        place = place_of(future, known[policy], statement)
        yield Finding(OVERLAP.id, OVERLAP.severity, message, place, known[policy], "delete it")


def _full_paths(future: PlannedState, limits: ServiceLimits) -> Iterator[Finding]:
    """Paths of compartments with more declared statements than fit. Only the shortest path of each is reported."""
    counts: Counter[str] = Counter()
    last: dict[str, Address] = {}
    for address in future.resources:
        if address.kind == "Policy":
            counts[future.home(address)] += future.count(address)
            last[future.home(address)] = address
    reported: set[str] = set()
    for place in sorted(counts, key=lambda id: (len(future.tree.names(id)), id)):
        lineage = tuple(future.tree.lineage(place))
        count = sum(counts[id] for id in lineage)
        if count > limits.statements_per_path and reported.isdisjoint(lineage):
            reported.add(place)
            policy = future.resources[last[place]]
            message = f"{count} statements along the compartments of {future.tree.path(place)}; {limits.statements_per_path} fit"
            fix = "join statements, or attach policies to compartments deeper down"
            yield Finding("path-full", "error", message, policy.source, policy.address, fix)
