"""The API keys and the policy statements that are in force: now, and once a plan is applied. Pure.

What a plan changes is taken as declared, the rest as live, in the compartment where it will be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from genai_iac import iam_policy as language
from genai_iac.core import Address, CompartmentTree, Live, LiveResource, LiveSecret, Notice, Plan
from genai_iac.iam_policy import Grant, StatementInForce, permissions_of
from genai_iac.iam_policy.conditions import is_for_others
from genai_iac.iam_policy.equivalence import canonical_text
from genai_iac.iam_policy.rules import permissions_in
from genai_iac.planning.planned_state import PlannedState
from genai_iac.planning.policy_staleness import digest_names
from genai_iac.references.resolver import TenancyDirectory
from genai_iac.resource_types import idle_time

# APIs as people call them, and the operation whose permissions decide. Other operations
# of keys need the same permissions.
CALLS = {
    "chat": "ChatCompletions",
    "responses": "CreateResponse",
    "conversations": "CreateConversation",
    "embeddings": "Embeddings",
    "reranking": "RerankText",
}
CALLED = frozenset(permission for operation in CALLS.values() for permission in permissions_of(operation))

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


def other_keys(live: Live, tree: CompartmentTree | None = None) -> Iterator[tuple[LocatedKey, LiveResource]]:
    """The keys of other stacks, and of none, that were seen; each goes by its OCID for a name.

    Args:
        tree: where compartments will be; None leaves the keys where they are now.
    """
    for one in (*live.others, *live.beyond, *live.mismatched):
        if one.kind == "ApiKey" and one.lifecycle != "DELETING":
            path = tuple((tree or live.tree).lineage(one.compartment))
            yield LocatedKey(Address("ApiKey", one.id), one.id, path, one.region or live.home_region), one


def secrets_in_use(key: LiveResource, live: Live) -> list[LiveSecret]:
    """The values of a key that callers used lately, and that still work; what is late is as for a key that nobody declares."""
    since = live.now - idle_time(None)
    return [one for one in key.secrets if one.state == "ACTIVE" and one.last_used and one.last_used > since]


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


def find_undecided(policies: Iterable[PolicyInForce]) -> Iterator[str]:
    """The statements for dynamic groups that give or take what keys call, as sentences.

    That a dynamic group holds API keys is UNCONFIRMED, and its rule is not read: what it decides is not known.
    """
    for policy in policies:
        for position, text in enumerate(policy.statements, 1):
            if _gives(text) is not None:
                ref = StatementRef(policy.name, position, text)
                yield f"{ref} is for a dynamic group, which holds keys if its rule says so; it is not in this"


def note_losses(plan: Plan, future: PlannedState, live: Live) -> Iterator[Notice]:
    """A notice for each policy that ceases to allow a dynamic group what keys call, or begins to deny it; none where no key is in use."""
    if not any(one.kind == "ApiKey" and secrets_in_use(one, live) for one in (*live.found, *live.beyond)):
        return
    changed = {address: stays for address, stays in plan.existence.items() if address.kind == "Policy"}
    before = {address: list(_live_statements(address, live)) for address in changed}
    after = {
        address: [(text, future.home(address)) for text in future.statements(address)]
        for address, stays in changed.items()
        if stays and address in future.resources
    }
    had, will = ({_key(one) for texts in side.values() for one in texts} for side in (before, after))
    for address in changed:
        lost = [one for one in before[address] if _gives(one[0]) is True and _key(one) not in will]
        taken = [one for one in after.get(address, ()) if _gives(one[0]) is False and _key(one) not in had]
        if lost or taken:
            (text, _), *_ = (*lost, *taken)
            what = "ceases to allow" if lost else "begins to deny"
            message = (
                f"it {what} calls to a dynamic group, whose rule is not read: an API key in it loses access: {text}"
            )
            yield Notice(future.with_addresses(message), address)


def _live_statements(address: Address, live: Live) -> Iterator[tuple[str, str]]:
    for one in live.owned.get(address, ()):
        yield from ((text, one.compartment) for text in one.attributes["statements"])


def _key(one: tuple[str, str]) -> str:
    """What two statements have in common that mean the same in policies of one compartment."""
    text, attached = one
    return f"{attached} {canonical_text(text, None, attached)}"


def _gives(text: str) -> bool | None:
    """True for a statement that allows a dynamic group what keys call, False for one that denies it, None for all others."""
    tree = read_statement(text)
    if not isinstance(tree, Grant) or tree.subject.kind != "dynamic-group" or is_for_others(tree.condition):
        return None
    return not tree.effect.startswith("deny") if CALLED & permissions_in(tree) else None
