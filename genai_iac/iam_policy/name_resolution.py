"""Names into OCIDs, the way the service compiles a policy when it is written."""

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from genai_iac.iam_policy.errors import UnresolvedName
from genai_iac.iam_policy.syntax_tree import Association, Grant, Location, Name, Ocid, Statement, Subject


class Directory(Protocol):
    """Who knows the tenancy's compartments and groups. Names are compared without regard to case.

    A compartment's path is seen from the policy's own compartment: its first name is that compartment itself or one of
    its children, the following ones descend.

    Implemented by `references/resolver.py` over the compartment tree and by the emulator
    over its database.
    """

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        """The OCID of the compartment at ``path`` as seen from the compartment ``attached``, or None."""

    def contains(self, ancestor: str, compartment: str) -> bool:
        """Whether ``compartment`` is ``ancestor`` or lies below it."""

    def group(self, name: str, domain: str | None) -> str | None:
        """The OCID of a group, or None; without a domain the default one is meant."""

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        """The OCID of a dynamic group, or None; without a domain the default one is meant."""


Miss = Callable[[UnresolvedName], None]  # called with each name that cannot be resolved


def resolve(statement: Statement, directory: Directory, attached: str) -> Statement:
    """The statement with every name of its own tenancy replaced by an OCID, for a policy in the compartment ``attached``.

    Names of another tenancy (the groups of admit, the places of endorse) are what ``define`` says and stay names, as do
    groups of endorse that the directory does not know. Raises UnresolvedName for a group or compartment that is not
    there and for a place outside the policy's compartment.

    Args:
        statement: parsed.
        attached: OCID of the compartment where the policy is attached.
    """

    def refuse(error: UnresolvedName) -> None:
        raise error

    return resolve_known(statement, directory, attached, refuse)


def find_unresolved(statement: Statement, directory: Directory, attached: str) -> tuple[UnresolvedName, ...]:
    """Everything for which ``resolve`` would raise, in the order of the statement.

    A name that occurs twice is reported twice, with both columns.
    """
    misses: list[UnresolvedName] = []
    resolve_known(statement, directory, attached, misses.append)
    return tuple(misses)


def resolve_where_known(statement: Statement, directory: Directory, attached: str) -> Statement:
    """As resolve, but names that nobody knows stay names."""
    return resolve_known(statement, directory, attached, _ignore)


def resolve_known(statement: Statement, directory: Directory, attached: str, miss: Miss) -> Statement:
    """As resolve, but what cannot be resolved is reported to ``miss`` and stays as it is.

    Columns are kept, so that messages about the result still point into the text.
    """
    if not isinstance(statement, Grant):
        return statement
    subject = statement.subject
    if statement.effect not in ("admit", "deny admit"):
        may_be_defined = statement.effect in ("endorse", "deny endorse")
        subject = _subject(subject, directory, _ignore if may_be_defined else miss)
    association = statement.association
    if association is not None:
        association = Association(association.resource, _location(association.location, directory, attached, miss))
    location = _location(statement.location, directory, attached, miss)
    return replace(statement, subject=subject, location=location, association=association)


def _ignore(_: UnresolvedName) -> None:
    """It stays a name; a group of endorse may be one that another statement defines."""


def _subject(subject: Subject, directory: Directory, miss: Miss) -> Subject:
    if subject.kind == "group":
        find = directory.group
    elif subject.kind == "dynamic-group":
        find = directory.dynamic_group
    else:
        return subject
    return replace(subject, members=tuple(_member(member, subject.kind, find, miss) for member in subject.members))


def _member(member: Name | Ocid, kind: str, find: Callable[[str, str | None], str | None], miss: Miss) -> Name | Ocid:
    if isinstance(member, Ocid):
        return member
    found = find(member.text, member.domain)
    if found is not None:
        return Ocid(found, member.column)
    shown = member.text if member.domain is None else f"{member.domain}/{member.text}"
    miss(UnresolvedName(kind, shown, member.column, f"{kind} {shown} does not exist"))
    return member


def _location(location: Location, directory: Directory, attached: str, miss: Miss) -> Location:
    if location.foreign:
        return location
    if location.scope == "tenancy":
        # The service refuses `in tenancy` in a policy of a compartment.
        if attached.startswith("ocid1.compartment."):
            message = "`in tenancy` reaches outside the policy's compartment; attach the policy to the tenancy"
            miss(UnresolvedName("subtree", "tenancy", location.column, message))
        return location
    if location.id is not None:
        if not directory.contains(attached, location.id):
            message = f"compartment {location.id} is not the policy's compartment nor below it"
            miss(UnresolvedName("subtree", location.id, location.column, message))
        return location
    found = directory.compartment(location.path, attached)
    if found is None:
        shown = ":".join(location.path)
        hint = f"; write `compartment id {shown}`" if shown.lower().startswith("ocid1.") else ""
        message = f"compartment {shown} does not exist in the policy's compartment{hint}"
        miss(UnresolvedName("compartment", shown, location.column, message))
        return location
    return replace(location, path=(), id=found)
