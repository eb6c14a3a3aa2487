"""What the grammar reads and the service certainly refuses, seen in the text alone: OCIDs without `id`, places out of reach."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from genai_iac.iam_policy.printer import unparse
from genai_iac.iam_policy.syntax_tree import Grant, Location, Name, Statement
from genai_iac.iam_policy.template import Template


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why, at which 1-based column, what to type instead, and the whole statement put right if that is certain."""

    column: int  # 1-based
    message: str
    fix: str  # a hint for people
    replacement: str | None = None


def find_refusals(statement: Statement | Template, *, in_tenancy: bool = True) -> Iterator[Refusal]:
    """Everything of the sort in one statement, or in a template whose values are not known yet.

    ``in_tenancy``: the policy is attached to the tenancy itself, so that no place is out of its reach.

    Args:
        statement: parsed, or a template.
    """
    if isinstance(statement, Template):
        for found in find_refusals(statement.tree, in_tenancy=in_tenancy):
            yield Refusal(statement.column(found.column), statement.shown(found.message), statement.shown(found.fix))
    elif isinstance(statement, Grant):
        yield from missing_ids(statement)
        if not in_tenancy:
            yield from _out_of_reach(statement)


def missing_ids(grant: Grant) -> Iterator[Refusal]:
    """OCIDs in the places of names."""
    location = grant.location
    if len(location.path) == 1 and location.path[0].lower().startswith("ocid1."):
        ocid = location.path[0]
        fixed = replace(grant, location=Location("compartment", (), ocid, location.tenancy))
        message = "an OCID without `id` is read as a name, which no compartment has"
        yield Refusal(location.column, message, f"write compartment id {ocid}", unparse(fixed))
    for member in grant.subject.members if grant.subject.kind in ("group", "dynamic-group") else ():
        if isinstance(member, Name) and member.text.lower().startswith("ocid1."):
            message = "an OCID without `id` is read as a name, which no group has"
            yield Refusal(member.column, message, f"write {grant.subject.kind} id {member.text}")


def _out_of_reach(grant: Grant) -> Iterator[Refusal]:
    location = grant.location
    if location.scope == "tenancy" and not location.foreign:
        message = "`in tenancy` reaches outside the compartment that the policy is attached to"
        yield Refusal(location.column, message, "attach the policy to the tenancy, or name the compartment")
