"""Stale policies: they read as declared and grant nothing, because their names meant resources that have since been created again. Pure.

OCI turns the names in a policy into OCIDs when the policy is written. The ownership tag keeps a digest of those OCIDs; when the same
names mean others by now, the policy has to be written again. For a tag without a digest (an imported policy's) the age of what the names
mean decides.

The case: a compartment is deleted and created again under its name. The policy still reads as declared, so without this check the plan
would be empty while every caller gets 404.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

from genai_iac import iam_policy as language
from genai_iac.core import Address, LiveResource, Value
from genai_iac.planning.planned_state import PlannedState, tree_as_written

CreatedAt = Callable[[str], datetime | None]  # OCID to the time of its creation; None when unknown


class StalePolicy(Struct, frozen=True):
    """Why a live policy must be written again, or what is the matter although writing it would not help. Both may be empty."""

    reason: str = ""  # not empty: an update has to be sent although nothing else differs
    note: str = ""  # not empty: a name resolves to nothing


def digest_names(statements: Iterable[str], directory: language.Directory, attached: str) -> str:
    """What those statements come to when they are written now, as 16 hex digits. The same for all that mean the same.

    Args:
        statements: with all values filled in.
        attached: OCID of the compartment where the policy is attached.
    """
    compiled = {language.compiled_ids(language.parse_once(text), directory, attached) for text in statements}
    # Sorted, so that the order of statements is no difference.
    text = "\n".join(sorted(" ".join(ids) for ids in compiled))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def find_stale_names(
    policy: LiveResource, future: PlannedState, directory: language.Directory, created_at: CreatedAt
) -> StalePolicy:
    """Whether a live policy, whose statements read as declared, was written for other things than its names mean.

    `directory` is asked for groups, `created_at` for when something was made (None where that is not known). A name may also
    mean a compartment that is still to be made.

    Args:
        policy: a live policy with an ownership tag, whose address is declared.
        future: the tenancy after the plan.
        directory: group names to OCIDs now.

    Returns:
        An empty StalePolicy when the names still mean what they meant.
    """
    assert policy.mark is not None
    statements = future.statements(policy.mark.address)
    # names are resolved as they will be after the plan, so that a compartment renamed by the same plan is no reason to rewrite
    known = future.directory(directory.group, directory.dynamic_group)
    trees = map(language.parse_once, statements)
    named = dict.fromkeys(name for tree in trees for name in language.find_names(tree, known, policy.compartment))
    lost = [name for name in named if name.id is None and _can_be_read(name)]
    if lost:
        # Not a reason to write: the service would refuse a statement whose name it cannot
        # resolve.
        return StalePolicy(note=f"{_listed(lost)} is not there: what names it grants nothing")
    younger = [name for name in named if name.id and _is_younger(name.id, policy.created, future, created_at)]
    # with a digest its difference decides; without one (an imported policy) only what is younger than the policy is certain
    recorded = policy.mark.names
    if not named or (digest_names(statements, known, policy.compartment) == recorded if recorded else not younger):
        return StalePolicy()
    again = _listed(younger or list(named))
    return StalePolicy(f"{again} was made again after this policy was written: OCI still means the old one")


def digest_groups(
    policies: Iterable[Address], future: PlannedState, directory: language.Directory
) -> dict[Address, str]:
    """What the statements of those declared policies that name groups come to: a group made again under its name shows here.

    Part of a saved plan's inputs: between plan and apply a group may be deleted and created
    again (tests/plan_apply/test_saved_plans.py).
    """
    known = future.directory(directory.group, directory.dynamic_group)
    whole = {address: future.statements(address) for address in policies if future.is_whole(address)}
    return {
        address: digest_names(statements, known, future.home(address))
        for address, statements in whole.items()
        if name_kinds(statements) & {"group", "dynamic-group"}
    }


def names_anything(statements: Iterable[Value]) -> bool:
    """Whether statements name something that OCI compiles, without filling in their values.

    Args:
        statements: texts, or StatementText with placeholders.
    """
    return any(language.named_kinds(tree_as_written(statement)) for statement in statements)


def name_kinds(statements: Iterable[Value]) -> set[str]:
    """What they name: compartment, group, dynamic-group."""
    return {kind for statement in statements for kind in language.named_kinds(tree_as_written(statement))}


def _can_be_read(name: language.Named) -> bool:
    """Whether the service can be asked for the name: groups of other identity domains than Default cannot be read."""
    domain, slash, _ = name.name.partition("/")
    return name.kind == "compartment" or not slash or domain.casefold() == "default"


def _is_younger(id: str, written: datetime | None, future: PlannedState, created_at: CreatedAt) -> bool:
    """Whether what the name means was created after the policy was written, or is still to be created."""
    address = future.addresses.get(id)
    if address is not None and address not in future.made:
        return True
    made = created_at(id)
    return made is not None and written is not None and made > written


def _listed(names: Iterable[language.Named]) -> str:
    return " and ".join(f"{name.kind} {name.name}" for name in names)
