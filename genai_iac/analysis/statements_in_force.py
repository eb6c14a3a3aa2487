"""The API keys and the policy statements that are in force: now, and once a plan is applied. Pure.

What a plan changes is taken as declared, the rest as live, in the compartment where it will be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from genai_iac import iam_policy as language
from genai_iac.core import Address, CompartmentTree, Live, LiveResource
from genai_iac.iam_policy import Grant, StatementInForce
from genai_iac.planning.planned_state import PlannedState
from genai_iac.planning.policy_staleness import digest_names
from genai_iac.references.resolver import TenancyDirectory

# for output only
FormattedStatement = Callable[[str], str]  # a statement as people are to read it


class StatementRef(Struct, frozen=True):
    """A statement of a policy, counted from 1; policies of nobody's stack go by their names."""

    policy: str  # address of ours, `policy NAME` of others
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.policy} statement {self.number}"


class LocatedKey(Struct, frozen=True):
    """An API key of the stack and where it is. `path`: the OCIDs of its compartment and of each above it."""

    address: Address
    id: str  # OCID, or a placeholder for a key to be created
    path: tuple[str, ...]
    region: str = ""  # long name


class PolicyInForce(Struct, frozen=True):
    """A policy's statements and the compartment that it is attached to."""

    name: str  # as in StatementRef
    attached: str  # OCID of its compartment
    statements: tuple[str, ...]
    tree: CompartmentTree  # in which its names are compiled
    without_names: bool = False  # its names were compiled to things that are gone


def planned_keys_and_policies(
    changed: Mapping[Address, bool], future: PlannedState, live: Live
) -> tuple[list[LocatedKey], list[PolicyInForce]]:
    """The keys and policies there will be: what changes as declared, the rest as live, where its compartment will be.

    Args:
        changed: address to whether it exists after the plan.
    """
    keys = [*live_keys(live, changed, future.tree), *_future_keys(future, changed)]
    return keys, [*live_policies(live, without=changed), *_future_policies(future, changed)]


def live_keys(
    live: Live, without: Collection[Address] = (), tree: CompartmentTree | None = None
) -> Iterator[LocatedKey]:
    """The stack's own keys where they are, or where their compartments will be by `tree`; none of `without`.

    Args:
        without: addresses to leave out, because the plan changes them.
        tree: None leaves them where they are now.
    """
    for address, group in live.owned.items():
        if address.kind == "ApiKey" and address not in without:
            for one in group:
                path = tuple((tree or live.tree).lineage(one.compartment))
                yield LocatedKey(address, one.id, path, one.region or live.home_region)


def live_policies(live: Live, without: Collection[Address] = ()) -> Iterator[PolicyInForce]:
    """Every policy that was read, ours by address and others by name; none of ours that are in `without`.

    Args:
        without: addresses to leave out.
    """
    for one in (*live.found, *live.beyond):
        ours = one.mark is not None and (one in live.owned.get(one.mark.address, ()) or one in live.superseded)
        if one.kind == "Policy" and not (ours and one.mark and one.mark.address in without):
            name = str(one.mark.address) if ours and one.mark else f"policy {one.name}"
            statements = tuple(one.attributes["statements"])
            # OCI compiled its names when it was written: a rename since then changes nothing for it
            yield PolicyInForce(name, one.compartment, statements, live.tree, _is_stale(one, live.tree))


def _is_stale(policy: LiveResource, tree: CompartmentTree) -> bool:
    """Whether the OCIDs in its ownership tag are not those that its compartments' names mean now; groups are not asked for."""
    recorded = policy.mark.names if policy.mark else ""
    statements = [text for text in policy.attributes["statements"] if read_statement(text) is not None]
    if not recorded or any(_names_group(text) for text in statements):
        return False
    return digest_names(statements, _directory(tree), policy.compartment) != recorded


def _names_group(text: str) -> bool:
    tree = read_statement(text)
    return isinstance(tree, Grant) and tree.subject.kind in ("group", "dynamic-group")


def _future_keys(future: PlannedState, changed: Mapping[Address, bool]) -> Iterator[LocatedKey]:
    for address, stays in changed.items():
        if address.kind == "ApiKey" and stays and address in future.resources:
            path = tuple(future.tree.lineage(future.home(address)))
            yield LocatedKey(address, future.ids[address], path, future.resources[address].region or "")


def _future_policies(future: PlannedState, changed: Mapping[Address, bool]) -> Iterator[PolicyInForce]:
    for address, stays in changed.items():
        if address.kind == "Policy" and stays and address in future.resources:
            yield PolicyInForce(str(address), future.home(address), future.statements(address), future.tree)


def statements_in_force(
    policies: Iterable[PolicyInForce], format_statement: FormattedStatement
) -> Iterator[tuple[StatementInForce, StatementRef]]:
    """What the policies say of any user, names resolved, each with where it stands. `format_statement` formats a statement for people.

    Args:
        policies: of one side.

    Statements for groups are left out: an API key is in no group.
    """
    for number, policy in enumerate(policies):
        directory = _directory(policy.tree)
        for position, text in enumerate(policy.statements, 1):
            tree = read_statement(text)
            if not isinstance(tree, Grant) or tree.subject.kind != "any-user":
                continue
            if policy.without_names and language.named_kinds(tree):
                continue
            resolved = language.resolve_where_known(tree, directory, policy.attached)
            source = f"{number} {position}"  # so that equal statements of two policies stay two rules
            yield (
                StatementInForce(source, policy.attached, resolved, text),
                StatementRef(policy.name, position, format_statement(text)),
            )


def read_statement(text: str) -> language.Statement | None:
    """The statement parsed, or None when it is of a form that the parser does not know."""
    try:
        return language.parse_once(text)
    except language.PolicySyntaxError:
        return None  # a newer form than we know: it says nothing that could be told


def _directory(tree: CompartmentTree) -> language.Directory:
    """A directory of compartments; it knows no groups."""
    return TenancyDirectory(tree, _nobody, _nobody)


def _nobody(name: str, domain: str | None) -> None:
    """Groups are not asked for: a key is in none."""
    del name, domain
