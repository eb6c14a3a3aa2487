"""The least IAM policy that the tool's own identity needs for a stack, derived from the operations that a command makes. Pure, offline.

A compartment that the manifests declare may not exist yet: then its rights are granted at the nearest compartment above it that does. Of
what exists (everything, for `rotate`) the statement names the declared compartment itself, and nothing that only creates is granted.
Vaults and their keys are known by OCID alone: they are granted in the tenancy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from genai_iac import iam_policy as language
from genai_iac.core import Address, ExistingCompartment, Reference, Resource, Value
from genai_iac.delivery.sinks import entry_compartments
from genai_iac.iam_policy import VERBS, Grant, Location, Name, Subject, Word
from genai_iac.iam_policy.permissions import given_by, permissions_of
from genai_iac.planning.policy_staleness import name_kinds
from genai_iac.resource_types import RESOURCE_TYPES, Rotation

Verb = Literal["plan", "apply", "rotate"]  # the verbs of `genai-iac permissions`
ROOT: Location = Location("tenancy")

# what the provider itself asks for at the start of every run, beside what the kinds list
_AT_THE_START = ("ListRegionSubscriptions",)
_GROUPS = {"group": "ListGroups", "dynamic-group": "ListDynamicGroups"}
# what genai_iac.oci_client.vault calls for one secret
_READ_VAULT = ("ListSecrets", "GetSecretBundle", "ListSecretVersions")
_RENEW_IN_VAULT = (*_READ_VAULT, "GetSecret", "UpdateSecret", "ScheduleSecretVersionDeletion")
# By verb: what `oci_client/vault.py` calls.
_VAULT: Mapping[Verb, tuple[str, ...]] = {
    "plan": _READ_VAULT,
    "rotate": _RENEW_IN_VAULT,
    "apply": (*_RENEW_IN_VAULT, "GetVault", "GetKey", "CreateSecret", "ScheduleSecretDeletion"),
}
_ELSEWHERE = ("VAULT_", "KEY_")  # permissions on what lies in a compartment that nobody names
_ROTATION_STEP = ("GetApiKey", "RenewApiKey", "SetApiKeyState")  # operations of one rotation step


class Need(Struct, frozen=True):
    """A permission and where it is needed.

    A statement is made of the needs of one resource type and place.
    """

    permission: str
    place: Location  # where the statement has to be attached or reach


def least_policy(
    verb: Verb, resources: Mapping[Address, Resource], group: str, existing: Collection[Address] = ()
) -> tuple[str, ...]:
    """The statements to attach to the tenancy for that group (`NAME`, or `DOMAIN/NAME`), narrowest verbs, none that another covers.

    `existing` are the declared resources that are known to be there; of `rotate` all are.

    Args:
        verb: what the identity is going to run.
        resources: the declared ones.
        group: of the identity; the statements are for this group.

    Returns:
        Statements in a stable order. Checked on the emulator with an identity that has
            nothing else.
    """
    grants: dict[tuple[str, Location], int] = {}
    for need in find_needs(verb, resources, existing):
        least, type = given_by(need.permission)
        grants[type, need.place] = max(VERBS.index(least), grants.get((type, need.place), 0))
    kept = [key for key in grants if not any(_covers(other, key, grants) for other in grants)]
    domain, _, name = group.rpartition("/")
    subject = Subject("group", (Name(name, domain or None),))
    return tuple(
        language.unparse(Grant("allow", subject, place, VERBS[grants[type, place]], (Word(type),)))
        for type, place in kept
    )


def find_needs(verb: Verb, resources: Mapping[Address, Resource], existing: Collection[Address] = ()) -> Iterator[Need]:
    """Every permission that the verb needs for a stack of which those resources exist (rotate: all of it).

    Lists are read in the whole tenancy, because resources that were moved are searched for.
    """
    there = frozenset(resources if verb == "rotate" else existing)
    yield from _of(_AT_THE_START, ROOT)
    for kind in RESOURCE_TYPES.values():
        declared = any(one.kind == kind.name for one in resources)
        if declared or not kind.listing.optional:
            yield from _of((kind.listing.operation,), ROOT)
        if declared and kind.listing.summary:
            yield from _of((kind.get_operation,), ROOT)
    for named in sorted(_named_kinds(resources.values())):
        yield from _of((_GROUPS[named],), ROOT)
    for resource in resources.values():
        if verb == "apply":
            life = _life(resource, exists=resource.address in there)
            yield from _of(life, _place(resource.attributes["compartmentId"], resources, there))
        rotates = Rotation.of(resource) is not None if resource.address.kind == "ApiKey" else False
        if verb == "rotate" and rotates:
            yield from _of(_ROTATION_STEP, _place(resource.attributes["compartmentId"], resources, there))
        if verb != "rotate" or rotates:
            yield from _of_sinks(verb, resource, resources, there)


def _of(operations: Iterable[str], place: Location) -> Iterator[Need]:
    """The permissions of operations, at that location or in the tenancy."""
    for operation in operations:
        for permission in permissions_of(operation):
            yield Need(permission, ROOT if permission.startswith(_ELSEWHERE) else place)


def _named_kinds(resources: Iterable[Resource]) -> set[str]:
    """Whether statements name groups or dynamic groups, which then are looked up."""
    found: set[str] = set()
    for resource in resources:
        statements = resource.attributes.get("statements", ())
        assert isinstance(statements, list | tuple)
        found |= name_kinds(statements) & _GROUPS.keys()
    return found


def _life(resource: Resource, *, exists: bool) -> Iterator[str]:
    """What it takes to create a resource, or to change the one that exists, and to delete it."""
    kind = RESOURCE_TYPES[resource.address.kind]
    if not exists:
        yield from (call.operation for call in kind.create(resource).calls)
    elif kind.name == "ApiKey":
        yield from (*_ROTATION_STEP, kind.update_operation)
    else:
        yield kind.update_operation
    yield kind.get_operation
    yield kind.delete_operation
    yield from kind.life_operations


def _of_sinks(
    verb: Verb, resource: Resource, resources: Mapping[Address, Resource], there: frozenset[Address]
) -> Iterator[Need]:
    """What deliveries to OCI Vault need; other sinks need no right of OCI."""
    for entry in resource.settings.get("deliverTo", ()):
        for written in entry_compartments(entry) if "vault" in entry else ():
            yield from _of(_VAULT[verb], _place(written, resources, there))


def _place(compartment: Value, resources: Mapping[Address, Resource], there: frozenset[Address]) -> Location:
    """Where the rights on a compartment's contents have to be granted."""
    match compartment:
        case Reference(address=address):
            around = _place(resources[address].attributes["compartmentId"], resources, there)
            name = resources[address].attributes["name"]
            if address in there and isinstance(name, str) and (around == ROOT or around.path):
                return Location("compartment", (*around.path, name))
            return around
        case ExistingCompartment(names=names) if names:
            return Location("compartment", names)
        case str() if not compartment.startswith("ocid1.tenancy."):
            return Location("compartment", (), compartment)
    return ROOT


def _covers(
    wide: tuple[str, Location], narrow: tuple[str, Location], levels: Mapping[tuple[str, Location], int]
) -> bool:
    """Whether one statement includes another of the same resource type."""
    if wide == narrow or wide[0] != narrow[0] or levels[wide] < levels[narrow]:
        return False
    around, inside = wide[1], narrow[1]
    return around == ROOT or (bool(around.path) and inside.path[: len(around.path)] == around.path)
