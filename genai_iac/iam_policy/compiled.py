"""The OCIDs of a statement's names: the service looks them up when a policy is written, and keeps them.

Deleting and re-creating a group or compartment leaves policies that name the deleted OCID although their text looks right.
`planning/policy_staleness.py` finds them with a digest of what is computed here.
"""

from collections.abc import Iterator
from typing import NamedTuple

from genai_iac.iam_policy.equivalence import canonical
from genai_iac.iam_policy.name_resolution import Directory
from genai_iac.iam_policy.syntax_tree import Grant, Location, Name, Ocid, Statement


class Named(NamedTuple):
    """A name of the policy's own tenancy: compartment, group or dynamic-group, the name as written, its OCID if it has one."""

    kind: str  # compartment, group or dynamic-group
    name: str  # as written; a path as `a:b`, a group of another domain as `domain/name`
    id: str | None  # None: nothing has that name now


def find_names(statement: Statement, directory: Directory, attached: str) -> Iterator[Named]:
    """The names that the service compiles, with what they mean now. Those of other tenancies are not among them.

    Args:
        statement: a parsed statement; a definition has no names of its own tenancy.
        directory: what names mean now, or will mean.
        attached: OCID of the compartment where the policy is attached; paths start there.
    """
    if not isinstance(statement, Grant):
        return
    for location in _places(statement):
        if location.path:
            yield Named("compartment", ":".join(location.path), directory.compartment(location.path, attached))
    may_be_foreign = statement.effect in ("endorse", "deny endorse")  # what another statement defines
    for member in _members(statement):
        find = directory.group if statement.subject.kind == "group" else directory.dynamic_group
        id = find(member.text, member.domain)
        if id is not None or not may_be_foreign:
            shown = member.text if member.domain is None else f"{member.domain}/{member.text}"
            yield Named(statement.subject.kind, shown, id)


def named_kinds(statement: Statement) -> frozenset[str]:
    """What there is to compile: compartment, group, dynamic-group.

    Needs no directory, so it costs no request. A placeholder for a whole place (`in ${var.place}`) may become the
    path of a compartment, so it counts as one (tests/policy_planning/test_recreated_names.py).

    Args:
        statement: parsed, or the tree of a template.
    """
    if not isinstance(statement, Grant):
        return frozenset()
    kinds = {"compartment" for location in _places(statement) if location.path or location.placeholder is not None}
    return frozenset(kinds | {statement.subject.kind for _ in _members(statement)})


def compiled_ids(statement: Statement, directory: Directory, attached: str) -> tuple[str, ...]:
    """Every OCID that the statement comes to, in an order that does not hang on how it is written; unknown names as names.

    Returns:
        The subject's OCIDs and the locations'. Two statements with equal results are
            compiled to the same.
    """
    tree = canonical(statement, directory, attached)
    if not isinstance(tree, Grant):
        return (tree.id,)
    members = (
        member.text if isinstance(member, Ocid) else f"{member.domain}/{member.text}" for member in tree.subject.members
    )
    return (*members, *(location.id or ":".join(location.path) or location.scope for location in _places(tree)))


def _places(grant: Grant) -> Iterator[Location]:
    """The locations in the policy's own tenancy. Foreign ones are resolved there."""
    places = (grant.location,) if grant.association is None else (grant.location, grant.association.location)
    return (place for place in places if not place.foreign)


def _members(grant: Grant) -> Iterator[Name]:
    """Groups by name. In an admit they belong to another tenancy, so the service does not compile them here."""
    if grant.effect not in ("admit", "deny admit") and grant.subject.kind in ("group", "dynamic-group"):
        yield from (member for member in grant.subject.members if isinstance(member, Name))
