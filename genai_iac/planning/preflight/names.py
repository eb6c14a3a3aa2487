"""Names in statements that are nobody's, and places that a policy does not reach."""

from __future__ import annotations

from collections.abc import Iterator

from genai_iac import iam_policy as language
from genai_iac.core import Address, Notice, Source
from genai_iac.core.errors import PlanError
from genai_iac.planning.planned_state import PlannedState


def find_misnamed(policy: Address, future: PlannedState, known: language.Directory) -> Iterator[PlanError]:
    """Every name of a policy's statements that will mean nothing once the plan is carried out.

    Args:
        policy: a policy that this plan writes.
        known: names as they will be after the plan.

    Yields:
        An error per name. OCI would refuse the statement in the middle of an apply.
    """
    for number, text in enumerate(future.statements(policy)):
        for miss in language.find_unresolved(language.parse_once(text), known, future.home(policy)):
            if miss.kind in ("compartment", "subtree") or _is_default(miss.name.partition("/")):
                where = place_of(future, policy, number)
                message = future.told(miss.message)
                yield PlanError(f"{where}: {policy}: {message}", hint=_way_out(miss, future, future.home(policy)))


def note_unasked_domains(policy: Address, future: PlannedState) -> Iterator[Notice]:
    """The identity domains whose groups nobody can be asked about.

    Args:
        policy: a policy that this plan writes.
    """
    found = {domain for text in future.statements(policy) for domain in _domains(language.parse_once(text))}
    for domain in sorted(found):
        text = f"groups of the domain {domain} are not checked: the Identity API tells of the Default domain alone"
        yield Notice(text, policy)


def place_of(future: PlannedState, policy: Address, number: int) -> Source:
    """Where a statement of a policy, or the grant that it was made from, was written.

    Args:
        number: index of the statement, from 0; an index without a position of its own gives
            the policy's.
    """
    resource = future.resources[policy]
    return resource.places.get(f"statements.{number}", resource.source)


def _is_default(name: tuple[str, str, str]) -> bool:
    domain, slash, _ = name
    return not slash or domain.casefold() == "default"


def _way_out(miss: language.UnresolvedName, future: PlannedState, home: str) -> str:
    if miss.kind == "subtree":
        return "attach the policy to a compartment above both, such as the tenancy"
    if miss.kind != "compartment":
        return f"correct the name, or make the {miss.kind} first"
    from difflib import get_close_matches  # only a mistake needs it

    names = [node.name for node in future.tree.children(home)]
    # Only children of the compartment where the policy is attached: names are resolved from
    # there.
    near = get_close_matches(miss.name.rpartition(":")[2], names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    place = "the tenancy" if home == future.tree.tenancy else future.tree.path(home)
    return (
        f"names are resolved from where the policy is attached, {place}: correct the name, or declare the compartment"
    )


def _domains(statement: language.Statement) -> Iterator[str]:
    if isinstance(statement, language.Grant) and statement.subject.kind in ("group", "dynamic-group"):
        for member in statement.subject.members:
            if isinstance(member, language.Name) and member.domain and member.domain.casefold() != "default":
                yield member.domain
